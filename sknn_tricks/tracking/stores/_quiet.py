"""Keep other libraries from talking during a fit."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_CHATTY_LOGGERS = ("alembic", "mlflow.store.db.utils", "mlflow.tracking")
# They tell of each failure and of each of their own attempts, with a traceback.
_LOGGERS_OF_FAILURES = (
    "mlflow.store.db.utils",
    "mlflow.tracking._tracking_service.client",
    "mlflow.utils.request_utils",
    "sqlalchemy.pool",
    "urllib3.connectionpool",
)
_NO_LINKS = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"
_lock = threading.Lock()
_n_without_links = 0
_links_before: str | None = None


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Hold back MLflow's log lines, links and the deprecations that its imports set off."""
    loggers = [logging.getLogger(name) for name in _CHATTY_LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
                warnings.simplefilter("ignore", category)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def no_failures_told() -> Iterator[None]:
    """Hold back what is logged of failures of a store, on this thread only.

    Whoever writes tells of them once, in words.
    """
    mine = threading.get_ident()

    def is_of_others(record: logging.LogRecord) -> bool:
        return record.thread != mine

    loggers = [logging.getLogger(name) for name in _LOGGERS_OF_FAILURES]
    for logger in loggers:
        logger.addFilter(is_of_others)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_of_others)


@contextmanager
def no_links() -> Iterator[None]:
    """Keep MLflow from printing a link for each run it ends on a server."""
    global _n_without_links, _links_before
    with _lock:  # or one thread would take another's setting for the user's
        if _n_without_links == 0:
            _links_before = os.environ.get(_NO_LINKS)
            os.environ[_NO_LINKS] = "true"
        _n_without_links += 1
    try:
        yield
    finally:
        with _lock:
            _n_without_links -= 1
            if _n_without_links == 0:
                _put_back(_links_before)


def _put_back(value: str | None) -> None:
    if value is None:
        os.environ.pop(_NO_LINKS, None)
    else:
        os.environ[_NO_LINKS] = value
