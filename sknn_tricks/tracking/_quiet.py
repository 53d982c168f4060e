"""Keep other libraries from talking during a fit."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_CHATTY_LOGGERS = ("alembic", "mlflow.store.db.utils", "mlflow.tracking")
_one_at_a_time = threading.Lock()
_NO_CALLBACKS = r"The estimator \w+ does not support callbacks"


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
def no_links() -> Iterator[None]:
    """Keep MLflow from printing a link for each run it ends on a server."""
    name = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"
    with _one_at_a_time:  # or one thread would take another's setting for the user's
        before = os.environ.get(name)
        os.environ[name] = "true"
        try:
            yield
        finally:
            if before is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = before


def expect_steps_without_callbacks() -> None:
    """Ignore scikit-learn's warning about steps without callbacks.

    A scaler has no curve to lose, and the warning comes once for each step of each fold.
    scikit-learn hands the filters of this process on to its workers.
    """
    warnings.filterwarnings("ignore", message=_NO_CALLBACKS, category=UserWarning)


def stop_expecting_steps_without_callbacks() -> None:
    """Take the filter of `expect_steps_without_callbacks` away again."""
    filters: Any = getattr(warnings, "_get_filters", lambda: warnings.filters)()
    for entry in list(filters):
        if getattr(entry[1], "pattern", None) == _NO_CALLBACKS:
            filters.remove(entry)
