import logging
import multiprocessing
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sknn_tricks.tracking import MLflowCallback, init_store
from sknn_tricks.tracking.stores._links import experiment_url, ui_command, without_password
from sknn_tricks.tracking.stores._store import Store, find_store


def test_the_argument_comes_before_the_environment(monkeypatch, tmp_path):
    assert find_store(None).uri == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host:5000")
    assert find_store(None).uri == "http://host:5000"
    assert find_store("sqlite:///x.db").uri == f"sqlite:///{tmp_path}/x.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert find_store(None).uri == f"sqlite:///{tmp_path}/mlruns/mlflow.db"


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:", "http://host:5000"])
def test_stores_without_a_file(uri):
    assert find_store(uri) == Store(uri)
    assert Store(uri).database is None
    assert Store(uri).artifacts is None


@pytest.mark.parametrize("uri", ["postgresql://host/db", "mysql+pymysql://host/db"])
def test_files_of_a_database(uri, monkeypatch, tmp_path):
    assert Store(uri).database is None
    assert Store(uri).artifacts == f"{tmp_path}/mlruns/artifacts"
    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", "s3://bucket/runs")
    assert Store(uri).artifacts == "s3://bucket/runs"


def test_the_embedded_store(stub_net, logged, data, tmp_path, capfd, caplog):
    callback = MLflowCallback("demo")
    with caplog.at_level(logging.WARNING):
        stub_net().set_callbacks(callback).fit(*data)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert {path.name for path in Path("mlruns").iterdir()} >= {"mlflow.db", "mlflow.db.lock"}
    assert not list(Path("mlruns").glob("*.new"))
    with closing(sqlite3.connect("mlruns/mlflow.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    experiment = logged(callback).client.get_experiment(callback.experiment_id_)
    assert experiment.artifact_location == f"{tmp_path}/mlruns/artifacts"
    assert callback.ui_command == "python -m sknn_tricks ui"
    assert callback.url == (
        "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning"
    )


def test_the_store_follows_the_working_directory(stub_net, logged, data, tmp_path, monkeypatch):
    callback = MLflowCallback("demo")
    stub_net().set_callbacks(callback).fit(*data)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert logged(callback).run.info.status == "FINISHED"
    stub_net().set_callbacks(callback).fit(*data)
    assert callback.tracking_uri_ == f"sqlite:///{tmp_path}/elsewhere/mlruns/mlflow.db"
    assert logged(callback).run.info.status == "FINISHED"


def test_a_store_that_was_deleted_is_made_anew(stub_net, data):
    callback = MLflowCallback("demo")
    stub_net().set_callbacks(callback).fit(*data)
    shutil.rmtree("mlruns")
    stub_net().set_callbacks(callback).fit(*data)
    # not through MLflow, whose connections may still be to the old file
    with closing(sqlite3.connect("mlruns/mlflow.db")) as database:
        runs = database.execute("SELECT run_uuid, status FROM runs").fetchall()
    assert runs == [(callback.run_id_, "FINISHED")]


def test_what_a_killed_process_left_is_no_hindrance(stub_net, logged, data):
    os.mkdir("mlruns")
    Path("mlruns/mlflow.db.new").write_bytes(b"half a database")
    Path("mlruns/mlflow.db-wal").write_bytes(b"of another database")
    Path("mlruns/mlflow.db.lock").touch()
    callback = MLflowCallback("demo")
    stub_net().set_callbacks(callback).fit(*data)
    assert logged(callback).run.info.status == "FINISHED"


@pytest.mark.slow
def test_two_fits_may_create_the_same_store():
    fit = (
        "import sys\n"
        "from sklearn.dummy import DummyClassifier\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sknn_tricks.tracking import MLflowCallback\n"
        "assert 'mlflow' not in sys.modules\n"
        "net = make_pipeline(DummyClassifier()).set_callbacks(MLflowCallback('demo'))\n"
        "net.fit([[0], [1]], [0, 1])\n"
    )
    # with the order of this process's path: the package need not be installed
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", fit],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]
    assert [process.communicate()[0] for process in processes] == [b""] * 2
    assert [process.returncode for process in processes] == [0] * 2
    client, experiment_id = find_store(None).open("demo")
    runs = client.search_runs([experiment_id])
    assert [run.info.status for run in runs] == ["FINISHED"] * 2


@pytest.mark.slow
def test_eight_processes_may_create_the_same_store(tmp_path):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow", "sknn_tricks.tracking"])
    uri = f"sqlite:///{tmp_path}/runs.db"
    processes = [context.Process(target=init_store, args=(uri,)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    client, experiment_id = find_store(uri).open("demo")
    assert client.create_run(experiment_id).info.status == "RUNNING"


def test_a_store_that_cannot_be_opened(stub_net, data, tmp_path):
    (tmp_path / "file.db").write_text("this is no database, whatever its name says")
    callback = MLflowCallback("demo", tracking_uri="sqlite:///file.db")
    with pytest.raises(RuntimeError) as caught:
        stub_net().set_callbacks(callback).fit(*data)
    wrong, rest = str(caught.value).split(". Expected ", 1)
    assert wrong == f"The MLflow store 'sqlite:///{tmp_path}/file.db' cannot be opened for 'demo'"
    assert "file is not a database" in rest
    assert rest.endswith("choose another name for a deleted experiment.")


def test_a_deleted_experiment(stub_net, callback, logged, data):
    stub_net().set_callbacks(callback).fit(*data)
    logged(callback).client.delete_experiment(callback.experiment_id_)
    with pytest.raises(RuntimeError, match="got ValueError: the experiment is deleted"):
        stub_net().set_callbacks(callback).fit(*data)


def test_links_to_a_server():
    assert ui_command("http://host:5000") is None
    url = "https://host/x/#/experiments/1/runs?workflowType=machine_learning"
    assert experiment_url("https://me:secret@host/x/", "1") == url


def test_commands_are_quoted_and_hide_passwords():
    command = ui_command("sqlite:////a folder/x.db")
    assert "'sqlite:////a folder/x.db'" in command
    command = ui_command("mysql+pymysql://me:secret@host/db")
    assert "secret" not in command
    assert without_password("at http://host:80/x@y") == "at http://host:80/x@y"


def test_a_server_that_does_not_answer_is_told_at_once(stub_net, data):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    callback = MLflowCallback("demo", tracking_uri=f"http://127.0.0.1:{port}")
    with pytest.raises(RuntimeError, match=r"cannot be opened .* got ConnectionRefusedError"):
        stub_net().set_callbacks(callback).fit(*data)
