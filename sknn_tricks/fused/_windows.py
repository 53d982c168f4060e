"""The order of rows that are not in memory."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks.fused._ahead import ahead
from sknn_tricks.fused._sources import Source, block_rows, window_rows
from sknn_tricks.on_disk import OnDisk


def draw_order(generator: torch.Generator) -> int:
    """Return the seed of an epoch's order."""
    return int(torch.randint(2**62, (), generator=generator))


class Windows:
    """The rows of one epoch in a random order, to be taken one after the other.

    Reading single rows at random would take far longer than training. So the blocks of rows that
    lie side by side come in a random order; some of them make a window, and the rows within a
    window are shuffled. Each row comes once. Of rows that lie anywhere, as files do, each order is
    as likely as another; a window of them is what is read at once, ahead of need if that can be.

    Parameters
    ----------
    source : Source of shape (N, ...)
    seed : int
        Of the order.
    width : int, default=None
        Numbers of a row, with zeros at its end. Default is as many as it has.
    """

    def __init__(self, source: Source, seed: int, width: int | None = None) -> None:
        self._source = source
        self._n_features = source.shape[1:].numel()
        self._generator = torch.Generator().manual_seed(seed)
        row_shape = tuple(source.shape[1:])
        rows, largest = source.rows, window_rows(row_shape)
        self._size = 1 if rows.scattered else block_rows(row_shape)
        blocks = torch.randperm(-(-len(source) // self._size), generator=self._generator)
        windows = blocks.split(largest // self._size)
        self._windows = iter(windows)
        self._gathered = ahead((partial(_gather, rows, w) for w in windows), rows.reads_ahead)
        n_rows = min(largest, len(source))
        self._memory = torch.zeros(n_rows, width or self._n_features, dtype=source.dtype)
        self._numbers = self._places = torch.empty(0, dtype=torch.int64)

    def take(self, memory: Tensor) -> Tensor:
        """Put the next rows into memory of shape (N, width), and return their numbers (N,)."""
        numbers: list[Tensor] = []
        start = 0
        while start < len(memory):
            if not len(self._places):
                self._read()
            places = self._places[: len(memory) - start]
            self._places = self._places[len(places) :]
            torch.index_select(self._memory, 0, places, out=memory[start : start + len(places)])
            numbers.append(self._numbers[places])
            start += len(places)
        return numbers[0] if len(numbers) == 1 else torch.cat(numbers)

    def _read(self) -> None:
        """Read the next window."""
        if self._source.rows.scattered:
            self._numbers, rows = next(self._gathered)
            self._places = torch.arange(len(rows))  # in a random order already
            memory = self._memory[: len(rows), : self._n_features]
            self._source.put(rows, memory, self._numbers.tolist())
            return
        start, numbers = 0, []
        for block in next(self._windows).sort().values.tolist():
            first = block * self._size
            n_rows = min(self._size, len(self._source) - first)
            self._source.fill(self._memory[start : start + n_rows, : self._n_features], first)
            numbers.append(torch.arange(first, first + n_rows))
            start += n_rows
        self._numbers = torch.cat(numbers)
        self._places = torch.randperm(start, generator=self._generator)


def _gather(rows: OnDisk, numbers: Tensor) -> tuple[Tensor, NDArray[Any]]:
    """Return the rows of a window that lie anywhere, with their numbers."""
    return numbers, rows.gather(numbers.numpy())
