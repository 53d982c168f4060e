import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sknn_tricks.tracking import MLflowCallback, init_store
from sknn_tricks.tracking.stores._store import find_store

_AN_OLD_SCHEMA = "451aebb31d03"  # of MLflow 1.0


def _change(database, statement):
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(statement).fetchall()


def test_the_embedded_store_is_made_once(stub_net, logged, data, tmp_path):
    uri = init_store()
    assert uri == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    database = Path("mlruns/mlflow.db")
    before = database.read_bytes()
    assert init_store() == init_store("sqlite:///mlruns/mlflow.db") == uri
    assert database.read_bytes() == before
    callback = MLflowCallback("demo")
    stub_net().set_callbacks(callback).fit(*data)
    assert callback.tracking_uri_ == uri
    assert logged(callback).run.info.status == "FINISHED"


def test_a_store_that_mlflow_made_gets_a_write_ahead_log(uri):
    database = uri.removeprefix("sqlite:///")
    _change(database, "PRAGMA journal_mode=DELETE")
    init_store(uri)
    assert _change(database, "PRAGMA journal_mode") == [("wal",)]


def test_a_store_of_an_older_mlflow(uri):
    statement = f"UPDATE alembic_version SET version_num = '{_AN_OLD_SCHEMA}'"
    _change(uri.removeprefix("sqlite:///"), statement)
    with pytest.raises(RuntimeError) as caught:
        init_store(uri)
    wrong, _, rest = str(caught.value).partition(". Expected ")
    assert wrong == f"The MLflow store {uri!r} cannot be opened"
    assert rest.endswith(
        f"Another version of MLflow made its tables ({_AN_OLD_SCHEMA}). Back the store up and run "
        f"`mlflow db upgrade {uri}`, or install the MLflow that made it if "
        "that is newer."
    )


@pytest.mark.parametrize("uri", ["http://{}/", "postgresql://me:secret@{}/runs"])
def test_an_address_where_nobody_listens_is_told_at_once(uri):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(RuntimeError, match=r"cannot be opened\. .* got ConnectionRef") as caught:
        init_store(uri.format(address))
    assert "secret" not in str(caught.value)


def test_a_driver_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"postgresql+psycopg://host@127.0.0.1:{server.getsockname()[1]}/runs"
        with pytest.raises(RuntimeError, match=r'pip install "sknn-tricks\[postgres\]"\.$'):
            init_store(uri)


def test_a_proxy_is_left_to_find_its_way(monkeypatch):
    from sknn_tricks.tracking.stores._reach import check_network

    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    check_network("https://no-such-host.invalid")
    monkeypatch.setenv("no_proxy", "no-such-host.invalid")
    with pytest.raises(OSError, match=r"known|resol"):
        check_network("https://no-such-host.invalid")


def test_no_experiment_is_made(uri):
    client, _ = find_store(init_store(uri)).open("another")
    assert {found.name for found in client.search_experiments()} == {"Default", "another"}
