"""What to type, and which page to open, to see the runs of a store."""

from __future__ import annotations

import re
import shlex
from urllib.parse import quote

_LOCAL_UI = "http://127.0.0.1"


def ui_command(uri: str, artifacts: str | None) -> str | None:
    """Return the command that serves a store, None for one that is itself a server.

    Examples
    --------
    >>> ui_command("sqlite:////data/mlflow.db", "/data/artifacts")
    'mlflow ui --backend-store-uri sqlite:////data/mlflow.db \
--default-artifact-root /data/artifacts --workers 1'
    """
    if is_server(uri):
        return None
    words = ["mlflow", "ui", "--backend-store-uri", without_password(uri)]
    if artifacts is not None:
        words += ["--default-artifact-root", artifacts]
    return shlex.join([*words, "--workers", "1"])


def experiment_url(uri: str, experiment_id: str, best_first: str | None = None) -> str:
    """Return the page of an experiment, on its server or on what `ui_command` starts.

    Without the workflow type MLflow opens its page for language models. Sorted by a metric
    (`best_first`), the candidates are a flat list; unsorted they hide under their search.

    Examples
    --------
    >>> experiment_url("https://me:secret@host/mlflow", "3")
    'https://host/mlflow/#/experiments/3/runs?workflowType=machine_learning'
    """
    page = f"{experiments_url(uri)}/{experiment_id}/runs?workflowType=machine_learning"
    if best_first is None:
        return page
    return f"{page}&orderByKey={quote(f'metrics.`{best_first}`')}&orderByAsc=false"


def experiments_url(uri: str, port: int = 5000) -> str:
    """Return the page that lists the experiments.

    Examples
    --------
    >>> experiments_url("sqlite:///mlruns/mlflow.db")
    'http://127.0.0.1:5000/#/experiments'
    """
    base = re.sub("//[^/@]*@", "//", uri).rstrip("/") if is_server(uri) else f"{_LOCAL_UI}:{port}"
    return f"{base}/#/experiments"


def without_password(text: str) -> str:
    """Hide the passwords of all URIs in a text.

    Examples
    --------
    >>> without_password("postgresql://me:secret@host/runs")
    'postgresql://me:***@host/runs'
    """
    return re.sub(r"(://[^\s:/@]*):[^\s/@]+@", r"\1:***@", text)


def is_server(uri: str) -> bool:
    """Tell whether a store is an MLflow server."""
    return uri.startswith(("http://", "https://"))
