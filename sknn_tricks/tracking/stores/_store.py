"""Where runs are kept: an MLflow server, a database, or a file below the working directory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sknn_tricks._messages import message
from sknn_tricks.tracking.stores._links import is_server, without_password
from sknn_tricks.tracking.stores._outages import reason_of
from sknn_tricks.tracking.stores._postgres import is_postgres, only_client
from sknn_tricks.tracking.stores._quiet import quiet_mlflow
from sknn_tricks.tracking.stores._reach import check_network
from sknn_tricks.tracking.stores._sqlite import (
    SQLITE,
    create,
    drop_connections,
    only_process,
    use_write_ahead_log,
)

EMBEDDED_STORE = "sqlite:///mlruns/mlflow.db"
_DATABASES = ("postgres", "mysql", "mssql")


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
        path = self.uri.removeprefix(SQLITE).partition("?")[0]
        is_file = self.uri.startswith(SQLITE) and path not in ("", ":memory:")
        return Path(path) if is_file else None

    @property
    def artifacts(self) -> str | None:
        """Where new experiments keep files; None where the store decides, as a server does.

        Beside a SQLite file. For another database, which has no place of its own, what
        ``MLFLOW_DEFAULT_ARTIFACT_ROOT`` says, as in MLflow's server, or ``mlruns/artifacts``
        in the working directory.
        """
        if self.database:
            return str(self.database.parent / "artifacts")
        if self.uri.startswith(_DATABASES):
            root = os.environ.get("MLFLOW_DEFAULT_ARTIFACT_ROOT")
            return root or str(Path("mlruns/artifacts").absolute())
        return None

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
        with self.explained(experiment), quiet_mlflow():
            client = self._made_client()
            return client, self._experiment_id(client, experiment)

    def prepare(self) -> None:
        """Make what is missing, so that others find the store ready.

        Raises
        ------
        RuntimeError
            If the store cannot be opened.
        """
        with self.explained(), quiet_mlflow():
            self._made_client().search_experiments(max_results=1)
            if self.database is not None:
                use_write_ahead_log(self.database)

    @contextmanager
    def explained(self, experiment: str | None = None) -> Iterator[None]:
        """Turn what a store raises into a RuntimeError that says what to do."""
        try:
            yield
        except Exception as error:
            raise RuntimeError(_cannot_open(self.uri, experiment, error)) from error

    def _made_client(self) -> Any:
        check_network(self.uri)
        with self._alone():
            return self._client()

    def _alone(self) -> AbstractContextManager[None]:
        if self.database is not None:
            return only_process(self.database)
        return only_client(self.uri) if is_postgres(self.uri) else nullcontext()

    def _client(self) -> Any:
        from mlflow import MlflowClient

        is_new = self.database is not None and not self.database.exists()
        if self.database is not None and is_new:
            create(self.database)
        client = MlflowClient(tracking_uri=self.uri)
        if is_new:
            drop_connections(client)
        return client

    def _experiment_id(self, client: Any, name: str) -> str:
        found = client.get_experiment_by_name(name) or self._new_experiment(client, name)
        if found.lifecycle_stage != "active":
            raise ValueError("the experiment is deleted")
        return found.experiment_id

    def _new_experiment(self, client: Any, name: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            experiment_id = client.create_experiment(name, artifact_location=self.artifacts)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return client.get_experiment_by_name(name)  # another process was faster
        return client.get_experiment(experiment_id)


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
    return Store(f"{SQLITE}{store.database.absolute().as_posix()}{query}")


def _cannot_open(uri: str, experiment: str | None, error: Exception) -> str:
    purpose = "" if experiment is None else f" for {experiment!r}"
    return message(
        f"The MLflow store {without_password(uri)!r} cannot be opened{purpose}",
        expected="a store this process can write to, with an experiment that is not deleted",
        got=reason_of(error),
        todo=_way_out(uri, error),
    )


def _way_out(uri: str, error: Exception) -> str:
    if found := re.search(r"schema \(found version (\w+)", str(error)):
        return (
            f"Another version of MLflow made its tables ({found[1]}). Back the store up and run "
            f"`mlflow db upgrade {without_password(uri)}`, or install the MLflow that made it if "
            "that is newer"
        )
    if isinstance(error, ModuleNotFoundError):
        extra = "sknn-tricks[postgres]" if is_postgres(uri) else str(error.name)
        return f'Install its driver: pip install "{extra}"'
    if is_server(uri):
        return "Check tracking_uri and MLFLOW_TRACKING_URI, and that the server runs"
    return (
        "Check tracking_uri and MLFLOW_TRACKING_URI, or leave both out for the embedded "
        "store, and choose another name for a deleted experiment"
    )
