"""Training data: whole batches sliced by index, never row by row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol, Self

import torch
from torch import Tensor

from sknn_tricks.fused._ahead import ahead
from sknn_tricks.fused._bytes import shares
from sknn_tricks.fused._sources import Source
from sknn_tricks.fused._windows import Windows, draw_order

# Rows of a batch without gradients, whose activations stay in the cache. Of rows with two or more
# axes, which may be images: as many as have so many numbers, for a layer makes many more of them.
PREDICT_BATCH = 2048
PREDICT_NUMBERS, FEWEST = 2**16, 16


@dataclass(frozen=True)
class Blend:
    """What was blended into the rows of a step: the loss is blended alike.

    Parameters
    ----------
    target : Tensor
        Of the rows that were blended in; of the shape of the batch's own.
    weight : Tensor or None
        Theirs.
    share : float, or Tensor of shape (K, 1)
        Of the batch's own rows, of each member's for K of them.
    """

    target: Tensor
    weight: Tensor | None
    share: float | Tensor


class Batch(tuple):
    """The pair (x, target) that skorch expects of a batch; the row weights ride along.

    Attributes
    ----------
    weight : Tensor of shape (N,) or None
    blend : Blend or None
    index : Tensor of int64, shape (N,), or None
        Numbers of the rows among those to train on; where a row comes several times in an epoch,
        each but one of these has as many more as there are rows. None where they come in their
        order.
    """

    weight: Tensor | None
    blend: Blend | None
    index: Tensor | None  # type: ignore[assignment]  # in place of the tuple's method

    def __new__(
        cls,
        x: Tensor,
        target: Tensor | None,
        weight: Tensor | None,
        blend: Blend | None = None,
        index: Tensor | None = None,
    ) -> Self:
        batch = super().__new__(cls, (x, target))
        batch.weight, batch.blend, batch.index = weight, blend, index
        return batch

    def changed(self, x: Tensor, blend: Blend | None = None) -> Self:
        """Return the batch with other rows, and with what was blended into them, if anything."""
        return type(self)(x, self[1], self.weight, blend or self.blend, self.index)


@dataclass
class Rows:
    """Rows to train on, validate on or predict.

    Parameters
    ----------
    x : Tensor or Source of shape (N, ...)
        In memory or not; the others always are. Bytes, uint8, are shares of 255 in a batch.
    target : Tensor of shape (N,) or (N, O), or None
    weight : Tensor of shape (N,) or None
        Row weights, of mean 1.
    dtype : torch.dtype, default=float32
        What bytes become in a batch.
    """

    x: Tensor | Source
    target: Tensor | None = None
    weight: Tensor | None = None
    dtype: torch.dtype = torch.float32

    def __len__(self) -> int:
        return len(self.x)

    @property
    def parts(self) -> tuple[Tensor | Source | None, ...]:
        """x, target and weight."""
        return self.x, self.target, self.weight

    @property
    def of_bytes(self) -> bool:
        """Whether bytes are shares of 255."""
        return self.x.of_bytes if isinstance(self.x, Source) else self.x.dtype == torch.uint8

    @property
    def on_disk(self) -> bool:
        """Whether x is read as it is needed."""
        return isinstance(self.x, Source)

    @property
    def can_travel(self) -> bool:
        """Whether another process can have the rows too."""
        return not isinstance(self.x, Source) or self.x.rows.can_travel

    def take(self, index: Tensor | slice, numbers: Tensor | None = None) -> Batch:
        """Return the rows of that index, which is by default their numbers in the batch too."""
        target = None if self.target is None else _pick(self.target, index)
        weight = None if self.weight is None else _pick(self.weight, index)
        if numbers is None and isinstance(index, Tensor):
            numbers = index
        return Batch(self.floats(_pick(self.x, index)), target, weight, index=numbers)

    def floats(self, x: Tensor) -> Tensor:
        """Return some of x as a net takes them."""
        return shares(x, self.dtype) if x.dtype == torch.uint8 else x


def _pick(x: Tensor | Source, index: Tensor | slice) -> Tensor:
    if isinstance(index, slice):
        return x[index]
    assert isinstance(x, Tensor)
    return x.index_select(0, index)  # about five times as fast as x[index]


class Order(Protocol):
    """Draws orders of rows."""

    generator: torch.Generator

    def draw_numbered(self, epoch: int) -> tuple[Tensor, Tensor]:
        """Return the rows of an epoch, and numbers that tell each time that one comes."""


class ShuffledBatches:
    """Iterates over the rows in a new order each time, in batches.

    A last batch of a single row joins the one before: BatchNorm can make nothing of one row.
    Any order is as likely as another for rows in memory; for others see `Windows`.

    Parameters
    ----------
    rows : Rows
    batch_size : int
    orders : Order
        Where the order of an epoch comes from.

    Attributes
    ----------
    epoch : int
        The number of the next epoch, from 0.
    """

    def __init__(self, rows: Rows, batch_size: int, orders: Order) -> None:
        self.rows = rows
        self.sizes = batch_sizes(len(rows), batch_size)
        self.orders = orders
        self.epoch = 0

    def __iter__(self) -> Iterator[Batch]:
        x, epoch = self.rows.x, self.epoch
        self.epoch += 1
        if isinstance(x, Source):
            yield from self._of_source(x)
            return
        drawn = (each.to(x.device).split(self.sizes) for each in self.orders.draw_numbered(epoch))
        for index, numbers in zip(*drawn, strict=True):
            yield self.rows.take(index, numbers)

    def _of_source(self, source: Source) -> Iterator[Batch]:
        windows = Windows(source, draw_order(self.orders.generator))
        for size in self.sizes:
            x = torch.empty(size, *source.shape[1:], dtype=source.dtype)
            index = windows.take(x.flatten(1)).to(source.device)
            target, weight = (
                None if each is None else _pick(each, index)
                for each in (self.rows.target, self.rows.weight)
            )
            yield Batch(x.to(source.device), target, weight, index=index)


class OrderedBatches:
    """Iterates over the rows in their order, in batches that share the rows' memory."""

    def __init__(self, rows: Rows, batch_size: int) -> None:
        self.rows = rows
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[Batch]:
        slices = (slice(i, i + self.batch_size) for i in range(0, len(self.rows), self.batch_size))
        in_thread = isinstance(self.rows.x, Source) and self.rows.x.rows.reads_ahead
        yield from ahead((partial(self.rows.take, each) for each in slices), in_thread)


def in_order(rows: Rows, batch_size: int) -> Iterator[Tensor]:
    """Yield x in the order of the rows, in batches as large as those of an epoch, to be kept."""
    start = 0
    for size in batch_sizes(len(rows), batch_size):
        x, _ = rows.take(slice(start, start + size))
        yield x.clone()
        start += size


def predict_batch(row_shape: tuple[int, ...]) -> int:
    """Return how many rows of that shape are computed at once without gradients.

    Examples
    --------
    >>> predict_batch((5000,)), predict_batch((28, 28)), predict_batch((3, 224, 224))
    (2048, 83, 16)
    """
    if len(row_shape) < 2:
        return PREDICT_BATCH
    held = PREDICT_NUMBERS // max(math.prod(row_shape), 1)
    return min(max(held, FEWEST), PREDICT_BATCH)


def batch_sizes(n_rows: int, batch_size: int) -> list[int]:
    """Return the size of each batch of an epoch.

    Examples
    --------
    >>> batch_sizes(10, 4), batch_sizes(9, 4), batch_sizes(1, 4)
    ([4, 4, 2], [4, 5], [1])
    """
    full, rest = divmod(n_rows, batch_size)
    sizes = [batch_size] * full + [rest] * (rest > 0)
    if len(sizes) > 1 and rest == 1:
        sizes[-2:] = [sizes[-2] + 1]
    return sizes
