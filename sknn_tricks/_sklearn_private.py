"""What we use of scikit-learn's private API, in one place.

The version is bound in pyproject.toml for it. (`tracking.listening._channel` wraps one module
more: the transport of scikit-learn's callbacks.)
"""

from __future__ import annotations

from typing import Any

from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._split import _yields_constant_splits as yields_constant_splits
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "BaseSearchCV",
    "Interval",
    "RealNotInt",
    "RecordedSplits",
    "StrOptions",
    "check_sample_weight",
    "has_epoch_listeners",
    "record_splits",
    "safe_indexing",
    "stop_recording_splits",
    "yields_constant_splits",
]


def has_epoch_listeners(context: Any) -> bool:
    """Whether a callback of a callback context wants to know of each epoch while a net trains.

    One that does not says so by an attribute ``listens_to_epochs = False``. Nets that nobody
    listens to may train in other processes.
    """
    return any(getattr(each, "listens_to_epochs", True) for each in context._callbacks)


class RecordedSplits:
    """A splitter that remembers the rows of its latest splits.

    A search splits by itself, with groups that no callback is told, and a splitter without a seed
    splits otherwise the second time: the rows can only be seen on their way.

    Parameters
    ----------
    splitter : splitter

    Attributes
    ----------
    splits : list of (ndarray, ndarray)
        Training and test rows of each split; empty before the first.
    """

    def __init__(self, splitter: Any):
        self.splitter = splitter
        self.splits: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.splitter, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self.splitter,)  # a worker needs no record

    def split(self, *args: Any, **kwargs: Any) -> Any:
        """Split as the splitter does."""
        self.splits = list(self.splitter.split(*args, **kwargs))
        return iter(self.splits)


def record_splits(search: Any) -> RecordedSplits | None:
    """Have a search that is about to split record its splits; None if it cannot be done."""
    splitter = getattr(search, "_checked_cv_orig", None)
    if splitter is None or isinstance(splitter, RecordedSplits):
        return splitter
    search._checked_cv_orig = RecordedSplits(splitter)
    return search._checked_cv_orig


def stop_recording_splits(search: Any) -> None:
    """Give a search its own splitter back."""
    splitter = getattr(search, "_checked_cv_orig", None)
    if isinstance(splitter, RecordedSplits):
        search._checked_cv_orig = splitter.splitter


def _itself(value: Any) -> Any:
    return value
