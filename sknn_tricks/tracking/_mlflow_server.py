"""MLflow's server within this process.

``mlflow ui`` loads MLflow twice, in itself and in the process that it starts, and leaves a child
to be ended. This loads it once. It needs two things that MLflow tells nobody: the application,
and the environment variables through which its command speaks to it.
"""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Callable
from typing import Any

from sknn_tricks.tracking.stores._links import runs_page, view_page
from sknn_tricks.tracking.stores._quiet import quiet_mlflow
from sknn_tricks.tracking.stores._store import Store

_SECONDS_TO_END = 1
_DASHBOARD = "mlflow.sharedViewState.dashboard"


def prepare(store: Store) -> str:
    """Load MLflow, see that it can read a store, and return the page to open, from ``#`` on.

    That is the dashboard of the experiment that was written to last.

    Parameters
    ----------
    store : Store

    Returns
    -------
    str

    Raises
    ------
    RuntimeError
        If the store cannot be read.
    """
    _configure(store)
    with store.explained(), quiet_mlflow():
        from mlflow import MlflowClient

        return _page_to_open(MlflowClient(tracking_uri=store.uri))


def _page_to_open(client: Any) -> str:
    experiments = [each.experiment_id for each in client.search_experiments()]
    latest = client.search_runs(experiments, order_by=["attributes.start_time DESC"], max_results=1)
    if not latest:
        return "#/experiments"
    experiment = client.get_experiment(latest[0].info.experiment_id)
    if _DASHBOARD in experiment.tags:
        return view_page(experiment.experiment_id, "dashboard")
    return runs_page(experiment.experiment_id)


def serve(listener: socket.socket, announce: Callable[[], None]) -> None:
    """Answer on a bound socket until Ctrl-C, and call `announce` once that works."""
    import uvicorn  # before MLflow, which by this knows that it is a server

    with quiet_mlflow():
        warnings.simplefilter("ignore")  # until the end of this block, what its imports set off
        from mlflow.server.fastapi_app import app

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            announce()

    # a browser keeps its connections open, and would hold up the end
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=_SECONDS_TO_END, lifespan="on"
    )
    try:
        Server(config).run([listener])
    except KeyboardInterrupt:
        print()


def _configure(store: Store) -> None:
    os.environ |= {
        "_MLFLOW_SERVER_FILE_STORE": store.uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": store.uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": store.artifacts or "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": "./mlartifacts",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        # its job runner, for language models, would double the time to start
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
