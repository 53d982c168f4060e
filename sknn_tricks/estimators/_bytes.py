"""Images whose numbers are bytes: which X are, and what a net takes that was fitted on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from sknn_tricks.fused._bytes import check_shares


def are_bytes(X: Any) -> bool:
    """Whether rows are images of bytes: uint8, and of two or more axes each.

    Parameters
    ----------
    X : array-like, OnDisk, or list of arrays

    Examples
    --------
    >>> images = np.zeros((5, 28, 28), "uint8")
    >>> are_bytes(images), are_bytes(list(images)), are_bytes(images.reshape(5, -1))
    (True, True, False)
    """
    n_axes = 3
    if isinstance(X, list | tuple) and X:
        X, n_axes = X[0], 2
    return _kind(X) == "uint8" and getattr(X, "ndim", 0) >= n_axes


def _kind(X: Any) -> str:
    """Return the name of a dtype, of numpy or torch."""
    return str(getattr(X, "dtype", "")).removeprefix("torch.")


def bytes_or_shares(X: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Return integers as bytes and other numbers in a precision, as shares of 255.

    Raises
    ------
    ValueError
        If they cannot be that.
    """
    if X.dtype.kind not in "iu":
        X = check_array(X, dtype=dtype, order="C", allow_nd=True)
        check_shares(X)
        return X
    check_shares(X)
    return X.astype(np.uint8, copy=False)
