"""The rows of K members that are not in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sknn_tricks._padding import padded
from sknn_tricks.fused._cpu import is_out_of_memory
from sknn_tricks.fused._rows import Rows
from sknn_tricks.fused._sources import Source
from sknn_tricks.fused._windows import Windows, draw_order
from sknn_tricks.fused.stacks._batches import Part, StackBatch, epoch_parts
from sknn_tricks.fused.stacks._epoch_losses import SummedLosses
from sknn_tricks.fused.stacks._layers import pad_last

if TYPE_CHECKING:
    from sknn_tricks.fused._member import Member

# Whose rows, and the seed of their order.
Key = tuple[int, int]


class Nothing:
    """What stands in for rows that cannot be read: their members leave after the epoch."""

    def take(self, memory: Tensor) -> Tensor:
        """Put zeros into memory of shape (N, width), and return as many zeros."""
        memory.zero_()
        return torch.zeros(len(memory), dtype=torch.int64)


class DiskBatches:
    """Iterates over the members' rows, each in its own order, new in each epoch.

    Members with the same rows and the same order share what is read. One whose rows cannot be
    read fails, and the others go on.

    Parameters
    ----------
    members : sequence of Member
        In the order that `epoch_parts` wants.
    batch_size : int
    """

    def __init__(self, members: Sequence[Member], batch_size: int) -> None:
        self._members = members
        self._rows = [member.job.train for member in members]
        self._weighted = any(rows.weight is not None for rows in self._rows)
        self.n_rows = [len(rows) for rows in self._rows]
        self.parts = epoch_parts(self.n_rows, batch_size)

    def losses(self, dtype: torch.dtype) -> SummedLosses:
        """Return what keeps the losses of an epoch."""
        return SummedLosses(self.n_rows)

    def epoch(self, number: int) -> Iterator[tuple[Part, Iterator[StackBatch]]]:
        """Yield each part of an epoch, with its batches."""
        self._keys: list[Key] = [
            (id(rows), draw_order(member.orders.generator))
            for rows, member in zip(self._rows, self._members, strict=True)
        ]
        rows_of = dict(zip(self._keys, self._rows, strict=True))
        self._streams: dict[Key, Windows | Nothing] = {
            key: _windows(rows, key[1]) for key, rows in rows_of.items()
        }
        for part in self.parts:
            yield part, self._batches(part)

    def _batches(self, part: Part) -> Iterator[StackBatch]:
        """Yield batches; the memory of one is that of the next."""
        rows, n_members = self._rows[part.members], part.members.stop - part.members.start
        x = torch.empty(n_members, part.size, _width(rows[0]), dtype=rows[0].x.dtype)
        for start in range(part.start, part.start + part.n_steps * part.size, part.size):
            index = self._read(self._keys[part.members], x)
            target = torch.stack([_targets(each, i) for each, i in zip(rows, index, strict=True)])
            weight = [_weights(each, i) for each, i in zip(rows, index, strict=True)]
            yield StackBatch(
                x,
                pad_last(target) if target.ndim == 3 else target,
                torch.stack(weight) if self._weighted else None,
                part.members,
                start,
                index=torch.stack(index),
            )

    def _read(self, keys: Sequence[Key], x: Tensor) -> list[Tensor]:
        """Put each member's next rows into memory (K, N, D); return their numbers (N,)."""
        taken: dict[Key, tuple[Tensor, Tensor]] = {}
        for key, memory in zip(keys, x, strict=True):
            if key in taken:
                memory.copy_(taken[key][0])
            else:
                taken[key] = memory, self._take(key, memory)
        return [taken[key][1] for key in keys]

    def _take(self, key: Key, memory: Tensor) -> Tensor:
        try:
            return self._streams[key].take(memory)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            self._fail(key, error)
            self._streams[key] = Nothing()
            return self._streams[key].take(memory)

    def _fail(self, key: Key, error: Exception) -> None:
        """End the members whose rows these are, and the training if there are no others."""
        for member, its_key in zip(self._members, self._keys, strict=True):
            if its_key == key:
                member.fail(error)
        if all(member.has_ended for member in self._members):
            raise error


def _windows(rows: Rows, seed: int) -> Windows:
    assert isinstance(rows.x, Source)
    return Windows(rows.x, seed, _width(rows))


def _width(rows: Rows) -> int:
    return padded(rows.x.shape[1:].numel())


def _targets(rows: Rows, index: Tensor) -> Tensor:
    assert rows.target is not None
    return rows.target.index_select(0, index)


def _weights(rows: Rows, index: Tensor) -> Tensor:
    if rows.weight is None:
        return torch.ones(len(index), dtype=rows.x.dtype)
    return rows.weight.index_select(0, index)
