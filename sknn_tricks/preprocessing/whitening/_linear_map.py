"""A matrix times rows, as a step over rows of any kind."""

from __future__ import annotations

from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks.preprocessing.whitening._moments import Array


class LinearMap:
    """``(row - before) @ matrix + after`` of each flattened row, in float64.

    Parameters
    ----------
    matrix : ndarray of shape (D, n_outputs)
    row_shape : tuple of int
        Of the output.
    before : ndarray of shape (D,) or float, default=0.0
    after : ndarray of shape (n_outputs,) or float, default=0.0
    """

    def __init__(
        self,
        matrix: Array,
        row_shape: tuple[int, ...],
        before: Array | float = 0.0,
        after: Array | float = 0.0,
    ) -> None:
        self.matrix, self.row_shape = matrix, row_shape
        self.before, self.after = before, after
        # About half a megabyte, but enough rows to make use of a matrix that no cache holds.
        self.rows_at_once = max(256, 2**16 // len(matrix))

    def __call__(self, block: NDArray[Any]) -> Array:
        """Return the block (n, *row_shape) of a block (n, ...)."""
        centred = block.reshape(len(block), -1) - np.asarray(self.before, np.float64)
        return (centred @ self.matrix + self.after).reshape(len(block), *self.row_shape)

    def on_tensor(self, block: Tensor) -> Tensor:
        """Do the same on the tensor's device."""

        def there(array: Array | float) -> Tensor:
            return torch.as_tensor(array, dtype=torch.float64, device=block.device)

        centred = block.flatten(1).double() - there(self.before)
        out = centred @ there(self.matrix) + there(self.after)
        return out.reshape(len(block), *self.row_shape)

    def identity(self) -> list[Any]:
        """Return plain values that no other map has."""
        return ["linear", self._digest, list(self.row_shape)]

    @cached_property
    def _digest(self) -> str:
        digest = blake2b(digest_size=32)
        for part in (self.matrix, self.before, self.after):
            digest.update(repr(np.shape(part)).encode() + np.asarray(part, np.float64).tobytes())
        return digest.hexdigest()
