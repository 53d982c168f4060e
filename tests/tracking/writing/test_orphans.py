import os
import subprocess
import sys
import time

import pytest

from sknn_tricks.tracking.stores._store import Store
from sknn_tricks.tracking.writing import _orphans
from sknn_tricks.tracking.writing._orphans import close_orphans, process_tags

_PARENT = "mlflow.parentRunId"


@pytest.fixture
def experiment(uri):
    return Store(uri).open("demo")


@pytest.fixture(scope="module")
def ended_process():
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def of_the_dead(ended_process):
    return process_tags() | {"sknn.pid": str(ended_process)}


def _create(experiment, tags, parent=None, **info):
    client, experiment_id = experiment
    every = tags | ({} if parent is None else {_PARENT: parent})
    return client.create_run(experiment_id, tags=every, **info).info.run_id


def _status(experiment, run_id):
    return experiment[0].get_run(run_id).info.status


def test_runs_of_a_process_that_is_gone(experiment, of_the_dead):
    search = _create(experiment, of_the_dead, start_time=1000)
    done = _create(experiment, {}, search)
    experiment[0].set_terminated(done, "FINISHED", 5000)
    candidate = _create(experiment, {}, search, start_time=3000)
    fold = _create(experiment, {}, candidate, start_time=3000)
    assert set(close_orphans(*experiment)) == {search, candidate, fold}
    for run_id in (search, candidate, fold):
        assert _status(experiment, run_id) == "KILLED"
    assert _status(experiment, done) == "FINISHED"
    run = experiment[0].get_run(search)
    assert run.data.tags["error"] == "the process ended without closing this run"
    assert run.info.end_time == 5000  # when it last wrote, not now
    assert close_orphans(*experiment) == []


def test_what_is_alive_or_not_ours_stays(experiment, of_the_dead):
    mine = _create(experiment, process_tags())
    child = _create(experiment, {}, mine)
    of_others = _create(experiment, {})
    of_another_machine = _create(experiment, of_the_dead | {"sknn.host": "elsewhere"})
    unknown = _create(experiment, of_the_dead | {"sknn.started": ""})
    crafted = _create(experiment, process_tags() | {"sknn.pid": "../1"})
    assert close_orphans(*experiment) == []
    for run_id in (mine, child, of_others, of_another_machine, unknown, crafted):
        assert _status(experiment, run_id) == "RUNNING"


def test_a_number_that_another_process_has_now(experiment):
    tags = process_tags() | {"sknn.pid": "1"}
    run_id = _create(experiment, tags)
    assert close_orphans(*experiment) == [run_id]


def test_another_machine_is_given_up_after_a_week(experiment):
    now = round(time.time() * 1000)
    tags = process_tags() | {"sknn.host": "elsewhere"}
    old = _create(experiment, tags, start_time=now - 8 * 24 * 3600 * 1000)
    _create(experiment, tags, start_time=now - 6 * 24 * 3600 * 1000)
    assert close_orphans(*experiment) == [old]


def test_a_process_that_was_taken_for_dead_has_the_last_word(experiment, of_the_dead):
    run_id = _create(experiment, of_the_dead)
    close_orphans(*experiment)
    experiment[0].set_terminated(run_id, "FINISHED")
    assert _status(experiment, run_id) == "FINISHED"


def test_a_zombie_is_dead():
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)
    assert _orphans._start_of(process.pid)
    process.stdin.close()
    deadline = time.monotonic() + 30
    while _orphans._start_of(process.pid) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _orphans._start_of(process.pid) is None  # before anybody has waited for it
    process.wait()


def test_psutil_tells_the_same(ended_process):
    pytest.importorskip("psutil")
    by_psutil = _orphans._start_by_psutil
    assert by_psutil(os.getpid()) == by_psutil(os.getpid())
    assert by_psutil(os.getpid()) != by_psutil(1)
    assert by_psutil(ended_process) is None


def test_without_psutil_nothing_is_known(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert _orphans._start_by_psutil(os.getpid()) == ""
