import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import mlflow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.dbmodels import models

from sknn_tricks.tracking.stores import _direct_client
from sknn_tricks.tracking.stores._direct_client import (
    Batch,
    DirectClient,
    WholeRun,
    direct_client,
)
from sknn_tricks.tracking.stores._outages import is_outage
from sknn_tricks.tracking.stores._patient import PatientClient
from sknn_tricks.tracking.stores._sqlite_rows import TABLES
from sknn_tricks.tracking.stores._store import Store

_TABLES = ("metrics", "latest_metrics", "params", "tags", "logged_model_metrics")
_CURVE = [Metric(f"fold_{i % 5}/loss", 1.0 / (i + 1), 1000 + i, i // 5) for i in range(480)]


class _Recorder:
    """Stands for a client, and writes nothing."""

    def __init__(self):
        self.batches = []

    def log_batch(self, *batch):
        self.batches.append(batch)


@pytest.fixture
def stock(uri):
    """The client of MLflow, to a store with the experiment 1."""
    client, _ = Store(uri).open("another")
    return client


@pytest.fixture
def direct(stock, uri):
    return direct_client(stock, Store(uri))


@pytest.fixture
def database(uri):
    return Store(uri).database


def _rows(database, run_id):
    columns = "key, value, timestamp, step, is_nan"
    with closing(sqlite3.connect(database)) as connection:
        return {
            table: sorted(
                connection.execute(
                    f"SELECT {columns if 'metrics' in table else 'key, value'} FROM {table} "
                    "WHERE run_uuid = ?",
                    (run_id,),
                )
            )
            for table in _TABLES[:4]
        }


def _n_rows(database):
    with closing(sqlite3.connect(database)) as connection:
        return [connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in _TABLES]


def _new_run(client):
    return client.create_run("1", start_time=1, run_name="one").info.run_id


_BATCHES = {
    "a curve": [(_CURVE, [Param("lr", "0.1")], [RunTag("kind", "candidate")])],
    "twice": [(_CURVE,), (_CURVE[:200],), (_CURVE + _CURVE,)],
    "some of it before": [(_CURVE[100:110],), (_CURVE[:300],)],
    "earlier step later": [([Metric("a", 1.0, 9, 9)],), ([Metric("a", 2.0, 10, 3)],)],
    "later time": [([Metric("a", 2.0, 1, 3)],), ([Metric("a", 1.0, 2, 3)],)],
    "greater value": [([Metric("a", 1.0, 1, 3)],), ([Metric("a", 2.0, 1, 3)],)],
    "smaller value": [([Metric("a", 2.0, 1, 3)],), ([Metric("a", 1.0, 1, 3)],)],
    "extremes": [
        ([Metric("a", v, 0, i) for i, v in enumerate((5e-324, 1e308, -0.0, 0.1 + 0.2, -1e-7))],)
    ],
    "zeros": [([Metric("a", 0.0, 1, 1), Metric("a", -0.0, 1, 1)],)],
    "before the first step": [([Metric("a", 1.0, 1, -5)],)],
    "no number": [([Metric("a", float("nan"), 1, 2)],), ([Metric("a", -1.0, 1, 2)],)],
    "infinite": [([Metric("a", float("-inf"), 1, 2), Metric("b", float("inf"), 1, 2)],)],
    "same parameters": [([], [Param("a", "1")]), ([], [Param("a", "1"), Param("b", "ζ 😀'\"")])],
    "other tags": [([], [], [RunTag("a", "1"), RunTag("a", "2")]), ([], [], [RunTag("a", "3")])],
    "another name": [([], [], [RunTag("mlflow.runName", "two")])],
    "a long text": [([], [Param("a", "x" * 6001)], [RunTag("b", "y" * 8001)])],
    "an empty text": [([], [Param("a", "")], [RunTag("b", "")])],
    "nothing": [([],)],
    "names": [([Metric("a b/c-d.e:f", 1.0, 1, 1)], [Param("g/h", "1")], [RunTag("mlflow.i", "1")])],
}


@pytest.mark.parametrize("batches", _BATCHES.values(), ids=_BATCHES)
def test_it_leaves_the_rows_that_the_client_leaves(batches, stock, direct, database):
    assert isinstance(direct, DirectClient)
    run_ids = {client: _new_run(stock) for client in (stock, direct)}
    for client, run_id in run_ids.items():
        for batch in batches:
            client.log_batch(run_id, *batch)
    assert _rows(database, run_ids[direct]) == _rows(database, run_ids[stock])
    names = [stock.get_run(run_id).info.run_name for run_id in run_ids.values()]
    assert names[0] == names[1]


_points = st.builds(
    Metric,
    key=st.sampled_from("ab"),
    value=st.sampled_from([-1.0, -0.0, 0.0, 0.5, 2.0]),
    timestamp=st.integers(0, 2),
    step=st.integers(-1, 2),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(st.lists(_points, max_size=6), max_size=3))
def test_the_latest_is_the_clients(batches, stock, direct, database):
    run_ids = {client: _new_run(stock) for client in (stock, direct)}
    for client, run_id in run_ids.items():
        for batch in batches:
            client.log_batch(run_id, batch)
    assert _rows(database, run_ids[direct]) == _rows(database, run_ids[stock])


def test_the_client_reads_it(direct, stock):
    run_ids = [_new_run(stock) for _ in range(3)]
    for score, run_id in zip((0.5, 0.9, 0.7), run_ids, strict=True):
        metrics = [*_CURVE, Metric("cv_score", score, 1, 0)]
        direct.log_batch(run_id, metrics, [Param("lr", str(score))], [RunTag("kind", "candidate")])
    history = stock.get_metric_history(run_ids[0], "fold_2/loss")
    assert [(m.step, m.timestamp, m.value) for m in history] == [
        (m.step, m.timestamp, m.value) for m in _CURVE if m.key == "fold_2/loss"
    ]
    found = stock.search_runs(["1"], "params.lr != '0'", order_by=["metrics.cv_score DESC"])
    assert [run.data.params["lr"] for run in found] == ["0.9", "0.7", "0.5"]
    assert found[0].data.metrics["fold_4/loss"] == _CURVE[-1].value
    assert found[0].data.tags["kind"] == "candidate"
    assert len(stock.search_runs(["1"], "metrics.cv_score > 0.6 and tags.kind = 'candidate'")) == 2


@pytest.mark.parametrize(
    "batch",
    [
        ([Metric("a//b", 1.0, 1, 1)],),
        ([Metric("", 1.0, 1, 1)],),
        ([Metric("a", 1.0, -1, 1)],),
        ([Metric("a", "one", 1, 1)],),
        ([Metric("a", 1.0, 1, "one")],),
        ([Metric("a" * 251, 1.0, 1, 1)],),
        ([Metric("b", 1.0, 1, 1)], [Param("a?", "1")]),
        ([Metric("b", 1.0, 1, 1)], [Param("a", "1"), Param("a", "2")]),
        ([Metric("b", 1.0, 1, 1)], [Param("known", "2"), Param("new", "1")]),
    ],
)
def test_what_the_client_refuses_is_refused(batch, direct, stock, database):
    run_id = _new_run(stock)
    direct.log_batch(run_id, [], [Param("known", "1")])
    before = _n_rows(database)
    with pytest.raises(MlflowException) as told:
        direct.log_batch(run_id, *batch)
    with pytest.raises(MlflowException) as expected:
        stock.log_batch(run_id, *batch)
    assert str(told.value) == str(expected.value)
    assert _n_rows(database) == before


def test_a_run_that_is_not_there(direct, stock, database):
    deleted = _new_run(stock)
    stock.delete_run(deleted)
    before = _n_rows(database)
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        direct.log_batch(deleted, _CURVE)
    with pytest.raises(MlflowException, match=f"id={'0' * 32} not found"):
        direct.log_batch("0" * 32, _CURVE)
    assert _n_rows(database) == before


@pytest.mark.parametrize(
    "metric",
    [
        Metric("a", 1.0, 1, 1, model_id="m-1"),
        Metric("a", 1.0, 1, 1, dataset_name="digits", dataset_digest="12"),
    ],
)
def test_numbers_of_models_and_data_are_left_to_the_client(metric, stock, database):
    client = DirectClient(_Recorder(), database)
    before = _n_rows(database)
    batch = (_new_run(stock), [metric], [], [])
    client.log_batch(*batch)
    assert client.batches == [batch]
    assert _n_rows(database)[:3] == before[:3]


def test_an_active_model_gets_its_numbers_from_the_client(stock, database, monkeypatch):
    monkeypatch.setattr(mlflow, "get_active_model_id", lambda: "m-1")
    client = DirectClient(_Recorder(), database)
    client.log_batch(_new_run(stock), [Metric("a", 1.0, 1, 1)])
    assert len(client.batches) == 1


def test_the_tables_of_this_mlflow_are_known(direct):
    # if not: look at what is new in MLflow's log_batch, and in its tables, before changing this
    assert isinstance(direct, DirectClient)
    every = (models.SqlMetric, models.SqlLatestMetric, models.SqlParam, models.SqlTag)
    for model in (*every, models.SqlRun):
        table = model.__table__
        known = TABLES[table.name]
        assert set(table.columns.keys()) == known.keys()
        assert set(table.primary_key.columns.keys()) == {name for name in known if known[name]}


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE metrics ADD COLUMN workspace TEXT",
        "ALTER TABLE params RENAME COLUMN value TO text",
        "UPDATE alembic_version SET version_num = 'another'",
        "DELETE FROM alembic_version",
        "DROP TABLE alembic_version",
        "DROP TABLE latest_metrics",
    ],
)
def test_other_tables_are_left_to_the_client(change, uri, database):
    client = object()
    assert direct_client(client, Store(uri)) is not client
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(change)
    assert direct_client(client, Store(uri)) is client


@pytest.mark.parametrize(
    "other",
    ["http://host:5000", "postgresql://host/db", "sqlite://", "sqlite:///missing.db", "{uri}?a=1"],
)
def test_other_stores_are_left_to_the_client(other, uri):
    client = object()
    assert direct_client(client, Store(other.format(uri=uri))) is client
    assert not Path("missing.db").exists()


@pytest.mark.parametrize("version", ["3.18.0", "4.0.0", "3.17.0rc1"])
def test_other_versions_are_left_to_the_client(version, uri, monkeypatch):
    monkeypatch.setattr("mlflow.version.VERSION", version)
    client = object()
    assert direct_client(client, Store(uri)) is client


def test_it_stands_for_the_client(direct, stock):
    assert direct.tracking_uri == stock.tracking_uri
    run_id = _new_run(direct)
    direct.set_terminated(run_id)
    assert stock.get_run(run_id).info.status == "FINISHED"
    with pytest.raises(AttributeError, match="no_such_method"):
        direct.no_such_method  # noqa: B018


def _hold(database):
    connection = sqlite3.connect(database, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def _run_row(database, run_id):
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        (row,) = connection.execute("SELECT * FROM runs WHERE run_uuid = ?", (run_id,))
    return {name: row[name] for name in row.keys() if name != "run_uuid"}  # noqa: SIM118


@pytest.mark.parametrize("tags", [{}, {"mlflow.user": "me", "kind": "candidate"}])
def test_a_whole_run_is_that_of_three_calls(tags, direct, stock, database):
    params, tags_ = [Param("lr", "0.1")], [RunTag(*tag) for tag in tags.items()]
    whole = WholeRun("lr=0.1", 1000, 2000, "FAILED", Batch(_CURVE, params, tags_))
    direct_id, uri = direct.log_run("1", whole)
    stock_id = stock.create_run("1", 1000, tags, "lr=0.1").info.run_id
    stock.log_batch(stock_id, _CURVE, params)
    stock.set_terminated(stock_id, "FAILED", 2000)
    assert _rows(database, direct_id) == _rows(database, stock_id)
    rows = [_run_row(database, run_id) for run_id in (direct_id, stock_id)]
    assert rows[0].pop("artifact_uri").replace(direct_id, stock_id) == rows[1].pop("artifact_uri")
    assert rows[0] == rows[1]
    assert stock.get_run(direct_id).info.artifact_uri == uri


@pytest.mark.parametrize(
    ("experiment_id", "batch"),
    [("7", Batch()), ("2", Batch()), ("1", Batch([Metric("a", float("nan"), 1, 1)]))],
    ids=["no such experiment", "deleted", "not plain"],
)
def test_a_whole_run_that_the_client_has_to_write(experiment_id, batch, direct, stock, database):
    stock.delete_experiment(stock.create_experiment("two"))
    before = _n_rows(database)
    assert direct.log_run(experiment_id, WholeRun("one", 1, 2, "FINISHED", batch)) is None
    assert _n_rows(database) == before


def test_several_runs_at_once(direct, stock, database):
    several, one_by_one, deleted = ([_new_run(stock) for _ in range(n)] for n in (3, 3, 1))
    batches = [Batch(_CURVE[:9]), Batch([Metric("a", float("nan"), 1, 1)], [Param("a", "1")])]
    batches.append(Batch())
    direct.log_batches(dict(zip(several, batches, strict=True)))
    for run_id, batch in zip(one_by_one, batches, strict=True):
        stock.log_batch(run_id, *batch)
    for run_id, expected in zip(several, one_by_one, strict=True):
        assert _rows(database, run_id) == _rows(database, expected)
    stock.delete_run(deleted[0])
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        direct.log_batches({deleted[0]: batches[0], several[2]: batches[0]})
    assert len(_rows(database, several[2])["metrics"]) == 9


def test_it_waits_for_other_writers(direct, stock, database):
    run_id = _new_run(stock)
    connection = _hold(database)
    release = threading.Timer(0.3, connection.close)
    began = time.monotonic()
    release.start()
    direct.log_batch(run_id, _CURVE)
    assert time.monotonic() - began >= 0.25
    release.join()
    assert len(_rows(database, run_id)["metrics"]) == 480


def test_a_lock_that_lasts_is_an_outage(direct, stock, uri, database, monkeypatch):
    run_id = _new_run(stock)
    monkeypatch.setattr(_direct_client, "_SECONDS_TO_WAIT", 0.02)
    connection = _hold(database)
    with pytest.raises(MlflowException, match="database is locked") as caught:
        direct.log_batch(run_id, _CURVE)
    assert is_outage(caught.value)
    patient = PatientClient(direct, Store(uri))
    patient.begin()
    release = threading.Timer(0.1, connection.close)
    release.start()
    patient.log_batch(run_id, _CURVE)
    release.join()
    assert patient.n_calls == 1
    assert len(_rows(database, run_id)["metrics"]) == 480


def test_a_full_disk_leaves_nothing_half_done(direct, stock, database, monkeypatch):
    run_id = _new_run(stock)
    connect = _direct_client._connect

    def connect_to_full_disk(database):
        connection = connect(database)
        connection.execute("PRAGMA max_page_count = 1")  # SQLite makes it the pages there are
        return connection

    before = _n_rows(database)
    monkeypatch.setattr(_direct_client, "_connect", connect_to_full_disk)
    many = [Metric(f"m{i}", 1.0, 1, 1) for i in range(2000)]
    with pytest.raises(MlflowException, match="database or disk is full") as caught:
        direct.log_batch(run_id, many, [Param("lr", "0.1")])
    assert is_outage(caught.value)
    assert _n_rows(database) == before


def test_a_file_that_is_gone_is_not_made_anew(direct, stock, database):
    run_id = _new_run(stock)
    for file in database.parent.glob("copy.db*"):
        file.unlink()
    with pytest.raises(MlflowException, match="unable to open database file") as caught:
        direct.log_batch(run_id, _CURVE)
    assert is_outage(caught.value)
    assert not database.exists()


def test_a_broken_file_is_for_the_client_to_judge(stock, database, tmp_path):
    broken = tmp_path / "broken.db"
    broken.write_text("this is no database, whatever its name says")
    client = DirectClient(_Recorder(), broken)
    client.log_batch("0" * 32, _CURVE)
    assert len(client.batches) == 1


def test_two_processes_may_write_at_once(direct, stock, uri, database):
    run_ids = [_new_run(stock) for _ in range(2)]
    script = (
        "import sys\n"
        "from mlflow.entities import Metric\n"
        "from sknn_tricks.tracking.stores._direct_client import direct_client\n"
        "from sknn_tricks.tracking.stores._store import Store\n"
        "client = direct_client(None, Store(sys.argv[1]))\n"
        "print(flush=True)\n"
        "for step in range(60):\n"
        "    for run_id in sys.argv[2:]:\n"
        "        metrics = [Metric(name, float(step), 1, step) for name in 'abc']\n"
        "        client.log_batch(run_id, metrics)\n"
    )
    command = [sys.executable, "-c", script, uri, *run_ids]
    # with the order of this process's path: the package need not be installed
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        for step in range(40, 100):
            for run_id in run_ids:
                metrics = [Metric(name, float(step), 1, step) for name in "abc"]
                (direct if step % 10 else stock).log_batch(run_id, metrics)
    assert process.returncode == 0
    for run_id in run_ids:
        rows = _rows(database, run_id)
        assert rows["metrics"] == [(k, float(s), 1, s, 0) for k in "abc" for s in range(100)]
        assert rows["latest_metrics"] == [(k, 99.0, 1, 99, 0) for k in "abc"]
