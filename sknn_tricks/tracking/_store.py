"""Where runs are kept: an MLflow server, a database, or a file below the working directory."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sknn_tricks._messages import message
from sknn_tricks.tracking._links import is_server, without_password
from sknn_tricks.tracking._quiet import quiet_mlflow

EMBEDDED_STORE = "sqlite:///mlruns/mlflow.db"
_SQLITE = "sqlite:///"
_SECONDS_TO_WAIT = 120
_SECONDS_TO_CONNECT = 10


@dataclass(frozen=True)
class Store:
    """An MLflow tracking store.

    Attributes
    ----------
    uri : str
        What MLflow is given. The path of a SQLite file is absolute: MLflow keeps connections by
        this text, and a relative one would mean another file after a change of directory.
    """

    uri: str

    @property
    def database(self) -> Path | None:
        """The SQLite file, None for other stores."""
        path = self.uri.removeprefix(_SQLITE).partition("?")[0]
        is_file = self.uri.startswith(_SQLITE) and path not in ("", ":memory:")
        return Path(path) if is_file else None

    @property
    def artifacts(self) -> str | None:
        """Where experiments keep files: beside a SQLite file, elsewhere the store decides."""
        return str(self.database.parent / "artifacts") if self.database else None

    def open(self, experiment: str) -> tuple[Any, str]:
        """Return an MLflow client, and the id of the experiment, made if there is none.

        Parameters
        ----------
        experiment : str
            The experiment's name.

        Returns
        -------
        client : mlflow.MlflowClient
        experiment_id : str

        Raises
        ------
        RuntimeError
            If the store cannot be opened, or the experiment has been deleted.
        """
        try:
            self._check_server()
            with quiet_mlflow(), self._alone():
                client = self._client()
                return client, self._experiment_id(client, experiment)
        except Exception as error:
            raise RuntimeError(_cannot_open(self.uri, experiment, error)) from error

    def _check_server(self) -> None:
        """Raise if a server does not answer; MLflow itself would try for minutes."""
        if is_server(self.uri):
            parts = urlsplit(self.uri)
            port = parts.port or {"http": 80, "https": 443}[parts.scheme]
            socket.create_connection((parts.hostname, port), timeout=_SECONDS_TO_CONNECT).close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from creating the same database at the same time.

        Two that do leave a database that never opens again. filelock comes with torch, works on
        all platforms, and frees a lock whose holder was killed.
        """
        from filelock import FileLock

        database = self.database
        if database is not None:
            database.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{database}.lock", timeout=_SECONDS_TO_WAIT) if database else nullcontext()
        with lock:
            yield

    def _client(self) -> Any:
        from mlflow import MlflowClient

        is_new = self.database is not None and not self.database.exists()
        if is_new:
            _create(self.database)
        client = MlflowClient(tracking_uri=self.uri)
        if is_new:
            _drop_connections(client)
        return client

    def _experiment_id(self, client: Any, name: str) -> str:
        found = client.get_experiment_by_name(name)
        if found is None:
            return client.create_experiment(name, artifact_location=self.artifacts)
        if found.lifecycle_stage != "active":
            raise ValueError("the experiment is deleted")
        return found.experiment_id


def find_store(tracking_uri: str | None) -> Store:
    """Choose the store: the argument, else ``MLFLOW_TRACKING_URI``, else the embedded one.

    Parameters
    ----------
    tracking_uri : str or None

    Returns
    -------
    Store
    """
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or EMBEDDED_STORE
    store = Store(uri)
    if store.database is None:
        return store
    query = uri.partition("?")[1] + uri.partition("?")[2]
    return Store(f"{_SQLITE}{store.database.absolute().as_posix()}{query}")


def _create(database: Path | None) -> None:
    """Create a database in one step.

    A process that is killed within MLflow's migrations leaves half a schema, which never opens
    again. So they run on a draft, and the finished copy is moved into place. Its write-ahead log
    makes writing cheap, and lets the UI read meanwhile.
    """
    from mlflow import MlflowClient

    assert database is not None
    ready = database.with_name(database.name + ".new")
    for leftover in (ready, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))):
        leftover.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        draft = Path(folder, "draft.db")
        client = MlflowClient(tracking_uri=_SQLITE + draft.as_posix())
        with closing(sqlite3.connect(draft)) as source, closing(sqlite3.connect(ready)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=WAL")
        _drop_connections(client)
    os.replace(ready, database)


def _drop_connections(client: Any) -> None:
    """Close the connections that MLflow pools, which may be to a file that is no longer there."""
    with contextlib.suppress(AttributeError):
        client._tracking_client.store.engine.dispose()


def _cannot_open(uri: str, experiment: str, error: Exception) -> str:
    reason = (str(error).splitlines() or [""])[0]
    return message(
        f"The MLflow store {without_password(uri)!r} cannot be opened for {experiment!r}",
        expected="a store this process can write to, with an experiment that is not deleted",
        got=f"{type(error).__name__}: {without_password(reason)}",
        todo="Check tracking_uri and MLFLOW_TRACKING_URI, or leave both out for the embedded "
        "store, and choose another name for a deleted experiment",
    )
