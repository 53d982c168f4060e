"""Training data: whole batches sliced by index, never row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor

from sknn_tricks.fused._sources import Source
from sknn_tricks.fused._windows import Windows, draw_order


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
    """

    weight: Tensor | None
    blend: Blend | None

    def __new__(
        cls, x: Tensor, target: Tensor | None, weight: Tensor | None, blend: Blend | None = None
    ) -> Self:
        batch = super().__new__(cls, (x, target))
        batch.weight, batch.blend = weight, blend
        return batch


@dataclass
class Rows:
    """Rows to train on, validate on or predict.

    Parameters
    ----------
    x : Tensor or Source of shape (N, ...)
        In memory or not; the others always are.
    target : Tensor of shape (N,) or (N, O), or None
    weight : Tensor of shape (N,) or None
        Row weights, of mean 1.
    """

    x: Tensor | Source
    target: Tensor | None = None
    weight: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def on_disk(self) -> bool:
        """Whether x is read as it is needed."""
        return isinstance(self.x, Source)

    @property
    def can_travel(self) -> bool:
        """Whether another process can have the rows too."""
        return not isinstance(self.x, Source) or self.x.rows.can_travel

    def take(self, index: Tensor | slice) -> Batch:
        """Return the rows of that index."""
        target = None if self.target is None else _pick(self.target, index)
        weight = None if self.weight is None else _pick(self.weight, index)
        return Batch(_pick(self.x, index), target, weight)


def _pick(x: Tensor | Source, index: Tensor | slice) -> Tensor:
    if isinstance(index, slice):
        return x[index]
    assert isinstance(x, Tensor)
    return x.index_select(0, index)  # about five times as fast as x[index]


class Order(Protocol):
    """Draws orders of rows."""

    generator: torch.Generator

    def draw(self, epoch: int) -> Tensor:
        """Return the numbers of the rows of an epoch."""


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
        order = self.orders.draw(epoch)
        for index in order.to(x.device).split(self.sizes):
            yield self.rows.take(index)

    def _of_source(self, source: Source) -> Iterator[Batch]:
        windows = Windows(source, draw_order(self.orders.generator))
        for size in self.sizes:
            x = torch.empty(size, *source.shape[1:], dtype=source.dtype)
            index = windows.take(x.flatten(1)).to(source.device)
            target, weight = (
                None if each is None else _pick(each, index)
                for each in (self.rows.target, self.rows.weight)
            )
            yield Batch(x.to(source.device), target, weight)


class OrderedBatches:
    """Iterates over the rows in their order, in batches that share the rows' memory."""

    def __init__(self, rows: Rows, batch_size: int) -> None:
        self.rows = rows
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self.rows), self.batch_size):
            yield self.rows.take(slice(start, start + self.batch_size))


def in_order(rows: Rows, batch_size: int) -> Iterator[Tensor]:
    """Yield x in the order of the rows, in batches as large as those of an epoch, to be kept."""
    start = 0
    for size in batch_sizes(len(rows), batch_size):
        yield rows.x[start : start + size].clone()
        start += size


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
