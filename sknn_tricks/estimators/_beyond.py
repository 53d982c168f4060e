"""Data beyond memory: how an estimator checks, lays out and predicts rows on the disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_consistent_length, validate_data
from torch import Tensor

from sknn_tricks.estimators._bytes import are_bytes, bytes_or_shares
from sknn_tricks.estimators._data import Data, to_tensor
from sknn_tricks.fused._ahead import ahead
from sknn_tricks.fused._rows import predict_batch
from sknn_tricks.fused._sources import Source, window_rows
from sknn_tricks.on_disk._on_disk import OnDisk, as_on_disk, check_numbers

NO_TARGETS = "no_validation"


def validate_rows(
    estimator: Any, X: Any, y: Any = NO_TARGETS, *, reset: bool, dtype: str, **of_y: Any
) -> Any:
    """Do what scikit-learn's ``validate_data`` does, but leave rows on the disk there.

    Parameters
    ----------
    estimator : estimator
    X : array-like or rows on the disk, of shape (N, ...)
    y : array-like, default is none
    reset : bool
        Whether to learn the number of features, and if X are bytes, or to check it.
    dtype : {"float32", "float64"}
    **of_y
        What to check of y.

    Returns
    -------
    X or (X, y)
        Rows on the disk as `OnDisk`, unless they are no more than a window. Their numbers are
        looked at when they are read. Images of bytes stay bytes.
    """
    X = lay_out(X)
    if reset:
        estimator._of_bytes = are_bytes(X)
    if not isinstance(X, OnDisk):
        return _validate_array(estimator, X, y, reset, dtype, of_y)
    check_numbers(X)
    validate_data(estimator, X, y, reset=reset, skip_check_array=True)
    if isinstance(y, str) and y == NO_TARGETS:
        return X
    y = validate_data(estimator, y=y, reset=False, **of_y)
    check_consistent_length(X, y)
    return X, y


def _validate_array(
    estimator: Any, X: Any, y: Any, reset: bool, dtype: str, of_y: dict[str, Any]
) -> Any:
    settings = {"reset": reset, "order": "C", "allow_nd": True, **of_y}
    if not estimator._of_bytes:
        return validate_data(estimator, X, y, dtype=dtype, **settings)
    found = validate_data(estimator, X, y, dtype=None, **settings)
    if isinstance(found, tuple):
        return bytes_or_shares(found[0], dtype), found[1]
    return bytes_or_shares(found, dtype)


def lay_out(X: Any) -> Any:
    """Return X as OnDisk if it is on the disk and worth it; what makes one window is read."""
    rows = as_on_disk(X)
    if rows is None:
        return X
    return rows if _is_large(rows) else np.asarray(rows)


def in_reading_order(data: Data) -> Data:
    """Return data in the order in which they lie on the disk; the order means nothing here."""
    if not isinstance(data.X, OnDisk) or not _is_large(data.X):
        return data
    order = data.X.reading_order()
    return data if order is None else data.take(order)


def x_of(data: Data, dtype: str, device: torch.device, of_bytes: bool) -> Tensor | Source:
    """Return X for `Rows`; what makes one window is read."""
    X = data.X
    if isinstance(X, OnDisk) and _is_large(X):
        return Source(X, getattr(torch, dtype), device, of_bytes)
    if not isinstance(X, OnDisk):
        return to_tensor(X).to(device)
    if of_bytes:
        return to_tensor(bytes_or_shares(np.asarray(X), dtype)).to(device)
    return Source(X, getattr(torch, dtype), device)[:]


def by_blocks(X: Any, dtype: str, of_bytes: bool, outputs: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the outputs (K, N, O) of all rows, a block of which is in memory at a time.

    Parameters
    ----------
    X : ndarray or OnDisk of shape (N, ...)
    dtype : {"float32", "float64"}
        Of rows on the disk.
    of_bytes : bool
        Whether integers on the disk are bytes.
    outputs : callable (Tensor (n, ...)) -> Tensor (K, n, O)

    Returns
    -------
    Tensor
    """
    if not isinstance(X, OnDisk):
        return outputs(to_tensor(X))
    order = X.reading_order()
    rows = X if order is None else X[order]
    source = Source(rows, getattr(torch, dtype), of_bytes=of_bytes)
    # Blocks end where batches do, so that these are the same as for rows in memory.
    batch = predict_batch(X.shape[1:])
    size = max(window_rows(X.shape[1:]) // batch, 1) * batch
    blocks = (partial(source.__getitem__, slice(i, i + size)) for i in range(0, len(X), size))
    found = torch.cat([outputs(each) for each in ahead(blocks, X.reads_ahead)], dim=1)
    return found if order is None else found[:, np.argsort(order)]


def _is_large(rows: OnDisk) -> bool:
    return len(rows) > window_rows(rows.shape[1:])
