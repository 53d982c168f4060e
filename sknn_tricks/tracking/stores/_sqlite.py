"""The SQLite file of a store: made by one process, in one step."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

SQLITE = "sqlite:///"
_SECONDS_TO_WAIT = 120


@contextmanager
def only_process(database: Path) -> Iterator[None]:
    """Keep other processes from creating the same database at the same time.

    Two that do leave a database that never opens again. filelock comes with torch, works on
    all platforms, and frees a lock whose holder was killed.
    """
    from filelock import FileLock

    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{database}.lock", timeout=_SECONDS_TO_WAIT):
        yield


def create(database: Path) -> None:
    """Create a database in one step.

    A process that is killed within MLflow's migrations leaves half a schema, which never opens
    again. So they run on a draft, and the finished copy is moved into place. Its write-ahead log
    makes writing cheap, and lets the UI read meanwhile.
    """
    from mlflow import MlflowClient

    ready = database.with_name(database.name + ".new")
    for leftover in (ready, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))):
        leftover.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        draft = Path(folder, "draft.db")
        client = MlflowClient(tracking_uri=SQLITE + draft.as_posix())
        with closing(sqlite3.connect(draft)) as source, closing(sqlite3.connect(ready)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=WAL")
        drop_connections(client)
    os.replace(ready, database)


def use_write_ahead_log(database: Path) -> None:
    """Give a file that MLflow made the log that `create` gives; not while others write to it."""
    with (
        contextlib.suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(database)) as connection,
    ):
        connection.execute("PRAGMA journal_mode=WAL")


def drop_connections(client: Any) -> None:
    """Close the connections that MLflow pools, which may be to a file that is no longer there."""
    with contextlib.suppress(AttributeError):
        client._tracking_client.store.engine.dispose()
