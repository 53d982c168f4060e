"""A fit that fails leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# What scikit-learn's callbacks keep on the estimator until they have cleaned up.
OF_CALLBACKS = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Put all attributes back to what they were if the block raises."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        kept = {name: vars(estimator)[name] for name in OF_CALLBACKS if name in vars(estimator)}
        vars(estimator).clear()
        vars(estimator).update(before | kept)
        raise
