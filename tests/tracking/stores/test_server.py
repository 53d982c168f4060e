import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack, contextmanager

import pytest
from sklearn.model_selection import GridSearchCV

from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.listening import _background
from sknn_tricks.tracking.stores import _patient


@pytest.mark.slow
def test_a_real_server_shows_the_runs_and_takes_new_ones(stub_net, uri, data, capfd):
    callback = MLflowCallback("demo", tracking_uri=uri)
    GridSearchCV(stub_net(), {"lr": [0.1, 0.2]}, cv=2).set_callbacks(callback).fit(*data)
    with _server(uri) as address:
        assert _names_of_runs(address, callback.experiment_id_) == ["lr=0.1", "lr=0.2"]
        run = _ask(address, "runs/get", run_id=callback.run_id_)["run"]
        assert run["info"]["status"] == "FINISHED"
        assert {"key": "best_lr", "value": "0.1"} in run["data"]["params"]

        capfd.readouterr()
        remote = MLflowCallback("remote", tracking_uri=address, print_link=False)
        search = GridSearchCV(stub_net(accident="nan"), {"lr": [0.3]}, cv=2)
        search.set_callbacks(remote).fit(*data)
        assert capfd.readouterr() == ("", "")
        assert _names_of_runs(address, remote.experiment_id_) == ["lr=0.3"]
        assert remote.ui_command is None
        assert remote.url.startswith(f"{address}/#/experiments/{remote.experiment_id_}/")


@pytest.mark.slow
def test_a_server_that_is_started_anew_loses_nothing(
    stub_net, uri, data, logged, capfd, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    restarted = ExitStack()

    class Net(stub_net):
        def fit(self, X, y):
            if self.lr == 0.2 and not restarted._exit_callbacks:
                while not logged(callback).candidates:
                    time.sleep(0.05)
                first.close()
                restarted.enter_context(_server(uri, port, artifacts=tmp_path / "artifacts"))
            return super().fit(X, y)

    with ExitStack() as first, restarted:
        address = first.enter_context(_server(uri, artifacts=tmp_path / "artifacts"))
        port = int(address.rpartition(":")[2])
        callback = MLflowCallback("remote", tracking_uri=address, print_link=False)
        search = GridSearchCV(Net(), {"lr": [0.1, 0.2, 0.3, 0.4]}, cv=2)
        capfd.readouterr()
        search.set_callbacks(callback).fit(*data)
        assert capfd.readouterr() == ("", "")
        seen = logged(callback)
        assert seen.run.info.status == "FINISHED"
        assert [run.data.params["lr"] for run in seen.candidates] == ["0.1", "0.2", "0.3", "0.4"]
        assert all("cv_score" in run.data.metrics for run in seen.candidates)

        # files go to the server's own store
        assert seen.run.info.artifact_uri.startswith("mlflow-artifacts:/")
        seen.client.log_text(callback.run_id_, "the best", "note.md")
        assert [path.read_text() for path in tmp_path.rglob("note.md")] == ["the best"]


@pytest.mark.slow
def test_a_server_that_stays_away_does_not_hold_up_the_end(
    stub_net, uri, data, logged, capfd, monkeypatch
):
    monkeypatch.setattr(_patient, "_LAST_WAIT_FOR_A_SERVER", 1.0)
    monkeypatch.setattr(_background, "_SECONDS_WITHOUT_PROGRESS", 3.0)

    class Net(stub_net):
        def fit(self, X, y):
            if len(X) == 24:  # the refit
                while len(logged(callback).candidates) < 2:
                    time.sleep(0.05)
                server.close()
            return super().fit(X, y)

    with ExitStack() as server:
        address = server.enter_context(_server(uri))
        callback = MLflowCallback("remote", tracking_uri=address, print_link=False)
        search = GridSearchCV(Net(), {"lr": [0.1, 0.2]}, cv=2).set_callbacks(callback)
        capfd.readouterr()
        began = time.monotonic()
        # no answer: to a call that began just before the server went, which MLflow tries again
        lost = r"got (ConnectionRefusedError: .*|no answer; .*) were lost"
        with pytest.warns(RuntimeWarning, match=lost) as told:
            search.fit(*data)
    assert time.monotonic() - began < 60
    assert len(told) == 1
    assert capfd.readouterr() == ("", "")
    assert search.best_params_ == {"lr": 0.1}


@contextmanager
def _server(uri, port=None, artifacts=None):
    port = port or _free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--backend-store-uri", uri, "--workers", "1"]
    if artifacts is not None:
        command += ["--artifacts-destination", str(artifacts)]
    process = subprocess.Popen(
        command,
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # to end its workers with it
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(address, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the server did not start")


def _ask(address, what, body=None, **query):
    url = f"{address}/api/2.0/mlflow/{what}?" + "&".join(f"{k}={v}" for k, v in query.items())
    content = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _names_of_runs(address, experiment_id):
    query = {"experiment_ids": [experiment_id], "filter": "tags.kind = 'candidate'"}
    runs = _ask(address, "runs/search", query)["runs"]
    return sorted(run["info"]["run_name"] for run in runs)
