"""Rows of any data as words of 64 bits, equal if and only if the rows are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sknn_tricks._messages import message
from sknn_tricks.on_disk._on_disk import as_on_disk

Words = NDArray[np.uint64]

# Kinds of numpy's dtypes by what may be compared with what; equal values of these have equal
# bytes, but for -0.0 and the NaNs.
KINDS = {"numbers": "biufc", "texts": "US", "dates": "M", "durations": "m"}


class RowWords:
    """Rows as words, which are made as they are asked for.

    Parameters
    ----------
    data : ndarray, OnDisk or sparse array, of shape (N, ...)
    dtype : numpy.dtype
        To which the entries are cast.

    Attributes
    ----------
    width : int
        Words of a row.
    """

    def __init__(self, data: Any, dtype: np.dtype[Any]) -> None:
        self._data, self._dtype = data, dtype
        self.width = _to_words(np.empty((0, *data.shape[1:]), dtype)).shape[1]

    def __len__(self) -> int:
        return int(self._data.shape[0])

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Words:
        part = self._data[rows]
        part = part.toarray() if issparse(part) else np.asarray(part)
        return _to_words(part.astype(self._dtype, copy=False))


def row_words(sets: Sequence[Any]) -> list[RowWords]:
    """Return the rows of several sets as words that can be compared across the sets.

    Parameters
    ----------
    sets : sequence of array-likes, DataFrames, tensors, sparse arrays, memmaps or OnDisk
        Of shape (N, ...).

    Returns
    -------
    list of RowWords
        All of the same width.

    Raises
    ------
    ValueError
        If the sets are empty or cannot be compared.
    """
    tables = [hasattr(X, "iloc") for X in sets]
    if all(tables):
        arrays = _of_tables([X.to_frame() if X.ndim == 1 else X for X in sets])
    elif any(tables):
        raise ValueError(_not_alike("all sets as tables, or none", "some of each"))
    else:
        arrays = _of_arrays([as_array(X) for X in sets])
    if not all(array.shape[0] for array in arrays):
        raise ValueError(_no_rows())
    dtype = np.result_type(*(array.dtype for array in arrays))
    return [RowWords(array, dtype) for array in arrays]


def as_array(X: Any) -> Any:
    """Return data as an array, as OnDisk or as sparse rows.

    Parameters
    ----------
    X : array-like, tensor, sparse array, memmap or OnDisk, of shape (N, ...)

    Returns
    -------
    ndarray, OnDisk or sparse array of shape (N, ...)

    Raises
    ------
    ValueError
        If rows differ in length.
    """
    if hasattr(X, "detach"):
        tensor = X.detach().cpu()
        small = tensor.is_floating_point() and tensor.element_size() < 4
        return (tensor.float() if small else tensor).numpy()  # numpy has no bfloat16
    if issparse(X):
        return X.tocsr()
    if (rows := as_on_disk(X)) is not None:
        return rows
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise ValueError(_not_alike("rows of one length", str(error))) from error
    # In a list, the number 1 and the text "1" are not the same.
    return np.asarray(X, object) if array.dtype.kind in "US" and array is not X else array


def _of_arrays(arrays: list[Any]) -> list[Any]:
    """Return arrays whose entries can be compared by their bytes."""
    shapes = sorted({array.shape[1:] for array in arrays if array.ndim})
    if any(not array.ndim for array in arrays):
        raise ValueError(_not_alike("an array with rows", "a single value"))
    if len(shapes) > 1:
        raise ValueError(_not_alike("rows of one shape", " and ".join(map(str, shapes))))
    if _are_alike([array.dtype for array in arrays]):
        return arrays
    shape = (-1, *shapes[0])
    numbers = _numbered([np.asarray(array).astype(object).ravel() for array in arrays])
    return [each.reshape(shape) for each in numbers]


def _of_tables(tables: list[Any]) -> list[Any]:
    """Return each table as words, column by column: what numpy cannot compare is numbered."""
    names = list(tables[0].columns)
    for table in tables:
        if set(table.columns) != set(names) or len(table.columns) != len(names):
            differ = sorted(map(str, set(names) ^ set(table.columns)))
            raise ValueError(_not_alike("the same columns in all tables", f"{differ} in some"))
    if any(list(table.columns) != names for table in tables):
        tables = [table[names] for table in tables]
    found: list[list[Words]] = [[np.zeros((len(table), 0), np.uint64)] for table in tables]
    for i in range(len(names)):
        columns = _of_columns([table.iloc[:, i] for table in tables])
        dtype = np.result_type(*(column.dtype for column in columns))
        for words, column in zip(found, columns, strict=True):
            words.append(_to_words(column.astype(dtype, copy=False)))
    return [np.hstack(words) for words in found]


def _of_columns(columns: list[Any]) -> list[NDArray[Any]]:
    import pandas as pd

    dtypes = [column.dtype for column in columns]
    if all(isinstance(dtype, np.dtype) for dtype in dtypes) and _are_alike(dtypes):
        return [column.to_numpy() for column in columns]
    if len(set(dtypes)) == 1:
        values = columns[0] if len(columns) == 1 else pd.concat(columns)
        return np.split(_factorized(values), np.cumsum([len(each) for each in columns])[:-1])
    return _numbered([column.to_numpy(object) for column in columns])


def _numbered(arrays: list[NDArray[Any]]) -> list[NDArray[np.int64]]:
    """Give equal objects the same number, in all of the arrays."""
    ends = np.cumsum([len(array) for array in arrays])
    return np.split(_factorized(np.concatenate(arrays)), ends[:-1])


def _factorized(values: Any) -> NDArray[np.int64]:
    import pandas as pd

    try:
        return pd.factorize(values)[0]
    except TypeError as error:
        raise ValueError(_not_alike("entries that can be hashed", str(error))) from error


def _are_alike(dtypes: Sequence[np.dtype[Any]]) -> bool:
    """Whether entries of these types can be compared by their bytes, once of one type."""
    return any(all(dtype.kind in kinds for dtype in dtypes) for kinds in KINDS.values())


def _to_words(array: NDArray[Any]) -> Words:
    """Copy the rows of an array to words; what does not fill the last word is zero."""
    table = np.ascontiguousarray(array.reshape(len(array), math.prod(array.shape[1:])))
    if table.dtype.kind in "fc":
        table = _canonical(table)
    n_bytes = table.shape[1] * table.itemsize
    words = np.zeros((len(table), -(-n_bytes // 8)), np.uint64)
    words.view(np.uint8)[:, :n_bytes] = table.view(np.uint8)
    return words


def _canonical(table: NDArray[Any]) -> NDArray[Any]:
    """Return floats of which equal ones have equal bytes."""
    floats = table.view(table.real.dtype)
    if floats.itemsize > 8:  # whose last bytes mean nothing
        high = floats.astype(np.float64)
        with np.errstate(invalid="ignore"):
            floats = np.hstack([high, (floats - high).astype(np.float64)])
    floats = floats + floats.dtype.type(0)  # -0.0 becomes 0.0
    floats[np.isnan(floats)] = np.nan
    return floats


def _not_alike(expected: str, got: str) -> str:
    return message(
        "The rows cannot be compared",
        expected=expected,
        got=got,
        todo="Bring the data into one form",
    )


def _no_rows() -> str:
    return message(
        "There is nothing to compare",
        expected="at least one row in each set",
        got="none",
        todo="Check how the data were loaded",
    )
