"""A fit that fails leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Put the fitted attributes back to what they were if the block raises.

    Those are the ones that end in an underscore; scikit-learn's callbacks keep private ones that
    are still needed to clean up.
    """
    before = _fitted(estimator)
    try:
        yield
    except BaseException:
        for name in _fitted(estimator).keys() - before.keys():
            delattr(estimator, name)
        vars(estimator).update(before)
        raise


def _fitted(estimator: Any) -> dict[str, Any]:
    attributes = vars(estimator).items()
    return {k: v for k, v in attributes if k.endswith("_") and not k.startswith("_")}
