"""Calls to a store that outlast its absence: a server that restarts, a disk that is full."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sknn_tricks.tracking.stores._direct_client import WholeRun
from sknn_tricks.tracking.stores._outages import is_outage
from sknn_tricks.tracking.stores._reach import check_file, check_network, file_id
from sknn_tricks.tracking.stores._store import Store

_FIRST_PAUSE = 0.5  # seconds between attempts, doubled each time
_LONGEST_PAUSE = 15.0
_LONGEST_OUTAGE = 300.0  # while a fit runs; what it tells waits in memory meanwhile
_PAUSE_AT_THE_END = 0.5
_LAST_WAIT_FOR_A_SERVER = 30.0  # when the fit has ended, and its user waits
_LAST_WAIT_FOR_A_FILE = 5.0  # nobody starts a file anew
_FRESH = 1.0  # a server that answered this many seconds ago is there


class PatientClient:
    """An MLflow client that tries again for as long as its store is away.

    It has all methods of the client. Until `begin` it raises what they raise. Then a call that
    meets an outage is repeated, with longer and longer pauses, for five minutes; a store that is
    away for longer gets one attempt from time to time. After `finish` there is half a minute
    left for a server, and five seconds for a file.

    MLflow has patience of its own, four minutes for each call to a server, and does not notice a
    SQLite file that is gone. So a store is looked for first.

    Parameters
    ----------
    client : mlflow.MlflowClient
    store : Store
        Where it writes.

    Attributes
    ----------
    n_calls : int
        How many calls came to a good end.
    incomplete : dict of str to None
        The names of the runs of which a call was lost, in the order of the losses.
    """

    def __init__(self, client: Any, store: Store):
        self.n_calls = 0
        self.incomplete: dict[str, None] = {}
        self._client = client
        self._store = store
        self._file = file_id(store.database)
        self._names: dict[str, str] = {}
        self._finishing = threading.Event()
        self._patience = 0.0
        self._down_since: float | None = None
        self._seen = self._next_try = 0.0
        self._last_error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_client":  # asked by copy, before there is one
            raise AttributeError(name)
        attribute = getattr(self._client, name)
        return partial(self._call, name, attribute) if callable(attribute) else attribute

    def begin(self) -> None:
        """Be patient from now on."""
        self._patience = _LONGEST_OUTAGE

    def finish(self) -> None:
        """Hurry: whoever called is waiting for the end."""
        is_file = self._store.database is not None
        wait = _LAST_WAIT_FOR_A_FILE if is_file else _LAST_WAIT_FOR_A_SERVER
        so_far = time.monotonic() - self._down_since if self._down_since is not None else 0.0
        self._patience = min(self._patience, so_far + wait)
        self._next_try = 0.0  # it may be back since it was given up
        self._finishing.set()

    def is_there(self) -> bool:
        """Tell whether the store answers."""
        self._seen = 0.0
        try:
            self._look()
        except OSError:
            return False
        return True

    def patiently(self, attempt: Callable[[], Any]) -> Any:
        """Call what is no method of the client but needs the same store, such as an upload."""
        result = self._until_it_is_back(attempt)
        self.n_calls += 1
        return result

    def _call(self, name: str, method: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        try:
            result = self._until_it_is_back(partial(method, *args, **kwargs))
        except Exception:
            self.incomplete |= dict.fromkeys(self._run_names(args, kwargs))
            raise
        self.n_calls += 1
        if name == "create_run":
            self._names[result.info.run_id] = result.info.run_name
        if name == "log_run" and result is not None:
            self._names[result.run_id] = args[1].name
        return result

    def _until_it_is_back(self, attempt: Callable[[], Any]) -> Any:
        if self._down_since is not None and time.monotonic() < self._next_try:
            assert self._last_error is not None
            raise self._last_error
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._attempt(attempt)
            except Exception as error:
                if not is_outage(error) or not self._may_wait(error):
                    raise
            self._rest(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _attempt(self, attempt: Callable[[], Any]) -> Any:
        if self._patience:
            self._look()
        result = attempt()
        self._seen, self._down_since = time.monotonic(), None
        return result

    def _look(self) -> None:
        check_file(self._store.database, self._file)
        if time.monotonic() - self._seen > _FRESH:
            check_network(self._store.uri)

    def _may_wait(self, error: Exception) -> bool:
        now = time.monotonic()
        self._last_error = error
        if self._down_since is None:
            self._down_since = now
        is_early = now - self._down_since < self._patience
        if not is_early:
            self._next_try = now + _LONGEST_PAUSE
        return is_early

    def _rest(self, pause: float) -> None:
        if self._finishing.is_set():
            time.sleep(_PAUSE_AT_THE_END)
        else:
            self._finishing.wait(pause)

    def _run_names(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
        if "run_name" in kwargs:  # of a run that was never made
            return [str(kwargs["run_name"])]
        if len(args) > 1 and isinstance(args[1], WholeRun):
            return [args[1].name]
        run_ids = kwargs.get("run_id", args[0] if args else "")
        several = run_ids if isinstance(run_ids, Mapping) else [str(run_ids)]
        return [self._names.get(run_id, run_id) for run_id in several]
