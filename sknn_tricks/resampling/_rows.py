"""Rows of any kind of data: checked, taken by their numbers, put together."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray

from sknn_tricks._messages import message
from sknn_tricks._sklearn_private import safe_indexing

Rows = NDArray[np.int64]


def check_rows(X: Any) -> Any:
    """Return data whose rows can be taken; nothing of them is read, and NaN may be among them.

    Parameters
    ----------
    X : array-like, DataFrame, tensor, sparse matrix, memmap or OnDisk, of shape (N, ...)

    Returns
    -------
    X
        Itself, but for sparse formats that cannot be indexed, which become CSR.

    Raises
    ------
    ValueError
        If there is no second axis, no row or no feature, or if the numbers are complex.
    """
    shape = np.shape(X) if isinstance(X, list | tuple) else getattr(X, "shape", None)
    if shape is None:
        X = np.asarray(X)
        shape = X.shape
    _check_shape(tuple(shape))
    if getattr(getattr(X, "dtype", None), "kind", None) == "c":
        raise ValueError(_complex(X.dtype))
    if scipy.sparse.issparse(X) and X.format not in ("csr", "csc"):
        return X.tocsr()
    return X


def take(data: Any, rows: Rows) -> Any:
    """Return rows by their numbers, in the container they come in.

    Examples
    --------
    >>> take(["a", "b", "c"], np.array([2, 0, 0]))
    ['c', 'a', 'a']
    """
    if isinstance(data, torch.Tensor):
        return data[torch.as_tensor(rows, device=data.device)]
    if not isinstance(data, list | tuple) and not hasattr(data, "shape"):
        data = np.asarray(data)
    return safe_indexing(data, rows)


def stack(X: Any, new: Any) -> Any:
    """Return data with new rows of the same kind behind them."""
    if isinstance(X, torch.Tensor):
        return torch.cat([X, new])
    if is_table(X):
        import pandas as pd

        return pd.concat([X, new])
    if scipy.sparse.issparse(X):
        return scipy.sparse.vstack([X, new], format=X.format)
    if isinstance(X, list | tuple):
        return [*X, *new]
    return np.concatenate([np.asarray(X), new])


def listed(rows: NDArray[Any], like: list[Any]) -> list[Any]:
    """Return an array as a list whose elements are of the kind that those of another list are.

    Examples
    --------
    >>> listed(np.eye(2, dtype=int), [[3, 4]]), listed(np.eye(2, dtype=int), [np.arange(2)])
    ([[1, 0], [0, 1]], [array([1, 0]), array([0, 1])])
    """
    if isinstance(like[0], torch.Tensor):
        return list(torch.as_tensor(rows))
    return list(rows) if isinstance(like[0], np.ndarray) else rows.tolist()


def to_numpy(data: Any) -> NDArray[Any]:
    """Return an array, also of a tensor on any device."""
    if isinstance(data, torch.Tensor):
        return data.detach().cpu().numpy()
    return np.asarray(data)


def flat(X: Any) -> Any:
    """Return rows as vectors, (N, ...) as (N, D); tables and sparse matrices are so already."""
    if is_table(X) or scipy.sparse.issparse(X):
        return X
    X = to_numpy(X)
    return X.reshape(len(X), -1)


def is_table(X: Any) -> bool:
    """Whether data are a pandas DataFrame."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(X, pandas.DataFrame)


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) < 2:
        raise ValueError(
            message(
                f"X has {len(shape)} {'axis' if len(shape) == 1 else 'axes'}",
                expected="rows of features, (N, D) or (N, ...)",
                got=f"shape={shape}",
                todo="Reshape your data, with X.reshape(-1, 1) for a single feature",
            )
        )
    # The words of scikit-learn, by which its checks know the error.
    for n, what in ((shape[0], "sample(s)"), (math.prod(shape[1:]), "feature(s)")):
        if n == 0:
            raise ValueError(
                message(
                    f"X has 0 {what} (shape={shape}) while a minimum of 1 is required",
                    expected="rows to sample from",
                    got="none" if what == "sample(s)" else "empty ones",
                    todo="Look at what made X",
                )
            )


def _complex(dtype: Any) -> str:
    return message(
        "Complex data not supported",
        expected="real numbers, text or objects",
        got=str(dtype),
        todo="Give real and imaginary part as two features",
    )
