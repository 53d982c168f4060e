"""Data that are larger than the memory, as scikit-learn may index them."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sknn_tricks._messages import message
from sknn_tricks.on_disk._image_files import ImageFiles
from sknn_tricks.on_disk._readers import FileRows, SlicedRows, can_be_sliced, is_mapped, reader

# Numbers between two wanted rows up to which they are read along, as another read takes longer;
# and numbers that are read at once so. Numbers that a function is given at once stay in a core's
# cache.
READ_ALONG, READ_AT_ONCE, MAP_AT_ONCE = 2**11, 2**18, 2**16


@dataclass(frozen=True, eq=False)
class RowMap:
    """What is done to rows when they have been read.

    Parameters
    ----------
    function : callable (ndarray (n, ...)) -> ndarray (n, *row_shape)
    row_shape : tuple of int
    dtype : numpy.dtype
    """

    function: Callable[[NDArray[Any]], NDArray[Any]]
    row_shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __call__(self, rows: NDArray[Any]) -> NDArray[Any]:
        changed = np.empty((len(rows), *self.row_shape), self.dtype)
        liked = getattr(self.function, "rows_at_once", 1)
        size = max(MAP_AT_ONCE // max(math.prod(rows.shape[1:]), 1), liked)
        with np.errstate(over="ignore"):  # too large for float32 is infinite there
            for start in range(0, len(rows), size):
                changed[start : start + size] = self.function(rows[start : start + size])
        return changed

    def identity(self) -> list[Any] | None:
        """Return plain values that no other map has, None if nothing identifies the function."""
        known = getattr(self.function, "identity", None)
        return None if known is None else [known(), list(self.row_shape), self.dtype.str]

    def is_same(self, other: RowMap) -> bool:
        """Whether another map does the same."""
        if self.function is other.function:
            return self.row_shape == other.row_shape and self.dtype == other.dtype
        return (known := self.identity()) is not None and known == other.identity()


class OnDisk:
    """Rows that stay where they are and are read as they are needed.

    `NetClassifier` and `NetRegressor` read them by blocks. So do the scalers and the `Whitener` of
    `sknn_tricks.preprocessing`, which give such rows back, to be changed when they are read. An
    index gives a part of the rows without reading any, so that searches and cross-validations
    copy nothing; of a bare ``numpy.memmap``, scikit-learn takes each fold into memory. Other
    estimators read all rows, as `numpy.asarray` does.

    Parameters
    ----------
    data : numpy.memmap, or object of shape (N, ...)
        A memmap, a view of one, or whatever has ``shape``, ``dtype`` and slices of rows, such as
        ``h5py.Dataset`` or ``zarr.Array``. A memmap whose rows lie one after the other is read
        from its file; it must stay as it is while a net is trained.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    ndim : int

    Notes
    -----
    A net is trained on these rows in another order than on an array's. Blocks of 65,536 numbers
    (of rows filled up to a multiple of 32) come in a random order; 64 of them make a window,
    whose rows are shuffled. Data of no more than one window are read into memory and give the
    same bits as an array. Targets and weights always are in memory. Images of bytes, uint8 of three
    or more axes, are shares of 255 to a net, as they are in memory; files of images come as
    `ImageFolder`.

    Examples
    --------
    >>> import tempfile
    >>> from sknn_tricks import NetClassifier, OnDisk
    >>> from sknn_tricks.model_selection import cross_val_score
    >>> y = np.arange(60) % 2
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     X = np.memmap(file, "float32", "w+", shape=(60, 4))
    ...     X[:] = y[:, None]
    ...     rows = OnDisk(X)
    ...     print(rows, rows[y == 1])
    ...     print(cross_val_score(NetClassifier(random_state=0), rows, y, cv=2))
    OnDisk(shape=(60, 4), dtype=float32) OnDisk(shape=(30, 4), dtype=float32)
    [1. 1.]
    """

    def __init__(self, data: Any) -> None:
        self._rows: FileRows | SlicedRows | ImageFiles = reader(data)
        self._numbers: range | NDArray[np.int64] = range(self._rows.shape[0])
        self._maps: tuple[RowMap, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, and shape of one."""
        row_shape = self._maps[-1].row_shape if self._maps else self._rows.shape[1:]
        return len(self._numbers), *row_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return self._maps[-1].dtype if self._maps else self._rows.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return 0 if isinstance(self._numbers, range) else self._numbers.nbytes

    @property
    def can_travel(self) -> bool:
        """Whether another process finds the rows too."""
        # Of other functions, nobody knows whether they can be pickled.
        return self._rows.can_travel and all(each.identity() is not None for each in self._maps)

    @property
    def scattered(self) -> bool:
        """Whether any row is read as fast as the next one."""
        return self._rows.scattered

    @property
    def reads_ahead(self) -> bool:
        """Whether other threads may read rows before they are needed."""
        return self._rows.reads_ahead

    def __len__(self) -> int:
        return len(self._numbers)

    def __repr__(self) -> str:
        return f"OnDisk(shape={self.shape}, dtype={self.dtype})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("Rows on the disk cannot become an array without a copy.")
        rows = np.asarray(self.read(0, len(self)), dtype=dtype)
        return rows.copy() if copy else rows

    def __getitem__(self, key: Any) -> Any:
        """Return one row as an array, or some of them without reading any.

        Parameters
        ----------
        key : int, slice, or array-like of int or bool
            Of the first axis; ``...`` may follow.

        Returns
        -------
        ndarray of shape (...) or OnDisk of shape (N, ...)
        """
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]
        if isinstance(key, Integral):
            number = int(self._numbers[int(key)])
            return self._mapped(self._rows.read(number, number + 1))[0]
        part = copy.copy(self)
        part._numbers = self._numbers[key] if isinstance(key, slice) else self._picked(key)
        return part

    def _picked(self, key: Any) -> NDArray[np.int64]:
        """Return the numbers of the rows of an index or mask."""
        index = np.arange(0) if isinstance(key, list) and not key else np.asarray(key)
        if isinstance(key, tuple) or index.ndim != 1 or index.dtype.kind not in "biu":
            raise IndexError(_no_index(key))
        if index.dtype.kind == "b":
            if len(index) != len(self):
                raise IndexError(_other_length(len(self), len(index)))
            index = np.flatnonzero(index)
        if isinstance(self._numbers, range):
            return _of_range(self._numbers, index.astype(np.int64, copy=False))
        return self._numbers[index]

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read some rows that follow each other.

        Parameters
        ----------
        start, stop : int

        Returns
        -------
        ndarray of shape (stop - start, ...)
        """
        numbers = self._numbers[start:stop]
        if isinstance(numbers, range) and numbers.step == 1:
            return self._mapped(self._rows.read(numbers.start, numbers.stop))
        return self._mapped(self._gathered(np.asarray(numbers, np.int64)))

    def gather(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        """Read rows of any places among these, of shape (len(numbers), ...)."""
        places = np.asarray(self._numbers, np.int64)[numbers]
        return self._mapped(self._gathered(places))

    def map(
        self,
        function: Callable[[NDArray[Any]], NDArray[Any]],
        row_shape: tuple[int, ...],
        dtype: DTypeLike,
    ) -> OnDisk:
        """Return the same rows, to be changed by a function whenever they are read.

        Parameters
        ----------
        function : callable (ndarray (n, ...)) -> ndarray (n, *row_shape)
            Of each row by itself: rows come in blocks of any size and order. It must not write to
            its argument; it may say in ``rows_at_once`` how many rows it likes to be given. One
            with a method ``identity``, which returns plain values that no other
            function has, must be picklable; such rows can go to other processes, and nets trained
            on them be found again in a cache.
        row_shape : tuple of int
            Shape of a changed row.
        dtype : dtype
            Type of its numbers.

        Returns
        -------
        OnDisk of shape (N, *row_shape)

        Examples
        --------
        >>> import numpy as np
        >>> from sknn_tricks import OnDisk
        >>> rows = OnDisk(np.arange(6, dtype="uint8").reshape(3, 2))
        >>> np.asarray(rows.map(lambda block: block / 2, (2,), "float32")[1:])
        array([[1. , 1.5],
               [2. , 2.5]], dtype=float32)
        """
        changed = copy.copy(self)
        changed._maps = (*self._maps, RowMap(function, tuple(row_shape), np.dtype(dtype)))
        return changed

    def _mapped(self, rows: NDArray[Any]) -> NDArray[Any]:
        for each in self._maps:
            rows = each(rows)
        return rows

    def _gathered(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        """Read rows anywhere, those that are not far apart at once."""
        if isinstance(self._rows, ImageFiles):
            return self._rows.gather(numbers)
        rows = np.empty((len(numbers), *self._rows.shape[1:]), self._rows.dtype)
        if not len(numbers):
            return rows
        order = np.argsort(numbers, kind="stable")
        for places in np.split(order, self._ends(numbers[order])):
            wanted = numbers[places]
            first = int(wanted[0])
            rows[places] = self._rows.read(first, int(wanted[-1]) + 1)[wanted - first]
        return rows

    def _ends(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where to cut ascending row numbers into reads."""
        n_features = max(math.prod(self._rows.shape[1:]), 1)
        too_far = (np.diff(numbers) - 1) * n_features > READ_ALONG
        too_many = np.diff(numbers // max(READ_AT_ONCE // n_features, 1)) > 0
        return np.flatnonzero(too_far | too_many) + 1

    def number(self, row: int) -> int:
        """Return the place of one of the rows among all those on the disk."""
        return int(self._numbers[row])

    def reading_order(self) -> NDArray[np.int64] | None:
        """Return the index that brings the rows into the order of the disk; None if they are."""
        if isinstance(self._numbers, range) and self._numbers.step > 0:
            return None
        numbers = np.asarray(self._numbers)
        return None if (numbers[:-1] <= numbers[1:]).all() else np.argsort(numbers, kind="stable")

    def is_same(self, other: OnDisk) -> bool:
        """Whether others are the same rows in the same order."""
        if not self._rows.is_same(other._rows) or len(self) != len(other):
            return False
        if len(self._maps) != len(other._maps) or not all(
            mine.is_same(its) for mine, its in zip(self._maps, other._maps, strict=True)
        ):
            return False
        return self._numbers is other._numbers or np.array_equal(self._numbers, other._numbers)

    def identity(self) -> list[Any] | None:
        """Return plain values that no other rows have, or None if nothing identifies these."""
        if (rows := self._rows.identity()) is None:
            return None
        for each in self._maps:
            if (changed := each.identity()) is None:
                return None
            rows = [*rows, changed]
        if isinstance(self._numbers, range):
            return [*rows, [self._numbers.start, len(self), self._numbers.step]]
        return [*rows, hashlib.blake2b(self._numbers.tobytes(), digest_size=32).hexdigest()]


def as_on_disk(X: Any) -> OnDisk | None:
    """Return data that need not be read whole as OnDisk, and None for what is in memory."""
    if isinstance(X, OnDisk):
        return X
    if isinstance(X, np.ndarray):
        # Other classes than these mean something by their numbers.
        return OnDisk(X) if type(X) in (np.ndarray, np.memmap) and is_mapped(X) else None
    return OnDisk(X) if can_be_sliced(X) else None


def check_numbers(rows: OnDisk) -> None:
    """Raise ValueError if rows are no numbers, or there are none."""
    if rows.dtype.kind not in "biuf":
        raise ValueError(
            message(
                "X on the disk does not hold numbers",
                expected="a dtype of bool, int or float",
                got=f"{rows.dtype}",
                todo="Write it anew as numbers",
            )
        )
    if rows.ndim < 2 or 0 in rows.shape:
        raise ValueError(
            message(
                "X on the disk has the wrong shape",
                expected="rows of at least one feature, (N, D) or (N, ...)",
                got=f"{rows.shape}",
                todo="Reshape it",
            )
        )


def _of_range(numbers: range, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the items of a range; the index itself where it says all, as folds share it."""
    if not len(index):
        return index
    if index.min() < -len(numbers) or index.max() >= len(numbers):
        raise IndexError(_out_of_range(index, len(numbers)))
    if index.min() < 0:
        index = np.where(index < 0, index + len(numbers), index)
    if numbers.start == 0 and numbers.step == 1:
        return index
    return numbers.start + index * numbers.step


def _no_index(key: Any) -> str:
    return message(
        "Rows on the disk cannot be indexed so",
        expected="an int, a slice, or a list of int or bool, for rows",
        got=repr(key) if isinstance(key, tuple) else type(key).__name__,
        todo="Take columns from the array itself, before OnDisk",
    )


def _other_length(n_rows: int, n_given: int) -> str:
    return message(
        "The mask has another length than the rows",
        expected=f"{n_rows}",
        got=f"{n_given}",
        todo="Give one bool for each row",
    )


def _out_of_range(index: NDArray[np.int64], n_rows: int) -> str:
    return message(
        "There is no such row",
        expected=f"numbers below {n_rows}",
        got=f"{index.min()} to {index.max()}",
        todo="Correct the index",
    )
