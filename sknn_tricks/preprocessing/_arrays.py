"""Rows of numbers in whatever holds them: numpy arrays, files, tensors of torch.

A transformer checks its input with `check_rows`, learns from `Rows.blocks` and gives the same
kind of data back with `Rows.map`. Rows are axis 0; a row may have any shape.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data
from torch import Tensor

from sknn_tricks._messages import message
from sknn_tricks.on_disk._on_disk import OnDisk, as_on_disk, check_numbers

# What float32 holds exactly is computed in float64 block by block and given back in float32.
SINGLE = tuple(map(np.dtype, ("float32", "float16", "uint8", "int8", "bool", "int16", "uint16")))
KEPT = (np.dtype(np.float64), *SINGLE)
# Numbers in a block: in float64 it stays in a core's cache. A device has more room.
BLOCK, DEVICE_BLOCK = 2**16, 2**24


class Step(Protocol):
    """What is done to each row by itself.

    It is pickled with the rows on the disk that it is to be done to. If it has a method
    ``on_tensor``, from tensor to tensor, tensors need not leave their device for it. It may say
    in ``rows_at_once`` how many rows it likes to be given.
    """

    def __call__(self, block: NDArray[Any]) -> NDArray[Any]:
        """Return the block (n, ...) changed, in any type; the input is left alone."""

    def identity(self) -> list[Any]:
        """Return plain values that no other step has."""


def output_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return float32 for what float32 holds exactly, else float64.

    Examples
    --------
    >>> output_dtype("uint8"), output_dtype("int32")
    (dtype('float32'), dtype('float64'))
    """
    single = np.dtype(dtype).newbyteorder("=") in SINGLE
    return np.dtype(np.float32 if single else np.float64)


def check_rows(
    X: Any,
    *,
    estimator: Any = None,
    reset: bool = False,
    row_shape: tuple[int, ...] | None = None,
    allow_nan: bool = False,
    min_rows: int = 1,
) -> Rows:
    """Check data, and wrap them by what they are.

    Parameters
    ----------
    X : array-like, numpy.memmap, OnDisk or Tensor of shape (N, ...)
        Of at least two axes. An array in memory is checked by scikit-learn's ``validate_data``
        and keeps its type if that is one of `KEPT`, else becomes float64. Of tensors and of rows
        that are not in memory, the numbers are looked at when they are read.
    estimator : estimator, default=None
        Whose names and number of features are learned or checked, None for neither.
    reset : bool, default=False
        Whether to learn them.
    row_shape : tuple of int, default=None
        What shape a row must have, None for any.
    allow_nan : bool, default=False
        Infinity is refused always.
    min_rows : int, default=1

    Returns
    -------
    Rows

    Raises
    ------
    TypeError, ValueError
        If these are no rows of numbers, or not those that are expected.
    """
    if isinstance(X, Tensor):
        rows: Rows = TensorRows(_checked_tensor(X), allow_nan)
    elif (on_disk := as_on_disk(X)) is not None:
        check_numbers(on_disk)
        rows = DiskRows(on_disk, isinstance(X, OnDisk), allow_nan)
    else:
        settings = {
            "dtype": list(KEPT),
            "allow_nd": True,
            "ensure_all_finite": "allow-nan" if allow_nan else True,
            "ensure_min_samples": min_rows,
        }
        return ArrayRows(_validated(X, estimator, reset, row_shape, settings))
    _check_length(rows, min_rows)
    _check_row_shape(rows.shape, row_shape)
    if estimator is not None:
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    return rows


class Rows(ABC):
    """Checked rows of shape (N, ...).

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        Of what is read; of bfloat16 tensors float32.
    in_memory : bool
        Whether all rows may be read at once.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    in_memory: bool

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return self.shape[1:]

    @abstractmethod
    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return some rows that follow each other, (stop - start, ...), not to be written to.

        Raises
        ------
        ValueError
            If there is a number among them that is not finite, or not allowed to be NaN.
        """

    @abstractmethod
    def map(self, step: Step, row_shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """Return the rows after a step, as what the input was.

        A memmap gives an array in memory, `OnDisk` gives `OnDisk`: its rows are read and changed
        when they are needed.

        Parameters
        ----------
        step : Step
        row_shape : tuple of int
            Of the step's output.
        dtype : dtype
            What its output becomes.

        Returns
        -------
        ndarray, OnDisk or Tensor of shape (N, *row_shape)
        """

    def blocks(
        self, dtype: DTypeLike | None = None, n_rows: int | None = None
    ) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Read all rows, some at a time.

        Parameters
        ----------
        dtype : dtype, default=None
            Default is that of the data.
        n_rows : int, default=None
            Rows in a block. Default is about `BLOCK` numbers.

        Yields
        ------
        rows : slice
        block : ndarray of shape (n, ...)
            Not to be written to.
        """
        for rows in self._slices(n_rows, BLOCK):
            block = self.read(rows.start, rows.stop)
            yield rows, block if dtype is None else block.astype(dtype, copy=False)

    def _slices(self, n_rows: int | None, n_numbers: int) -> Iterator[slice]:
        size = n_rows or max(n_numbers // max(math.prod(self.row_shape), 1), 1)
        for start in range(0, len(self), size):
            yield slice(start, min(start + size, len(self)))

    def _to_array(self, step: Step, out: NDArray[Any]) -> None:
        with np.errstate(over="ignore"):  # too large for float32 is infinite there
            for rows, block in self.blocks(n_rows=getattr(step, "rows_at_once", None)):
                out[rows] = step(block)


class ArrayRows(Rows):
    """Rows of an array that scikit-learn has checked."""

    in_memory = True

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self.shape, self.dtype = array.shape, array.dtype

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return a view of some rows."""
        return self.array[start:stop]

    def map(self, step: Step, row_shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array."""
        out = np.empty((len(self), *row_shape), dtype)
        self._to_array(step, out)
        return out


class DiskRows(Rows):
    """Rows that are not in memory."""

    in_memory = False

    def __init__(self, on_disk: OnDisk, lazy: bool, allow_nan: bool) -> None:
        self.on_disk = on_disk
        self.shape, self.dtype = on_disk.shape, on_disk.dtype
        self._lazy, self._allow_nan = lazy, allow_nan

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read some rows."""
        block = self.on_disk.read(start, stop)
        _check_finite(block, start, self._allow_nan)
        return block

    def map(self, step: Step, row_shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """Return OnDisk for OnDisk, else an array."""
        if self._lazy:
            return self.on_disk.map(step, row_shape, dtype)
        out = np.empty((len(self), *row_shape), dtype)
        self._to_array(step, out)
        return out


class TensorRows(Rows):
    """Rows of a tensor on any device."""

    in_memory = True

    def __init__(self, tensor: Tensor, allow_nan: bool) -> None:
        self.tensor = tensor
        self.shape = tuple(tensor.shape)
        self.dtype = np.dtype(str(_numpy_like(tensor[:0]).dtype).removeprefix("torch."))
        self._allow_nan = allow_nan

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return a view of some rows, a copy if they are on another device."""
        block = _numpy_like(self.tensor[start:stop]).cpu().numpy()
        _check_finite(block, start, self._allow_nan)
        return block

    def map(self, step: Step, row_shape: tuple[int, ...], dtype: DTypeLike) -> Tensor:
        """Return a tensor on the same device."""
        of_torch = getattr(torch, np.dtype(dtype).name)
        device = self.tensor.device
        if device.type not in ("cpu", "mps") and hasattr(step, "on_tensor"):
            out = torch.empty(len(self), *row_shape, dtype=of_torch, device=device)
            for rows in self._slices(None, DEVICE_BLOCK):
                out[rows] = step.on_tensor(self.tensor[rows])
            return out
        out = torch.empty(len(self), *row_shape, dtype=of_torch)
        self._to_array(step, out.numpy())
        return out.to(device)


def _validated(
    X: Any,
    estimator: Any,
    reset: bool,
    row_shape: tuple[int, ...] | None,
    settings: dict[str, Any],
) -> NDArray[Any]:
    """Check an array; two tables are compared by scikit-learn, in its own words."""
    is_table = getattr(X, "ndim", 2) == 2 and (row_shape is None or len(row_shape) == 1)
    if estimator is not None and is_table:
        array = validate_data(estimator, X, reset=reset, **settings)
        _check_row_shape(array.shape, row_shape)
        return array
    array = check_array(X, estimator=estimator, input_name="X", **settings)
    _check_row_shape(array.shape, row_shape)
    if estimator is not None:
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    return array


def _numpy_like(tensor: Tensor) -> Tensor:
    """Return a tensor of a type that numpy has too."""
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor


def _checked_tensor(X: Tensor) -> Tensor:
    numbers = not (X.is_complex() or X.is_quantized) and X.layout == torch.strided
    if X.requires_grad or not numbers or X.ndim < 2 or 0 in X.shape[1:]:
        got = f"{X.dtype}, shape {tuple(X.shape)}, requires_grad={X.requires_grad}"
        raise ValueError(
            message(
                "X is a tensor that cannot be transformed",
                expected="dense rows of numbers, (N, D) or (N, ...), without gradient",
                got=got if X.layout == torch.strided else f"{X.layout}",
                todo="Reshape it, or use X.detach() or X.to_dense()",
            )
        )
    return X


def _check_length(rows: Rows, min_rows: int) -> None:
    if len(rows) < min_rows:
        raise ValueError(
            message(
                "X has too few rows",
                expected=f"at least {min_rows}",
                got=f"{len(rows)}",
                todo="Give it more data",
            )
        )


def _check_row_shape(shape: tuple[int, ...], row_shape: tuple[int, ...] | None) -> None:
    if row_shape is not None and shape[1:] != row_shape:
        raise ValueError(
            message(
                "The rows of X have another shape than those of fit",
                expected=f"{row_shape}",
                got=f"{shape[1:]}",
                todo="Reshape X, or fit again",
            )
        )


def _check_finite(block: NDArray[Any], start: int, allow_nan: bool) -> None:
    """Raise if a number is infinite, or NaN where that is not allowed."""
    if block.dtype.kind != "f":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(block.sum(dtype=np.float64)):
            return
    bad = np.isinf(block) if allow_nan else ~np.isfinite(block)
    if bad.any():
        row = int(np.flatnonzero(bad.reshape(len(block), -1).any(axis=1))[0])
        raise ValueError(
            message(
                f"Row {start + row} of X holds a number that is not finite",
                expected="finite numbers or NaN" if allow_nan else "finite numbers",
                got=f"{block[row][bad[row]][0]}",
                todo="Leave such rows out, or impute them",
            )
        )
