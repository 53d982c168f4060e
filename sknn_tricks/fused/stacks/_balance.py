"""What the members of a stack multiply the weights of rows with, by their classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sknn_tricks.fused._job import Job


class ClassFactors:
    """The members' factors of the classes; each member's set in with an epoch of its own.

    Parameters
    ----------
    factors : Tensor of shape (K, O)
    start : Tensor of int64, shape (K,)
        The epochs, from 0.

    Attributes
    ----------
    now : Tensor of shape (K, O)
        Those of this epoch.
    """

    def __init__(self, factors: Tensor, start: Tensor) -> None:
        self._factors, self._start = factors, start
        self.now = factors

    def begin_epoch(self, epoch: int) -> None:
        """Settle the factors of an epoch."""
        self.now = self._factors.where(self._start[:, None] <= epoch, 1.0)

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self._factors, self._start, self.now = (
            each[index] for each in (self._factors, self._start, self.now)
        )


def class_factors(jobs: Sequence[Job]) -> ClassFactors | None:
    """Return the factors of the members' classes, or None if nobody has any."""
    if all(job.balance.factors is None for job in jobs):
        return None
    one = (1.0,) * jobs[0].n_outputs
    factors = [job.balance.factors or one for job in jobs]
    start = torch.tensor([job.balance.start for job in jobs])
    return ClassFactors(torch.tensor(factors, dtype=jobs[0].dtype), start)
