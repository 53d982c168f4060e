"""A pickle of an estimator without the callbacks that watched its fit."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cloudpickle

# A callback may hold a store's address with its password, and the fit is over.
_OF_CALLBACKS = (
    "_skl_callbacks",
    "_skl_callbacks_to_teardown",
    "_callback_fit_ctx",
    "_parent_callback_ctx",
)


class NotPickled(Exception):
    """The estimator cannot be pickled; the text says why."""


def dump(estimator: Any, path: Path) -> None:
    """Write a pickle of an estimator, as ``mlflow.sklearn`` reads it.

    Parameters
    ----------
    estimator : estimator
        Classes of ``__main__`` go by value, as cloudpickle does it.
    path : Path

    Raises
    ------
    NotPickled
        If something in it cannot be pickled.
    """
    try:
        with path.open("wb") as file:
            # MLflow writes this protocol, too
            _Pickler(file, protocol=pickle.DEFAULT_PROTOCOL).dump(estimator)
    except OSError:  # a full disk says nothing of the estimator
        raise
    except Exception as error:  # whatever an object raises that does not want to be pickled
        raise NotPickled(f"{type(error).__name__}: {error}") from error


class _Pickler(cloudpickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type) or not _is_watched(obj):
            return super().reducer_override(obj)
        reduced = obj.__reduce_ex__(self.proto)
        if not isinstance(reduced, tuple) or len(reduced) < 3 or not isinstance(reduced[2], dict):
            return reduced  # it pickles in a way of its own
        state = {name: value for name, value in reduced[2].items() if name not in _OF_CALLBACKS}
        return (*reduced[:2], state, *reduced[3:])


def _is_watched(obj: Any) -> bool:
    return any(name in getattr(obj, "__dict__", ()) for name in _OF_CALLBACKS)
