"""What becomes of the runs of processes that are killed."""

import signal

import pytest
from sklearn.model_selection import GridSearchCV

from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.stores._store import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def runs(uri):
    """Read the runs of the experiment: by their names, with those of their candidates."""
    client, experiment_id = Store(uri).open("demo")

    def read():
        every = client.search_runs([experiment_id])
        searches = {run.info.run_id: run for run in every if run.data.tags["kind"] == "search"}
        found = {run.info.run_name: (run, []) for run in searches.values()}
        for run in every:
            if (parent := run.data.tags.get("mlflow.parentRunId")) in searches:
                found[searches[parent].info.run_name][1].append(run)
        return found

    return read


def _states(runs, name):
    run, candidates = runs()[name]
    return run.info.status, sorted(run.info.status for run in candidates)


def test_the_next_search_closes_what_killed_ones_left(
    start, runs, wait_until, stub_net, data, uri, tmp_path
):
    killed, ended, stopped, alive = names = ("killed", "ended", "stopped", "alive")
    processes = {name: start(name, "wait") for name in names}
    for name, process in processes.items():
        wait_until((tmp_path / f"{name}.ready").exists, process)
        wait_until(lambda name=name: _states(runs, name)[1] == ["FINISHED"] * 2, process)

    def another_search():
        callback = MLflowCallback("demo", tracking_uri=uri, run_name="another")
        GridSearchCV(stub_net(), {"lr": [0.1]}, cv=2).set_callbacks(callback).fit(*data)

    another_search()
    assert {name: _states(runs, name)[0] for name in names} == dict.fromkeys(names, "RUNNING")

    processes[killed].send_signal(signal.SIGKILL)
    processes[ended].send_signal(signal.SIGTERM)
    processes[stopped].send_signal(signal.SIGINT)
    assert processes[killed].wait() == -signal.SIGKILL
    assert processes[ended].wait() == -signal.SIGTERM
    assert "KeyboardInterrupt" in processes[stopped].communicate()[1]
    assert _states(runs, killed)[0] == _states(runs, ended)[0] == "RUNNING"
    assert _states(runs, stopped) == ("KILLED", ["FINISHED"] * 2 + ["KILLED"])

    another_search()
    for name in (killed, ended):
        assert _states(runs, name) == ("KILLED", ["FINISHED"] * 2)
        run, candidates = runs()[name]
        assert run.data.tags["error"] == "the process ended without closing this run"
        assert run.info.end_time == max(candidate.info.end_time for candidate in candidates)
    assert _states(runs, alive)[0] == "RUNNING"

    (tmp_path / "alive.go").touch()
    out, err = processes[alive].communicate()
    assert (out, err) == ("[0.5, 0.5, 0.5, 0.5]\n", "")
    assert _states(runs, alive) == ("FINISHED", ["FINISHED"] * 4)


def test_a_forked_child_that_leaves_does_not_end_the_run(start, runs):
    process = start("forks", "fork")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert out == "[0.5, 0.5, 0.5, 0.5]\n"
    assert "RuntimeWarning" not in err
    assert _states(runs, "forks") == ("FINISHED", ["FINISHED"] * 4)


def test_a_full_disk_does_not_stop_the_search(start, runs):
    process = start("full", "full")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert out == "[0.5, 0.5, 0.5, 0.5]\n"
    assert err.count("Not all of this fit could be written to MLflow") == 1
    assert "messages were lost, of " in err
    assert "Traceback" not in err
    assert _states(runs, "full")[0] == "RUNNING"  # to be closed by the next search
