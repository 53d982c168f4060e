"""Logging straight into the SQLite file of a store, at a tenth of the cost.

A search logs hundreds of numbers a candidate, and MLflow makes an object of its database layer of
each. This file knows how MLflow 3.17 keeps them: the tables ``metrics``, ``latest_metrics``,
``params`` and ``tags``, as ``mlflow.store.tracking.dbmodels.models`` declares them and
``SqlAlchemyStore.log_batch`` fills them. With any other version, any other schema, and for
whatever is not a plain number or text, the client itself writes.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sknn_tricks.tracking.stores._plain_batch import is_plain
from sknn_tricks.tracking.stores._store import Store

_VERSION = re.compile(r"3\.17\.\d+")
_REVISION = "dc11669786a5"  # of the schema, as Alembic counts
# Each column, and its place in the primary key.
_TABLES = {
    "metrics": {"key": 1, "timestamp": 2, "step": 3, "run_uuid": 4, "value": 5, "is_nan": 6},
    "latest_metrics": {"key": 1, "run_uuid": 2, "value": 0, "timestamp": 0, "step": 0, "is_nan": 0},
    "params": {"key": 1, "run_uuid": 2, "value": 0},
    "tags": {"key": 1, "run_uuid": 2, "value": 0},
}
_SECONDS_TO_WAIT = 30.0  # for other writers
_MOST_ROWS = 150  # of one statement: SQLite may take no more than 999 values
_Row = tuple[Any, ...]

_NEW_PARAMS = "INSERT INTO params (run_uuid, key, value) VALUES {} ON CONFLICT DO NOTHING"
_NEW_METRICS = """
INSERT INTO metrics (run_uuid, key, step, timestamp, value, is_nan) VALUES {} ON CONFLICT DO NOTHING
"""
_LATEST_METRICS = """
INSERT INTO latest_metrics (run_uuid, key, step, timestamp, value, is_nan) VALUES {}
ON CONFLICT (key, run_uuid) DO UPDATE SET
step = excluded.step, timestamp = excluded.timestamp, value = excluded.value, is_nan = 0
WHERE (excluded.step, excluded.timestamp, excluded.value) > (step, timestamp, value)
"""
_TAGS = """
INSERT INTO tags (run_uuid, key, value) VALUES {}
ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value
"""


def direct_client(client: Any, store: Store) -> Any:
    """Return a client whose ``log_batch`` writes to the file; the same one if it cannot.

    Parameters
    ----------
    client : mlflow.MlflowClient
    store : Store
        Where it writes. Its tables are looked at.

    Returns
    -------
    DirectClient or mlflow.MlflowClient
    """
    from mlflow.version import VERSION

    # what follows a path may say how to read it
    if store.database is None or "?" in store.uri or not _VERSION.fullmatch(VERSION):
        return client
    try:
        with closing(_connect(store.database)) as database:
            is_known = _has_known_tables(database)
    except sqlite3.Error:
        return client
    return DirectClient(client, store.database) if is_known else client


class DirectClient:
    """An MLflow client that writes parameters, metrics and tags to its SQLite file itself.

    It has all methods of the client. ``log_batch`` leaves the rows that the client's would leave,
    all in one transaction, and raises what the client's would raise.

    Each call opens the file anew, which takes less than a millisecond: a connection that stayed
    open would go along into forked processes, where closing it may break the file.

    Parameters
    ----------
    client : mlflow.MlflowClient
    database : Path
        The file it writes to, with the tables of MLflow 3.17.
    """

    def __init__(self, client: Any, database: Path):
        self._client = client
        self._database = database

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_client":  # asked by copy, before there is one
            raise AttributeError(name)
        return getattr(self._client, name)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Any] = (),
        params: Sequence[Any] = (),
        tags: Sequence[Any] = (),
    ) -> None:
        """Log to a run that is not deleted.

        Parameters
        ----------
        run_id : str
        metrics : sequence of mlflow.entities.Metric
        params : sequence of mlflow.entities.Param
            None of them may have another value already.
        tags : sequence of mlflow.entities.RunTag

        Raises
        ------
        mlflow.exceptions.MlflowException
            If the file cannot be written to, or the run is not there or does not take this.
        """
        batch = (metrics, params, tags)
        if any(batch) and not (is_plain(*batch) and self._write(run_id, *batch)):
            self._client.log_batch(run_id, *batch)

    def _write(
        self, run_id: str, metrics: Sequence[Any], params: Sequence[Any], tags: Sequence[Any]
    ) -> bool:
        """Write all or nothing; return False for what the client is to judge."""
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE

        try:
            with closing(_connect(self._database)) as database:
                database.execute("BEGIN IMMEDIATE")  # what is read from here on stays so
                takes_it = _takes(database, run_id, params)
                if takes_it:
                    _fill(database, run_id, metrics, params, tags)
                database.execute("COMMIT")
                return takes_it
        except sqlite3.OperationalError as error:  # locked, full, read-only: as MLflow tells it
            raise MlflowException(str(error), TEMPORARILY_UNAVAILABLE) from error
        except sqlite3.Error:
            return False


def _connect(database: Path) -> sqlite3.Connection:
    # no file is made in the place of one that was deleted
    uri = f"{database.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=_SECONDS_TO_WAIT, isolation_level=None)


def _has_known_tables(database: sqlite3.Connection) -> bool:
    revisions = database.execute("SELECT version_num FROM alembic_version").fetchall()
    return revisions == [(_REVISION,)] and all(
        {name: key for _, name, _, _, _, key in database.execute(f"PRAGMA table_info({table})")}
        == columns
        for table, columns in _TABLES.items()
    )


def _takes(database: sqlite3.Connection, run_id: str, params: Iterable[Any]) -> bool:
    """Tell whether a run is there, is not deleted, and has no other values of parameters."""
    ask = "SELECT lifecycle_stage FROM runs WHERE run_uuid = ?"
    if database.execute(ask, (run_id,)).fetchall() != [("active",)]:
        return False
    known = dict(database.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run_id,)))
    return all(known.get(param.key, param.value) == param.value for param in params)


def _fill(
    database: sqlite3.Connection,
    run_id: str,
    metrics: Iterable[Any],
    params: Iterable[Any],
    tags: Iterable[Any],
) -> None:
    numbers = [(run_id, m.key, m.step, m.timestamp, m.value, 0) for m in metrics]
    latest_tags = {tag.key: tag.value for tag in tags}
    _insert(database, _NEW_PARAMS, [(run_id, param.key, param.value) for param in params])
    _insert(database, _NEW_METRICS, numbers)
    _insert(database, _LATEST_METRICS, _latest(numbers))
    _insert(database, _TAGS, [(run_id, *tag) for tag in latest_tags.items()])


def _latest(numbers: Iterable[_Row]) -> list[_Row]:
    """Return the row of each metric with the greatest step, then time, then value."""
    return list({row[1]: row for row in sorted(numbers)}.values())


def _insert(database: sqlite3.Connection, statement: str, rows: Sequence[_Row]) -> None:
    # not executemany: it lets other threads run after each row, and takes 5 ms to be back
    for start in range(0, len(rows), _MOST_ROWS):
        some = rows[start : start + _MOST_ROWS]
        places = ", ".join(f"({', '.join('?' * len(row))})" for row in some)
        database.execute(statement.format(places), [value for row in some for value in row])
