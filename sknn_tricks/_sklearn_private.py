"""What we use of scikit-learn's private API, in one place.

The version is bound in pyproject.toml for it. (`tracking._channel` wraps one module more: the
transport of scikit-learn's callbacks.)
"""

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
    "StrOptions",
    "check_sample_weight",
    "has_listeners",
    "safe_indexing",
    "yields_constant_splits",
]


def has_listeners(context: Any) -> bool:
    """Whether a callback of scikit-learn listens to the tasks of a callback context."""
    return bool(context._callbacks)
