"""Keep scikit-learn from warning of each step that no callback can listen to."""

from __future__ import annotations

import warnings
from typing import Any

_NO_CALLBACKS = r"The estimator \w+ does not support callbacks"


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
