"""The rows of MLflow's tables in a SQLite file: which there are, and how they are filled.

As ``mlflow.store.tracking.dbmodels.models`` of MLflow 3.17 declares them and ``SqlAlchemyStore``
fills them. Each function works within a transaction of its caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

_REVISION = "dc11669786a5"  # of the schema, as Alembic counts
# Each column, and its place in the primary key.
TABLES = {
    "metrics": {"key": 1, "timestamp": 2, "step": 3, "run_uuid": 4, "value": 5, "is_nan": 6},
    "latest_metrics": {"key": 1, "run_uuid": 2, "value": 0, "timestamp": 0, "step": 0, "is_nan": 0},
    "params": {"key": 1, "run_uuid": 2, "value": 0},
    "tags": {"key": 1, "run_uuid": 2, "value": 0},
    "runs": {
        "run_uuid": 1,
        **dict.fromkeys(("name", "user_id", "status", "start_time", "end_time"), 0),
        **dict.fromkeys(("source_type", "source_name", "entry_point_name", "source_version"), 0),
        **dict.fromkeys(("lifecycle_stage", "deleted_time", "artifact_uri", "experiment_id"), 0),
    },
}
_MOST_VALUES = 900  # of one statement: SQLite may take no more than 999
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
_NEW_RUNS = """
INSERT INTO runs (run_uuid, name, user_id, status, start_time, end_time, artifact_uri,
experiment_id, source_type, source_name, entry_point_name, source_version, lifecycle_stage)
VALUES {}
"""


def has_known_tables(database: sqlite3.Connection) -> bool:
    """Tell whether the tables are those of this file, to the column."""
    revisions = database.execute("SELECT version_num FROM alembic_version").fetchall()
    return revisions == [(_REVISION,)] and all(
        {name: key for _, name, _, _, _, key in database.execute(f"PRAGMA table_info({table})")}
        == columns
        for table, columns in TABLES.items()
    )


def takes(database: sqlite3.Connection, run_id: str, params: Iterable[Any]) -> bool:
    """Tell whether a run is there, is not deleted, and has no other values of parameters."""
    ask = "SELECT lifecycle_stage FROM runs WHERE run_uuid = ?"
    if database.execute(ask, (run_id,)).fetchall() != [("active",)]:
        return False
    known = dict(database.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run_id,)))
    return all(known.get(param.key, param.value) == param.value for param in params)


def fill(
    database: sqlite3.Connection,
    run_id: str,
    metrics: Iterable[Any],
    params: Iterable[Any],
    tags: Iterable[Any],
) -> None:
    """Log to a run that takes it."""
    numbers = [(run_id, m.key, m.step, m.timestamp, m.value, 0) for m in metrics]
    latest_tags = {tag.key: tag.value for tag in tags}
    _insert(database, _NEW_PARAMS, [(run_id, param.key, param.value) for param in params])
    _insert(database, _NEW_METRICS, numbers)
    _insert(database, _LATEST_METRICS, _latest(numbers))
    _insert(database, _TAGS, [(run_id, *tag) for tag in latest_tags.items()])


def _latest(numbers: Iterable[_Row]) -> list[_Row]:
    """Return the row of each metric with the greatest step, then time, then value."""
    return list({row[1]: row for row in sorted(numbers)}.values())


def artifact_location(database: sqlite3.Connection, experiment_id: str) -> str | None:
    """Return where an experiment has its files; None if it is not there, or deleted."""
    ask = "SELECT artifact_location, lifecycle_stage FROM experiments WHERE experiment_id = ?"
    found = database.execute(ask, (int(experiment_id),)).fetchall()
    return found[0][0] if found and found[0][1] == "active" else None


def add_run(
    database: sqlite3.Connection,
    experiment_id: str,
    run_id: str,
    artifact_uri: str,
    *,
    name: str,
    user: str,
    status: str,
    times: tuple[int, int],
) -> None:
    """Make a run that has begun and ended at `times`, in milliseconds since the epoch."""
    row = (run_id, name, user, status, *times, artifact_uri, int(experiment_id))
    _insert(database, _NEW_RUNS, [(*row, "UNKNOWN", "", "", "", "active")])


def _insert(database: sqlite3.Connection, statement: str, rows: Sequence[_Row]) -> None:
    # not executemany: it lets other threads run after each row, and takes 5 ms to be back
    most = _MOST_VALUES // len(rows[0]) if rows else 1
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        places = ", ".join(f"({', '.join('?' * len(row))})" for row in some)
        database.execute(statement.format(places), [value for row in some for value in row])
