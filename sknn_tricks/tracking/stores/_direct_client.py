"""Logging straight into the SQLite file of a store, at a tenth of the cost.

A search logs hundreds of numbers a candidate, and MLflow makes an object of its database layer of
each. This client knows how MLflow 3.17 keeps them. With any other version, any other schema, and
for whatever is not a plain number or text, the client itself writes.
"""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sknn_tricks.tracking.stores._plain_batch import is_plain
from sknn_tricks.tracking.stores._sqlite_rows import (
    add_run,
    artifact_location,
    fill,
    has_known_tables,
    takes,
)
from sknn_tricks.tracking.stores._store import Store

_VERSION = re.compile(r"3\.17\.\d+")
_SECONDS_TO_WAIT = 30.0  # for other writers
_USER = "mlflow.user"
_RUN_NAME = "mlflow.runName"
_T = TypeVar("_T")


class Batch(NamedTuple):
    """What is logged to one run at once."""

    metrics: Sequence[Any] = ()
    params: Sequence[Any] = ()
    tags: Sequence[Any] = ()


class WholeRun(NamedTuple):
    """A run that has ended, with all that is logged to it; times in milliseconds."""

    name: str
    start_time: int
    end_time: int
    status: str
    batch: Batch


class NewRun(NamedTuple):
    """Where a run went to."""

    run_id: str
    artifact_uri: str


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
            is_known = has_known_tables(database)
    except sqlite3.Error:
        return client
    return DirectClient(client, store.database) if is_known else client


class DirectClient:
    """An MLflow client that writes parameters, metrics and tags to its SQLite file itself.

    It has all methods of the client. ``log_batch`` leaves the rows that the client's would leave,
    all in one transaction, and raises what the client's would raise.

    Each call opens the file anew, which takes about a millisecond: a connection that stayed
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
        self.log_batches({run_id: Batch(metrics, params, tags)})

    def log_batches(self, batches: Mapping[str, Batch]) -> None:
        """Log to several runs, in one transaction; as several calls of `log_batch`.

        Parameters
        ----------
        batches : mapping of str to Batch
            Run ids and what to log.

        Raises
        ------
        mlflow.exceptions.MlflowException
            As `log_batch`.
        """
        some = {run_id: batch for run_id, batch in batches.items() if any(batch)}
        plain = {run_id: batch for run_id, batch in some.items() if is_plain(*batch)}

        def write(database: sqlite3.Connection) -> set[str]:
            taken = {run_id for run_id, batch in plain.items() if takes(database, run_id, batch[1])}
            for run_id in taken:
                fill(database, run_id, *plain[run_id])
            return taken

        written = (self._transact(write) if plain else None) or set()
        for run_id in some.keys() - written:  # for the client to judge
            self._client.log_batch(run_id, *some[run_id])

    def log_run(self, experiment_id: str, run: WholeRun) -> NewRun | None:
        """Create a run, log to it and end it, in one transaction.

        Parameters
        ----------
        experiment_id : str
        run : WholeRun

        Returns
        -------
        NewRun or None
            None if nothing was done: this is for the client's own methods.

        Raises
        ------
        mlflow.exceptions.MlflowException
            If the file cannot be written to.
        """
        from mlflow.entities import RunTag
        from mlflow.utils.uri import append_to_uri_path

        if not is_plain(*run.batch):
            return None
        run_id = uuid.uuid4().hex
        named = run.batch._replace(tags=[*run.batch.tags, RunTag(_RUN_NAME, run.name)])
        user = {tag.key: tag.value for tag in run.batch.tags}.get(_USER, "unknown")
        facts: Any = {"name": run.name, "user": user, "status": run.status}
        facts |= {"times": (run.start_time, run.end_time)}

        def write(database: sqlite3.Connection) -> NewRun | None:
            if (location := artifact_location(database, experiment_id)) is None:
                return None
            uri = append_to_uri_path(location, run_id, "artifacts")
            add_run(database, experiment_id, run_id, uri, **facts)
            fill(database, run_id, *named)
            return NewRun(run_id, uri)

        return self._transact(write)

    def _transact(self, write: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """Write all or nothing; return None for what the client is to judge."""
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE

        try:
            with _transaction(self._database) as database:
                return write(database)
        except sqlite3.OperationalError as error:  # locked, full, read-only: as MLflow tells it
            raise MlflowException(str(error), TEMPORARILY_UNAVAILABLE) from error
        except sqlite3.Error:
            return None


@contextmanager
def _transaction(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(_connect(path)) as database:
        database.execute("BEGIN IMMEDIATE")  # what is read from here on stays so
        yield database
        database.execute("COMMIT")


def _connect(database: Path) -> sqlite3.Connection:
    # no file is made in the place of one that was deleted
    uri = f"{database.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=_SECONDS_TO_WAIT, isolation_level=None)
