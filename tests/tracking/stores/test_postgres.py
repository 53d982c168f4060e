import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from sklearn.model_selection import GridSearchCV

from sknn_tricks.tracking import MLflowCallback, init_store
from sknn_tricks.tracking.stores._postgres import only_client

psycopg = pytest.importorskip("psycopg", reason="needs the extra sknn-tricks[postgres]")
pytestmark = pytest.mark.slow
_PASSWORD = "a-secret"


def _program(name):
    found = shutil.which(name) or next(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), None)
    return str(found) if found else pytest.skip("needs PostgreSQL: apt-get install postgresql")


@pytest.fixture(scope="module")
def server():
    """The address of a PostgreSQL server of our own, with a password."""
    initdb, postgres = _program("initdb"), _program("postgres")
    user = _no_root()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "password").write_text(_PASSWORD)
        if user:
            shutil.chown(folder, **{key: user[key] for key in ("user", "group")})
            Path(folder, "password").chmod(0o644)
        login = ["--auth=scram-sha-256", "--username=me", f"--pwfile={folder}/password"]
        made = [initdb, f"{folder}/data", *login, "--no-sync"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
        port = _free_port()
        options = [f"--port={port}", "--listen_addresses=127.0.0.1", "--fsync=off"]
        process = subprocess.Popen(
            [postgres, "-D", f"{folder}/data", "-k", folder, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            **user,
        )
        try:
            _wait_for(port, process)
            yield f"127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)  # a quick end, with clients connected
            process.wait(30)


def _no_root():
    """Return who is to run the server, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(port, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            psycopg.connect(
                host="127.0.0.1", port=port, user="me", password=_PASSWORD, dbname="postgres"
            ).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("PostgreSQL did not start")


@pytest.fixture
def empty_database(server, request):
    name = f"runs_{time.monotonic_ns()}"
    address = f"postgresql://me:{_PASSWORD}@{server}"
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield f"{address}/{name}"
    _disconnect(f"{address}/{name}")


def _disconnect(uri):
    from mlflow import MlflowClient

    MlflowClient(tracking_uri=uri)._tracking_client.store.engine.dispose()


def test_a_search_is_logged(empty_database, stub_net, data, logged, capfd, tmp_path):
    callback = MLflowCallback("demo", tracking_uri=empty_database, print_link=False)
    search = GridSearchCV(stub_net(accident="nan"), {"lr": [0.1, 0.2, 0.3]}, cv=2)
    search.set_callbacks(callback).fit(*data)

    seen = logged(callback)
    assert seen.run.info.status == "FINISHED"
    assert [run.data.params["lr"] for run in seen.candidates] == ["0.1", "0.2", "0.3"]
    assert seen.curve("fold_1/train_loss", seen.candidates[1]) == {1: 0.2, 3: 0.2 / 3}
    experiment = seen.client.get_experiment(callback.experiment_id_)
    assert experiment.artifact_location == f"{tmp_path}/mlruns/artifacts"
    assert _PASSWORD not in f"{capfd.readouterr()} {callback!r} {callback.ui_command}"
    assert _PASSWORD not in f"{callback.url} {[run.data for run in [seen.run, *seen.candidates]]}"


def test_eight_processes_may_begin_on_an_empty_database(empty_database):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow", "sknn_tricks.tracking"])
    processes = [context.Process(target=init_store, args=(empty_database,)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8


def test_other_machines_are_waited_for(empty_database):
    waiting = threading.Thread(target=init_store, args=(empty_database,))
    with only_client(empty_database):
        waiting.start()
        waiting.join(3)
        assert waiting.is_alive()
        with psycopg.connect(empty_database) as connection:
            tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            assert connection.execute(tables).fetchone() == (0,)
    waiting.join()
    with psycopg.connect(empty_database) as connection:
        assert connection.execute(tables).fetchone() > (30,)


def test_a_wrong_password_is_told_and_not_shown(empty_database):
    uri = empty_database.replace(_PASSWORD, "another-secret")
    with pytest.raises(RuntimeError, match="password authentication failed") as caught:
        init_store(uri)
    assert "secret" not in str(caught.value)


def test_a_name_that_postgresql_cannot_keep_is_told(empty_database, stub_net, data):
    callback = MLflowCallback("nul\x00", tracking_uri=empty_database)
    with pytest.raises(ValueError, match=r"experiment='nul\\x00' cannot be used"):
        stub_net().set_callbacks(callback).fit(*data)


def test_connections_that_were_cut_are_opened_again(empty_database, stub_net, data, logged):
    class Cut(stub_net):
        def fit(self, X, y):
            with psycopg.connect(empty_database, autocommit=True) as connection:
                others = "datname = current_database() AND pid <> pg_backend_pid()"
                query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
                connection.execute(query)
            return super().fit(X, y)

    callback = MLflowCallback("demo", tracking_uri=empty_database)
    GridSearchCV(Cut(), {"lr": [0.1, 0.2]}, cv=2).set_callbacks(callback).fit(*data)
    seen = logged(callback)
    assert seen.run.info.status == "FINISHED"
    assert [run.info.status for run in seen.candidates] == ["FINISHED"] * 2
