"""The members' mean losses of an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from sknn_tricks.fused.stacks._batches import StackBatch


class KeptLosses:
    """Keeps every row's loss until the epoch is over: fastest where the rows are in memory too.

    Parameters
    ----------
    n_rows : sequence of int
        Rows of each member.
    dtype : torch.dtype
    """

    def __init__(self, n_rows: Sequence[int], dtype: torch.dtype) -> None:
        self._n_rows = n_rows
        self._losses = torch.zeros(len(n_rows), max(n_rows), dtype=dtype)

    def add(self, batch: StackBatch, loss: Tensor) -> None:
        """Take the losses (K, N) of a batch."""
        self._losses[batch.members, batch.start : batch.start + loss.shape[1]].copy_(loss)

    def means(self) -> list[float]:
        """Return the mean loss of each member."""
        return [
            loss[:n].double().mean().item()
            for loss, n in zip(self._losses, self._n_rows, strict=True)
        ]


class SummedLosses:
    """Adds losses up as they come: their number has no bound where rows are on the disk.

    Parameters
    ----------
    n_rows : sequence of int
        Rows of each member.
    """

    def __init__(self, n_rows: Sequence[int]) -> None:
        self._n_rows = torch.tensor(n_rows)
        self._sums = torch.zeros(len(n_rows), dtype=torch.float64)

    def add(self, batch: StackBatch, loss: Tensor) -> None:
        """Take the losses (K, N) of a batch."""
        self._sums[batch.members] += loss.sum(dim=1, dtype=torch.float64)

    def means(self) -> list[float]:
        """Return the mean loss of each member."""
        return (self._sums / self._n_rows).tolist()
