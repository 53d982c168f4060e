"""A store made ready before anything is logged."""

from __future__ import annotations

from sknn_tricks.tracking.stores._store import find_store


def init_store(tracking_uri: str | None = None) -> str:
    """Make a store ready before anything is logged: its file or tables, and nothing else.

    A fit does the same when it begins. Call this first where many processes are to begin at
    once, such as the jobs of a cluster, or to learn of a wrong password before a long search.
    Any number of processes may call it at the same time, and any number of times. A SQLite file
    gets a write-ahead log, with which the UI reads while a search writes.

    Parameters
    ----------
    tracking_uri : str, default=None
        The store, as in `MLflowCallback`: ``"sqlite:///runs.db"``, ``"http://host:5000"``,
        ``"postgresql://user:password@host/database"``. ``None`` means the environment variable
        ``MLFLOW_TRACKING_URI`` and, without it, the file ``mlruns/mlflow.db`` in the working
        directory.

    Returns
    -------
    str
        The store, with the path of a SQLite file made absolute. It holds the password if there
        is one.

    Raises
    ------
    RuntimeError
        If the store cannot be opened, or was made by another version of MLflow.

    Notes
    -----
    A write-ahead log needs all its users on one machine. Let machines share a server or a
    PostgreSQL database, never a SQLite file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sknn_tricks.tracking import init_store
    >>> folder = tempfile.TemporaryDirectory()
    >>> uri = init_store(f"sqlite:///{folder.name}/runs.db")
    >>> init_store(uri) == uri, Path(folder.name, "runs.db").exists()
    (True, True)
    >>> folder.cleanup()
    """
    store = find_store(tracking_uri)
    store.prepare()
    return store.uri
