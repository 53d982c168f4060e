"""How rows are read that are not in memory: from a file, or by slices of an object."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sknn_tricks._messages import message

# One thread at a time takes slices of objects: not every library knows of threads. An object may
# read from another one itself.
_SLICING = threading.RLock()
# joblib maps arrays for its processes; in memory they were and as such they count, or results
# would depend on n_jobs.
OF_JOBLIB = "joblib_memmapping_folder_"


@dataclass(frozen=True)
class FileRows:
    """Rows of an array in a file.

    They are read as files are: pages of a mapping would count as memory of the process.

    Parameters
    ----------
    path : str
    offset : int
        Byte at which the first row begins.
    shape : tuple of int
    strides : tuple of int
        In bytes; each row ends before the next one begins.
    dtype : numpy.dtype
    """

    path: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]

    can_travel = True
    scattered = reads_ahead = False

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return some rows that follow each other.

        Raises
        ------
        OSError
            If the file is gone, or shorter than it was.
        """
        shape = (stop - start, *self.shape[1:])
        n_bytes = _extent(shape, self.strides, self.dtype.itemsize)
        held = np.fromfile(
            self.path, np.uint8, n_bytes, offset=self.offset + start * self.strides[0]
        )
        if len(held) < n_bytes:
            raise OSError(_too_short(self.path, n_bytes, len(held)))
        return np.ndarray(shape, self.dtype, held.data, strides=self.strides)

    def is_same(self, other: Any) -> bool:
        """Whether others are the same rows."""
        return self == other

    def identity(self) -> list[Any] | None:
        """Return plain values that no other rows have; None if the file is gone."""
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        file = [os.path.realpath(self.path), status.st_size, status.st_mtime_ns]
        return [*file, self.offset, list(self.shape), list(self.strides), self.dtype.str]


@dataclass(frozen=True, eq=False)
class SlicedRows:
    """Rows of an object that gives them by slices.

    Parameters
    ----------
    data : object
        With ``shape``, ``dtype`` and ``data[start:stop]``.
    """

    data: Any

    can_travel = False
    scattered = reads_ahead = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, and shape of one."""
        return tuple(self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return np.dtype(self.data.dtype)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return some rows that follow each other."""
        with _SLICING:
            return np.asarray(self.data[start:stop])

    def is_same(self, other: Any) -> bool:
        """Whether others are the same rows."""
        return isinstance(other, SlicedRows) and other.data is self.data

    def identity(self) -> None:
        """Return None: nothing tells these rows from others for sure."""


def reader(data: Any) -> FileRows | SlicedRows:
    """Return what reads the rows of a memmap, or of anything else that can be sliced.

    Raises
    ------
    TypeError
        If `data` has no rows to be sliced.
    """
    if isinstance(data, np.ndarray):
        return _rows_of_file(data) or SlicedRows(data)
    if not can_be_sliced(data):
        raise TypeError(
            message(
                "The data cannot be read by rows",
                expected="a numpy.memmap, or an object with shape, dtype and slices of rows",
                got=type(data).__name__,
                todo="Map the file with numpy.load(path, mmap_mode='r') or numpy.memmap, or open "
                "it with h5py or zarr",
            )
        )
    return SlicedRows(data)


def is_mapped(array: NDArray[Any]) -> bool:
    """Whether an array is a numpy.memmap of the user's, or a view of one."""
    root = _root(array)
    return root is not None and not (
        root.filename is not None
        and any(part.startswith(OF_JOBLIB) for part in Path(root.filename).parts)
    )


def can_be_sliced(data: Any) -> bool:
    """Whether an object is like an array, but keeps its numbers elsewhere.

    What has ``__dlpack__`` has its numbers in memory; tables have ``iloc``.
    """
    if issparse(data) or hasattr(data, "__dlpack__") or hasattr(data, "iloc"):
        return False
    shape, dtype = getattr(data, "shape", None), getattr(data, "dtype", None)
    if not isinstance(shape, tuple) or not shape or dtype is None:
        return False
    try:
        np.dtype(dtype)
    except TypeError:
        return False
    return hasattr(data, "__getitem__")


def _root(array: Any) -> np.memmap[Any, Any] | None:
    """Return the memmap that an array is a view of."""
    root = None
    while array is not None and not isinstance(array, mmap.mmap):
        root = array if isinstance(array, np.memmap) else root
        array = getattr(array, "base", None)
    return None if array is None else root


def _rows_of_file(array: NDArray[Any]) -> FileRows | None:
    """Return the rows of a mapped array; None if they cannot be read from the file."""
    root = _root(array)
    # A file does not know of what was written to a map of the mode "c".
    if root is None or root.filename is None or root.mode == "c" or not array.size:
        return None
    if _extent(array.shape[1:], array.strides[1:], array.itemsize) > array.strides[0]:
        return None
    if root.mode != "r":
        root.flush()
    offset = root.offset + array.ctypes.data - root.ctypes.data
    path = os.path.abspath(root.filename)
    rows = FileRows(path, offset, array.shape, array.strides, array.dtype)
    return rows if _are_those_of(rows, array) else None


def _are_those_of(rows: FileRows, array: NDArray[Any]) -> bool:
    """Look at the first and the last row: the file of that name may be another one by now."""
    try:
        return all(
            rows.read(i, i + 1).tobytes() == array[i : i + 1].tobytes() for i in (0, len(array) - 1)
        )
    except OSError:
        return False


def _extent(shape: Sequence[int], strides: Sequence[int], itemsize: int) -> int:
    """Return how many bytes an array reaches over, more than there can be for negative strides."""
    if 0 in shape:
        return 0
    if any(stride < 0 for stride in strides):
        return 2**63
    return itemsize + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))


def _too_short(path: str, n_bytes: int, got: int) -> str:
    return message(
        f"The file {path} ends within the data",
        expected=f"{n_bytes} more bytes",
        got=f"{got}",
        todo="Let the file be until training is over",
    )
