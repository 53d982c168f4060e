"""Training data: whole batches sliced by index, never row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


class Batch(tuple):
    """The pair (x, target) that skorch expects of a batch; the row weights ride along.

    Attributes
    ----------
    weight : Tensor of shape (N,) or None
    """

    weight: Tensor | None

    def __new__(cls, x: Tensor, target: Tensor | None, weight: Tensor | None) -> Self:
        batch = super().__new__(cls, (x, target))
        batch.weight = weight
        return batch


@dataclass
class Rows:
    """Rows in memory, to train on, validate on or predict.

    Parameters
    ----------
    x : Tensor of shape (N, ...)
    target : Tensor of shape (N,) or (N, O), or None
    weight : Tensor of shape (N,) or None
        Row weights, of mean 1.
    """

    x: Tensor
    target: Tensor | None = None
    weight: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, index: Tensor | slice) -> Batch:
        """Return the rows of that index."""
        target = None if self.target is None else _pick(self.target, index)
        weight = None if self.weight is None else _pick(self.weight, index)
        return Batch(_pick(self.x, index), target, weight)


def _pick(tensor: Tensor, index: Tensor | slice) -> Tensor:
    # index_select is about five times as fast as tensor[index].
    return tensor[index] if isinstance(index, slice) else tensor.index_select(0, index)


class ShuffledBatches:
    """Iterates over the rows in a new order each time, in batches.

    A last batch of a single row joins the one before: BatchNorm can make nothing of one row.

    Parameters
    ----------
    rows : Rows
    batch_size : int
    generator : torch.Generator
        Where the orders come from; on the CPU.
    """

    def __init__(self, rows: Rows, batch_size: int, generator: torch.Generator) -> None:
        self.rows = rows
        self.sizes = batch_sizes(len(rows), batch_size)
        self.generator = generator

    def __iter__(self) -> Iterator[Batch]:
        order = torch.randperm(len(self.rows), generator=self.generator)
        for index in order.to(self.rows.x.device).split(self.sizes):
            yield self.rows.take(index)


class OrderedBatches:
    """Iterates over the rows in their order, in batches that share the rows' memory."""

    def __init__(self, rows: Rows, batch_size: int) -> None:
        self.rows = rows
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self.rows), self.batch_size):
            yield self.rows.take(slice(start, start + self.batch_size))


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
