"""What is to be said of data, targets and folds: sizes, types and digests."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse

from sknn_tricks._param_names import describe
from sknn_tricks._row_words import as_array
from sknn_tricks.on_disk import OnDisk
from sknn_tricks.tracking.artifacts._digest import digest_of, digest_of_splits, row_numbers

_MOST_CLASSES = 20
_MOST_COLUMNS = 200


def facts_of_data(X: Any) -> dict[str, Any]:
    """Return the size, type and digest of data.

    Parameters
    ----------
    X : array-like, DataFrame, tensor, sparse array, memmap or OnDisk, of shape (N, ...)
        Of anything else only the number of rows is told, and why there is no digest.

    Returns
    -------
    dict

    Examples
    --------
    >>> facts = facts_of_data(np.zeros((3, 2)))
    >>> facts.pop("digest")[:8]
    '9f80918f'
    >>> facts
    {'name': 'data', 'kind': 'numpy.ndarray', 'n_rows': 3, 'row_shape': [2], 'dtype': 'float64',
     'digest_of_rows': 'all'}
    """
    facts: dict[str, Any] = {"name": "data", "kind": _kind(X)}
    try:
        rows = X if hasattr(X, "iloc") else as_array(X)
        digest = digest_of(X)
    except (TypeError, ValueError) as error:
        n_rows = {"n_rows": len(X)} if hasattr(X, "__len__") else {}
        return {**facts, **n_rows, "no_digest": str(error)}
    shape = [int(size) for size in rows.shape]
    facts |= {"name": _name(rows), "n_rows": shape[0] if shape else 1, "row_shape": shape[1:]}
    facts |= _types(rows)
    return {**facts, "digest": digest.sha256, "digest_of_rows": digest.rows}


def facts_of_target(y: Any, *, is_classes: bool) -> dict[str, Any]:
    """Return the type and digest of targets, and how many rows each class has.

    Parameters
    ----------
    y : array-like of shape (N,) or (N, O)
    is_classes : bool
        Whether targets are labels. Of more than 20 classes only the extremes are counted. Of
        numbers that are no labels the least, the mean and the largest are told.

    Returns
    -------
    dict

    Examples
    --------
    >>> facts = facts_of_target(["b", "a", "b"], is_classes=True)
    >>> facts["n_classes"], facts["classes"]
    (2, {'a': 1, 'b': 2})
    """
    values = y.to_numpy() if hasattr(y, "to_numpy") else as_array(y)
    shape = [int(size) for size in values.shape]
    facts = {"shape": shape, "dtype": str(values.dtype), "digest": digest_of(y).sha256}
    if issparse(values):
        return facts
    if is_classes:
        return facts | (_counts(np.asarray(values)) if len(shape) == 1 else {})
    return facts | _extent(np.asarray(values))


def facts_of_splits(splits: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Return the sizes of folds, and a digest of their rows.

    Parameters
    ----------
    splits : iterable of (train, test)

    Returns
    -------
    dict
        Empty if there are no folds.

    Examples
    --------
    >>> facts = facts_of_splits([([0, 1], [2]), ([2], [0, 1])])
    >>> facts["n_splits"], facts["n_train"], facts["n_test"]
    (2, [2, 1], [1, 2])
    """
    folds = [(row_numbers(train), row_numbers(test)) for train, test in splits]
    if not folds:
        return {}
    return {
        "n_splits": len(folds),
        "n_train": [len(train) for train, _ in folds],
        "n_test": [len(test) for _, test in folds],
        "digest": digest_of_splits(folds),
    }


def _kind(X: Any) -> str:
    module = type(X).__module__.partition(".")[0]
    return f"{module}.{type(X).__qualname__}".removeprefix("builtins.")


def _name(rows: Any) -> str:
    """Return the name of the file that rows are in; its folder is nobody's matter."""
    identity = rows.identity() if isinstance(rows, OnDisk) else None
    return Path(identity[0]).name if identity else "data"


def _types(rows: Any) -> dict[str, Any]:
    if not hasattr(rows, "columns"):
        return {"dtype": str(rows.dtype)}
    dtypes = list(rows.dtypes.items())[:_MOST_COLUMNS]
    return {"columns": {str(name): str(dtype) for name, dtype in dtypes}}


def _counts(labels: np.ndarray[Any, Any]) -> dict[str, Any]:
    counts = Counter(labels.tolist())
    facts: dict[str, Any] = {"n_classes": len(counts)}
    if len(counts) <= _MOST_CLASSES:
        named = sorted((describe(label), count) for label, count in counts.items())
        return facts | {"classes": dict(named)}
    return facts | {"rarest_class": min(counts.values()), "largest_class": max(counts.values())}


def _extent(values: np.ndarray[Any, Any]) -> dict[str, float]:
    if values.dtype.kind not in "biuf" or not values.size:
        return {}
    numbers = values.astype(np.float64)
    extent = {"min": numbers.min(), "mean": numbers.mean(), "max": numbers.max()}
    return {name: float(number) for name, number in extent.items() if math.isfinite(number)}
