"""Runs whose process was killed: the next fit in their experiment closes them.

A process that gets SIGKILL, or SIGTERM without a handler of its own, ends without a word, and
its runs would stay RUNNING for ever.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sknn_tricks.tracking.stores._quiet import no_links

_HOST, _PID, _STARTED = "sknn.host", "sknn.pid", "sknn.started"
_PARENT = "mlflow.parentRunId"
_DAYS_UNTIL_GIVEN_UP = 7
_MOST_RUNS = 1000


def process_tags() -> dict[str, str]:
    """Return tags that say which process writes a run.

    Returns
    -------
    dict of str to str
        ``sknn.host``, ``sknn.pid`` and ``sknn.started``: a machine since its last start (and, on
        Linux, a container), a process there, and when it began, since numbers are used again.

    Examples
    --------
    >>> sorted(process_tags())
    ['sknn.host', 'sknn.pid', 'sknn.started']
    """
    pid = os.getpid()
    return {_HOST: _host(), _PID: str(pid), _STARTED: _start_of(pid) or ""}


def close_orphans(client: Any, experiment_id: str) -> list[str]:
    """End, as KILLED, the runs of an experiment whose process is gone.

    Searches that go on in other processes stay as they are. Of another machine nothing is known:
    its runs are closed when they are a week old. Should one be alive all the same, its own end
    gives it its own status.

    Parameters
    ----------
    client : mlflow.MlflowClient
    experiment_id : str

    Returns
    -------
    list of str
        The ids of the runs that were closed. Runs without the tags of `process_tags` are not
        ours, and stay.
    """
    is_running = "attributes.status = 'RUNNING'"
    running = client.search_runs([experiment_id], is_running, max_results=_MOST_RUNS)
    closed = {run.info.run_id: run for run in running if _is_orphan(run)}
    for _ in range(2):  # the candidates of a search, then their folds
        closed |= {run.info.run_id: run for run in running if run.data.tags.get(_PARENT) in closed}
    for run in reversed(closed.values()):  # a search last, or the next fit would not find them
        _close(client, run)
    return list(closed)


def _close(client: Any, run: Any) -> None:
    run_id = run.info.run_id
    client.set_tag(run_id, "error", "the process ended without closing this run")
    with no_links():
        client.set_terminated(run_id, "KILLED", _last_sign_of_life(client, run))


def _last_sign_of_life(client: Any, run: Any) -> int:
    """Return when a run was last written to, in milliseconds; not when it was found."""
    mine = f"tags.`{_PARENT}` = '{run.info.run_id}'"
    newest = ["attributes.end_time DESC"]
    children = client.search_runs([run.info.experiment_id], mine, max_results=1, order_by=newest)
    times = [child.info.end_time or child.info.start_time for child in children]
    return max([run.info.start_time, *times])


def _is_orphan(run: Any) -> bool:
    tags = run.data.tags
    if not {_HOST, _PID, _STARTED} <= tags.keys():
        return False
    if tags[_HOST] == _host():
        return _is_gone(tags)
    return time.time() - run.info.start_time / 1000 > _DAYS_UNTIL_GIVEN_UP * 24 * 3600


def _is_gone(tags: Mapping[str, str]) -> bool:
    if not tags[_STARTED] or not tags[_PID].isdecimal():
        return False
    return _start_of(int(tags[_PID])) != tags[_STARTED]


def _host() -> str:
    """Name this machine since its last start; two containers may have one name and one kernel."""
    parts = [socket.gethostname()]
    for read in (_boot_id, _process_namespace):
        try:
            parts.append(read())
        except OSError:
            parts.append("")
    return "/".join(parts)


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _process_namespace() -> str:
    return os.readlink("/proc/self/ns/pid")


def _start_of(pid: int) -> str | None:
    """Return when a process began, as a text to compare; None if there is no such process."""
    if not Path("/proc/self/stat").exists():
        return _start_by_psutil(pid)
    try:
        # the name of the program, in brackets, may hold anything
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]  # a zombie will not write any more


def _start_by_psutil(pid: int) -> str | None:
    try:
        import psutil
    except ImportError:  # then nothing is known, and nothing is closed
        return ""
    try:
        return repr(psutil.Process(pid).create_time())
    except psutil.Error:
        return None
