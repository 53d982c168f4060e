"""A digest of data: the same for the same rows, whatever machine or process looks at them."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sknn_tricks._row_words import as_array
from sknn_tricks.on_disk import OnDisk

Piece: TypeAlias = bytes | memoryview

# Data up to this size are read whole, which takes some tenths of a second.
READ_WHOLE = 256 * 2**20  # bytes
# Of larger data so many rows are read; fewer of those that may have to be unpacked.
ROWS, ROWS_TO_UNPACK = 1000, 100
# What the cache of a core holds; and blocks on the disk, which may have to be unpacked whole.
_AT_ONCE, _AT_ONCE_FROM_DISK = 2**20, 2**24  # bytes
# An object takes as long as so many bytes.
_BYTES_OF_OBJECT = 128
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Digest(NamedTuple):
    """A digest, and which rows it is of.

    Attributes
    ----------
    sha256 : str
        64 hexadecimal digits.
    rows : str
        ``"all"``, or how many.
    """

    sha256: str
    rows: str


def digest_of(data: Any) -> Digest:
    """Return a digest of rows: of their type, their shape, their values and their order.

    Data of more than 256 MB are told by 1000 of their rows, at equal distances; by 100 where rows
    are slices of an object such as an ``h5py.Dataset``.

    Parameters
    ----------
    data : array-like, DataFrame, Series, tensor, sparse array, memmap or OnDisk, of shape (N, ...)

    Returns
    -------
    Digest

    Raises
    ------
    ValueError
        If rows differ in length.

    Examples
    --------
    >>> digest_of([[1.0, 2.0]]) == digest_of(np.array([[1.0, 2.0]]))
    True
    >>> digest_of([[1.0, 2.0]]) == digest_of([[2.0, 1.0]])
    False
    """
    if hasattr(data, "iloc"):
        return _of_table(data.to_frame() if data.ndim == 1 else data)
    return _of_array(as_array(data))


def digest_of_splits(splits: Iterable[tuple[Any, Any]]) -> str:
    """Return a digest of folds: which rows each trains on and is tested on, in their order.

    Parameters
    ----------
    splits : iterable of (array of int or bool, array of int or bool)

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> digest_of_splits([([0, 1], [2])]) == digest_of_splits([([True, True, False], [2])])
    True
    >>> digest_of_splits([([0, 1], [2])]) == digest_of_splits([([1, 0], [2])])
    False
    """
    sha256 = hashlib.sha256()
    for fold in splits:
        for part in map(row_numbers, fold):
            sha256.update(len(part).to_bytes(8, "little"))
            sha256.update(part.astype("<i8").tobytes())
    return sha256.hexdigest()


def row_numbers(part: Any) -> NDArray[Any]:
    """Return the rows of one side of a split as numbers, also if it is a mask."""
    rows = np.asarray(part)
    return np.flatnonzero(rows) if rows.dtype.kind == "b" else rows.ravel()


def _of_table(table: Any) -> Digest:
    chosen = _choose(len(table), len(table) * sum(map(_width, table.dtypes)), ROWS)
    part = table if chosen is None else table.iloc[chosen]
    types = [[str(name), str(dtype)] for name, dtype in table.dtypes.items()]
    columns = (part.iloc[:, i] for i in range(part.shape[1]))
    return _digest([list(table.shape), types], chosen, map(_bytes_of_column, columns))


def _of_array(array: Any) -> Digest:
    n_rows = array.shape[0] if array.shape else 1
    unpacks = isinstance(array, OnDisk) and not array.can_travel
    chosen = _choose(n_rows, _n_bytes(array), ROWS_TO_UNPACK if unpacks else ROWS)
    part = array if chosen is None else array[chosen]
    pieces = _pieces_of_sparse(part) if issparse(part) else _pieces_of_array(part)
    return _digest([list(array.shape), array.dtype.str], chosen, pieces)


def _digest(header: Any, chosen: NDArray[Any] | None, pieces: Iterable[Piece]) -> Digest:
    rows = "all" if chosen is None else f"{len(chosen)} at equal distances"
    sha256 = hashlib.sha256(json.dumps([header, rows]).encode())
    for piece in pieces:
        sha256.update(piece)
    return Digest(sha256.hexdigest(), rows)


def _choose(n_rows: int, n_bytes: int, most: int) -> NDArray[Any] | None:
    """Return the rows to read of large data, None for all."""
    if n_bytes <= READ_WHOLE or n_rows < 2:
        return None
    bearable = max(READ_WHOLE * n_rows // n_bytes, 2)
    return np.unique(np.linspace(0, n_rows - 1, min(most, bearable)).astype(np.int64))


def _n_bytes(array: Any) -> int:
    if issparse(array):
        return int(array.data.nbytes + array.indices.nbytes)
    return math.prod(array.shape) * _width(array.dtype)


def _width(dtype: Any) -> int:
    plain = isinstance(dtype, np.dtype) and not dtype.hasobject
    return dtype.itemsize if plain else _BYTES_OF_OBJECT


def _pieces_of_array(array: Any) -> Iterator[Piece]:
    if not array.shape:
        yield _bytes_of(np.asarray(array))
        return
    at_once = _AT_ONCE_FROM_DISK if isinstance(array, OnDisk) else _AT_ONCE
    n_rows = max(at_once // max(math.prod(array.shape[1:]) * array.dtype.itemsize, 1), 1)
    for start in range(0, array.shape[0], n_rows):
        yield _bytes_of(np.asarray(array[start : start + n_rows]))


def _pieces_of_sparse(array: Any) -> Iterator[Piece]:
    if not array.has_canonical_format:
        array = array.copy()
        array.sum_duplicates()
    for part in (array.indptr, array.indices):
        yield part.astype("<i8").tobytes()
    yield _bytes_of(array.data)


def _bytes_of_column(column: Any) -> Piece:
    plain = isinstance(column.dtype, np.dtype)
    return _bytes_of(column.to_numpy() if plain else column.to_numpy(object))


def _bytes_of(array: NDArray[Any]) -> Piece:
    if not array.dtype.hasobject:
        return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    text = "\0".join(map(repr, array.ravel().tolist()))
    return _ADDRESS.sub("", text).encode("utf-8", "surrogatepass")
