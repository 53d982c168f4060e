"""What to type, and which page to open, to see the runs of a store."""

from __future__ import annotations

import re
import shlex
from urllib.parse import quote

HOST = "127.0.0.1"


def ui_command(uri: str, default: str | None = None) -> str | None:
    """Return the command that serves a store, None for one that is itself a server.

    Parameters
    ----------
    uri : str
    default : str, default=None
        The store that the command takes by itself.

    Examples
    --------
    >>> ui_command("sqlite:////data/mlflow.db")
    'python -m sknn_tricks ui --tracking-uri sqlite:////data/mlflow.db'
    """
    if is_server(uri):
        return None
    words = ["python", "-m", "sknn_tricks", "ui"]
    return shlex.join(words + ([] if uri == default else ["--tracking-uri", without_password(uri)]))


def experiment_url(uri: str, experiment_id: str, best_first: str | None = None) -> str:
    """Return the page of an experiment, on its server or on what `ui_command` starts.

    Without the workflow type MLflow opens its page for language models. Sorted by a metric
    (`best_first`), the candidates are a flat list; unsorted they hide under their search.

    Examples
    --------
    >>> experiment_url("https://me:secret@host/mlflow", "3")
    'https://host/mlflow/#/experiments/3/runs?workflowType=machine_learning'
    """
    page = experiments_url(uri).partition("#")[0] + runs_page(experiment_id)
    if best_first is None:
        return page
    return f"{page}&orderByKey={quote(f'metrics.`{best_first}`')}&orderByAsc=false"


def view_url(uri: str, experiment_id: str, view_id: str, *, charts: bool = True) -> str:
    """Return the page of a saved view, as charts or as a table.

    Examples
    --------
    >>> view_url("http://host", "3", "ten-best")
    'http://host/#/experiments/3/runs?workflowType=machine_learning&compareRunsMode=CHART\
&viewStateShareKey=ten-best'
    """
    base = experiments_url(uri).partition("#")[0]
    return base + view_page(experiment_id, view_id, charts=charts)


def view_page(experiment_id: str, view_id: str, *, charts: bool = True) -> str:
    """Return the same as a link from within MLflow's page, wherever that is served."""
    mode = "CHART" if charts else "TABLE"
    return (
        f"{runs_page(experiment_id)}&compareRunsMode={mode}&viewStateShareKey={quote(view_id, '')}"
    )


def experiments_url(uri: str, port: int = 5000) -> str:
    """Return the page that lists the experiments.

    Examples
    --------
    >>> experiments_url("sqlite:///mlruns/mlflow.db")
    'http://127.0.0.1:5000/#/experiments'
    """
    base = re.sub("//[^/@]*@", "//", uri).rstrip("/") if is_server(uri) else f"http://{HOST}:{port}"
    return f"{base}/#/experiments"


def runs_page(experiment_id: str) -> str:
    """Return an experiment's page as a link from within MLflow's page."""
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning"


def run_page(experiment_id: str, run_id: str) -> str:
    """Return a run's page as a link from within MLflow's page."""
    return f"#/experiments/{experiment_id}/runs/{run_id}?workflowType=machine_learning"


def without_password(text: str) -> str:
    """Hide the passwords of all URIs in a text.

    Examples
    --------
    >>> without_password("postgresql://me:secret@host/runs")
    'postgresql://me:***@host/runs'
    >>> without_password("postgresql://me:se/cret@host/runs?password=secret&x=1")
    'postgresql://me:***@host/runs?password=***&x=1'
    """
    # a database's may hold slashes, which in a server's address would begin its path
    text = re.sub(r"(\b(?!https?:)[\w+.-]+://[^\s:/@]*):[^\s@]+@", r"\1:***@", text)
    text = re.sub(r"([?&]password=)[^&\s]+", r"\1***", text)
    return re.sub(r"(://[^\s:/@]*):[^\s/@]+@", r"\1:***@", text)


def is_server(uri: str) -> bool:
    """Tell whether a store is an MLflow server."""
    return uri.startswith(("http://", "https://"))
