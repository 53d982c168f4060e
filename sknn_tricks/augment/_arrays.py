"""Images of any kind as floats, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks._messages import message


class Images:
    """Images as they were given, to be read and written as floats, some at a time.

    Parameters
    ----------
    images : array-like or Tensor of shape (N, ...)

    Attributes
    ----------
    shape : tuple of int
    of_bytes : bool
        Whether they are bytes, which as floats are in [0, 1].

    Raises
    ------
    ValueError
        If they are no numbers.
    """

    def __init__(self, images: Any) -> None:
        array = None if isinstance(images, Tensor) else _numbers(images)
        rows = images if array is None else torch.from_numpy(_known(array))
        _check_real(rows.dtype, rows.is_complex())
        self._rows, self._new = rows, torch.empty_like(rows)
        self._dtype = None if array is None else array.dtype
        self.shape = tuple(rows.shape)
        self.of_bytes = rows.dtype == torch.uint8

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, some: slice) -> Tensor:
        images = self._rows[some].to(_wide(self._rows.dtype), copy=True)
        return images.div_(255) if self.of_bytes else images

    def __setitem__(self, some: slice, images: Tensor) -> None:
        if self.of_bytes:
            images = images * 255
        if not self._new.is_floating_point():
            images = images.round().clamp(*_bounds(self._new.dtype))
        self._new[some] = images.to(self._new.dtype)

    def result(self) -> Any:
        """Return the images that were written, as they were given."""
        if self._dtype is None:
            return self._new
        return self._new.numpy().astype(self._dtype, copy=False)


def _wide(dtype: torch.dtype) -> torch.dtype:
    """Return floats that have all numbers of a dtype, or the nearest to that."""
    narrow = dtype.itemsize <= 2 or (dtype.is_floating_point and dtype.itemsize == 4)
    return torch.float32 if narrow else torch.float64


def _bounds(dtype: torch.dtype) -> tuple[float, float]:
    """Return the lowest and the highest whole number of a dtype, as floats that are within."""
    if dtype == torch.bool:
        return 0.0, 1.0
    info = torch.iinfo(dtype)
    high = float(info.max)
    return float(info.min), math.nextafter(high, 0) if high > info.max else high


def _numbers(images: Any) -> NDArray[Any]:
    """Return images as an array of real numbers."""
    array = np.asarray(images)
    _check_real(array.dtype, array.dtype.kind not in "biuf")
    return array


def _known(array: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as torch takes them."""
    is_long = array.dtype.kind == "f" and array.dtype.itemsize > 8
    dtype = np.dtype(np.float64) if is_long else array.dtype.newbyteorder("=")
    return np.require(array, dtype, ["C", "W"])


def _check_real(dtype: Any, is_other: bool) -> None:
    if is_other:
        raise ValueError(
            message(
                "These images are no numbers",
                expected="bytes (uint8), or other real numbers",
                got=f"an array of {dtype}",
                todo="Give an array of shape (N, H, W), (N, H, W, C) or (N, C, H, W)",
            )
        )
