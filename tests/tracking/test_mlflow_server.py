import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from sklearn.model_selection import GridSearchCV

from sknn_tricks.tracking import MLflowCallback


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
        remote = MLflowCallback("remote", tracking_uri=address)
        search = GridSearchCV(stub_net(accident="nan"), {"lr": [0.3]}, cv=2)
        search.set_callbacks(remote).fit(*data)
        assert capfd.readouterr() == ("", "")
        assert _names_of_runs(address, remote.experiment_id_) == ["lr=0.3"]
        assert remote.ui_command is None
        assert remote.url.startswith(f"{address}/#/experiments/{remote.experiment_id_}/")


@contextmanager
def _server(uri):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--backend-store-uri", uri, "--workers", "1"]
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
