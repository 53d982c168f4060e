"""The rows of K members: which of them make a batch, and the gathering of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import torch
from torch import Tensor

from sknn_tricks.fused._balance import Orders
from sknn_tricks.fused._rows import Blend, Rows, batch_sizes
from sknn_tricks.fused._sources import FlatSource, Source
from sknn_tricks.fused.stacks._epoch_losses import KeptLosses
from sknn_tricks.fused.stacks._layers import pad_last

# Different data up to this size are put together, so that one call gathers a step's rows.
POOLED_BYTES = 2**26


@dataclass(frozen=True)
class StackBatch:
    """A step's rows of some members.

    Parameters
    ----------
    x : Tensor of shape (K, N, D)
    target : Tensor of shape (K, N) or (K, N, O)
    weight : Tensor of shape (K, N) or None
    members : slice
        Which members these are.
    start : int
        How many of an epoch's rows came before.
    blend : Blend or None
        What was blended into the rows.
    index : Tensor of int64, shape (K, N), or None
        Numbers of the rows among those that each member trains on; see `Batch`.
    """

    x: Tensor
    target: Tensor
    weight: Tensor | None
    members: slice
    start: int
    blend: Blend | None = None
    index: Tensor | None = None


@dataclass(frozen=True)
class Part:
    """Steps that follow each other, of members with batches of one size.

    Parameters
    ----------
    members : slice
    size : int
        Rows of a batch, N.
    start : int
        How many of an epoch's rows come before.
    n_steps : int
    """

    members: slice
    size: int
    start: int
    n_steps: int


def epoch_parts(n_rows: Sequence[int], batch_size: int) -> list[Part]:
    """Return the steps of an epoch.

    Parameters
    ----------
    n_rows : sequence of int
        Rows of each member. Those with most full batches come first, equal numbers together.
    batch_size : int

    Returns
    -------
    list of Part
        Each member finds its own steps in their order. Full batches are shared by all who have
        them, last ones by those who have the same number of rows.

    Examples
    --------
    >>> for part in epoch_parts([10, 10, 9], 4): print(part)
    Part(members=slice(0, 3, None), size=4, start=0, n_steps=1)
    Part(members=slice(0, 2, None), size=4, start=4, n_steps=1)
    Part(members=slice(0, 2, None), size=2, start=8, n_steps=1)
    Part(members=slice(2, 3, None), size=5, start=4, n_steps=1)
    """
    sizes = [batch_sizes(n, batch_size) for n in n_rows]
    n_full = [each.count(batch_size) for each in sizes]
    parts = []
    for start, stop in pairwise(sorted({0, *n_full})):
        sharing = slice(0, sum(full > start for full in n_full))
        parts.append(Part(sharing, batch_size, start * batch_size, stop - start))
    for n, alike in groupby(range(len(n_rows)), key=lambda k: n_rows[k]):
        last = list(alike)
        size = n - n_full[last[0]] * batch_size
        if size:
            parts.append(Part(slice(last[0], last[-1] + 1), size, n - size, 1))
    return parts


def flat_x(rows: Rows) -> Tensor | FlatSource:
    """Return x (N, ...) as a stack takes it: floats, one axis of features, padded."""
    if isinstance(rows.x, Source):
        return FlatSource(rows.x)
    return pad_last(rows.floats(rows.x).reshape(len(rows), -1))


def flat(rows: Rows) -> Rows:
    """Return rows as a stack takes them: one axis of features, padded."""
    x, target = flat_x(rows), rows.target
    assert isinstance(x, Tensor)
    if target is not None and target.ndim == 2:
        target = pad_last(target)
    return Rows(x, target, rows.weight)


class Pool:
    """The rows of all members, each data set held once.

    Parameters
    ----------
    rows : sequence of Rows
        Of each member; those with the same data may be the same object.
    """

    def __init__(self, rows: Sequence[Rows]) -> None:
        weighted = any(each.weight is not None for each in rows)
        distinct = {id(each): each for each in rows}
        ready = {key: _weighted(flat(each), weighted) for key, each in distinct.items()}
        n_bytes = sum(each.x.nbytes for each in ready.values())
        if len(ready) > 1 and n_bytes <= POOLED_BYTES:
            starts, start = {}, 0
            for key, each in ready.items():
                starts[key] = start
                start += len(each)
            self._sources = [(slice(0, len(rows)), _joined(list(ready.values())))]
            offset = [starts[id(each)] for each in rows]
        else:
            neighbours = groupby(range(len(rows)), key=lambda k: id(rows[k]))
            runs = [(key, list(run)) for key, run in neighbours]
            self._sources = [(slice(run[0], run[-1] + 1), ready[key]) for key, run in runs]
            offset = [0] * len(rows)
        self._offset = torch.tensor(offset)[:, None]
        self._memory: dict[torch.Size, dict[str, Tensor]] = {}

    def take(self, members: slice, index: Tensor) -> Rows:
        """Return each member's rows of its index (K, N), as (K, N, ...).

        They are valid until the next call: the memory is used again.
        """
        index = index + self._offset[members]
        held = self._memory.setdefault(index.shape, {})
        for run, source in self._sources:
            first, last = max(run.start, members.start), min(run.stop, members.stop)
            if first < last:
                part = slice(first - members.start, last - members.start)
                for name, tensor in zip(("x", "target", "weight"), source.parts, strict=True):
                    if isinstance(tensor, Tensor):
                        if name not in held:
                            held[name] = tensor.new_empty(*index.shape, *tensor.shape[1:])
                        out = held[name][part].flatten(0, 1)
                        torch.index_select(tensor, 0, index[part].flatten(), out=out)
        return Rows(held["x"], held["target"], held.get("weight"))


class StackBatches:
    """Iterates over the members' rows, each in its own order, new in each epoch.

    Parameters
    ----------
    rows : sequence of Rows
        Of each member, in the order that `epoch_parts` wants.
    batch_size : int
    orders : sequence of Orders
        Where each member's orders come from.
    """

    def __init__(self, rows: Sequence[Rows], batch_size: int, orders: Sequence[Orders]) -> None:
        self.n_rows = [len(each) for each in rows]
        self.parts = epoch_parts(self.n_rows, batch_size)
        self._orders = orders
        self._pool = Pool(rows)

    def losses(self, dtype: torch.dtype) -> KeptLosses:
        """Return what keeps the losses of an epoch."""
        return KeptLosses(self.n_rows, dtype)

    def epoch(self, number: int) -> Iterator[tuple[Part, Iterator[StackBatch]]]:
        """Yield each part of an epoch, whose number counts from 0, with its batches."""
        orders = torch.zeros(2, len(self.n_rows), max(self.n_rows), dtype=torch.int64)
        for k, (n_rows, drawn) in enumerate(zip(self.n_rows, self._orders, strict=True)):
            orders[0, k, :n_rows], orders[1, k, :n_rows] = drawn.draw_numbered(number)
        for part in self.parts:
            yield part, self._batches(part, *orders)

    def _batches(self, part: Part, orders: Tensor, numbers: Tensor) -> Iterator[StackBatch]:
        members, stop = part.members, part.start + part.n_steps * part.size
        for start in range(part.start, stop, part.size):
            step = slice(start, start + part.size)
            rows = self._pool.take(members, orders[members, step])
            assert isinstance(rows.x, Tensor)
            assert rows.target is not None
            index = numbers[members, step]
            yield StackBatch(rows.x, rows.target, rows.weight, members, start, index=index)


def _weighted(rows: Rows, weighted: bool) -> Rows:
    """Give rows the weight 1 if others have weights."""
    if rows.weight is None and weighted:
        return Rows(rows.x, rows.target, torch.ones(len(rows), dtype=rows.x.dtype))
    return rows


def _joined(rows: Sequence[Rows]) -> Rows:
    x, target = (torch.cat([getattr(each, name) for each in rows]) for name in ("x", "target"))
    weights = [each.weight for each in rows if each.weight is not None]
    return Rows(x, target, torch.cat(weights) if weights else None)
