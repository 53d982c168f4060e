"""Rows on the disk as tensors in the precision of a net."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks._messages import message
from sknn_tricks._padding import padded
from sknn_tricks.fused._bytes import MOST, check_shares
from sknn_tricks.on_disk import OnDisk

# Numbers in a block, as a stack pads its rows, and blocks in a window: a block is what is read at
# once, among the rows of a window the order is random. They are the same on every machine, or the
# bits of a net would not be.
BLOCK_NUMBERS = 2**16
WINDOW_BLOCKS = 64


def block_rows(row_shape: tuple[int, ...]) -> int:
    """Return how many rows of that shape make a block.

    Examples
    --------
    >>> block_rows((60,)), block_rows((3, 224, 224))
    (1024, 1)
    """
    return max(BLOCK_NUMBERS // padded(max(math.prod(row_shape), 1)), 1)


def window_rows(row_shape: tuple[int, ...]) -> int:
    """Return how many rows of that shape make a window; data of no more are held in memory."""
    return WINDOW_BLOCKS * block_rows(row_shape)


class Source:
    """Rows that are not in memory; a slice of it is a tensor, read at that moment.

    Parameters
    ----------
    rows : OnDisk of shape (N, ...)
    dtype : torch.dtype
    device : torch.device, default=CPU
    of_bytes : bool, default=False
        Whether integers are bytes, to be shares of 255.
    """

    def __init__(
        self,
        rows: OnDisk,
        dtype: torch.dtype,
        device: torch.device | str = "cpu",
        of_bytes: bool = False,
    ) -> None:
        self.rows = rows
        self.dtype = dtype
        self.device = torch.device(device)
        self.of_bytes = of_bytes

    @property
    def shape(self) -> torch.Size:
        """Number of rows, and shape of one."""
        return torch.Size(self.rows.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return self.rows.nbytes

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: slice) -> Tensor:
        """Read rows that follow each other."""
        start, stop, step = key.indices(len(self))
        assert step == 1
        x = torch.empty(max(stop - start, 0), *self.shape[1:], dtype=self.dtype)
        self.fill(x.flatten(1), start)
        return x.to(self.device)

    def fill(self, memory: Tensor, start: int) -> None:
        """Read rows into memory of shape (N, D), as many as there is room for.

        Raises
        ------
        ValueError
            If one of them holds NaN or infinity in this precision, or they are no bytes.
        """
        block = self.rows.read(start, start + len(memory))
        self.put(block, memory, range(start, start + len(memory)))

    def put(self, block: NDArray[Any], memory: Tensor, numbers: Sequence[int]) -> None:
        """Put rows of these numbers that were read into memory of shape (N, D), as `fill` does."""
        if self.of_bytes:
            check_shares(block)
        with np.errstate(over="ignore"):  # what is too large is infinite, and refused as such
            np.copyto(memory.numpy(), block.reshape(memory.shape), casting="unsafe")
        if block.dtype.kind in "biu":
            if self.of_bytes and block.dtype.kind != "b":
                memory.div_(MOST)
        elif not memory.sum().isfinite():
            self._refuse(memory, numbers)

    def _refuse(self, memory: Tensor, numbers: Sequence[int]) -> None:
        """Raise if a number is not finite; a sum may be infinite without that."""
        finite = memory.isfinite().all(dim=1)
        if not finite.all():
            bad = int(finite.logical_not().nonzero()[0])
            [value, *_] = memory[bad][memory[bad].isfinite().logical_not()].tolist()
            raise ValueError(_not_finite(self.rows.number(numbers[bad]), value, self.dtype))

    def is_same(self, other: Source) -> bool:
        """Whether others are the same rows in the same precision."""
        kinds = [(each.dtype, each.device, each.of_bytes) for each in (self, other)]
        return kinds[0] == kinds[1] and self.rows.is_same(other.rows)

    def identity(self) -> list[Any] | None:
        """Return plain values that no other rows have, or None if nothing identifies these.

        Of rows in a file: its path, size and time of change, where in it they are, and which.
        """
        rows = self.rows.identity()
        return None if rows is None else [*rows, str(self.dtype), *["bytes"] * self.of_bytes]


class FlatSource:
    """The rows of a source as a stack takes them: one axis of features, padded with zeros.

    Parameters
    ----------
    source : Source
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.n_features = source.shape[1:].numel()

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, key: slice) -> Tensor:
        """Read rows that follow each other."""
        start, stop, _ = key.indices(len(self))
        x = torch.zeros(stop - start, padded(self.n_features), dtype=self.source.dtype)
        self.source.fill(x[:, : self.n_features], start)
        return x


def _not_finite(number: int, value: float, dtype: torch.dtype) -> str:
    return message(
        f"Row {number} of the data on the disk holds a number that is not finite",
        expected=f"finite numbers of {str(dtype).removeprefix('torch.')}",
        got=f"{value}",
        todo="Leave such rows out, or impute them",
    )
