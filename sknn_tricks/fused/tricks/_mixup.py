"""Mixup (Zhang et al., 2018): each row of a batch is blended with the one before it.

The order of the rows is random already, so any partner is as likely as another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused._rows import Batch, Blend
from sknn_tricks.fused.stacks._batches import StackBatch
from sknn_tricks.fused.stacks._stack import Stack
from sknn_tricks.fused.tricks._turns import Turns
from sknn_tricks.regularisation._mixup import draw_share


class Shares:
    """The shares of one net, one a batch.

    Parameters
    ----------
    job : Job
    stream : callable (purpose) -> int
        Seeds of the member's random streams.
    """

    def __init__(self, job: Job, stream: Stream) -> None:
        self._alpha, self._turns = job.mixup, Turns(job, stream)
        self._generator = np.random.Generator(np.random.SFC64(stream("mixup")))

    def draw(self) -> float | None:
        """Return the share of the next batch's own rows; None if it is left alone."""
        if self._turns.is_cutmix():
            return None
        return draw_share(self._alpha, self._generator)


class Mixup(Trick):
    """Shares drawn from one Beta distribution.

    Parameters
    ----------
    shares : Shares
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return the mixup of a job."""
        return cls(Shares(job, stream)) if job.mixup else None

    def on_batch(self, batch: Batch) -> Batch:
        """Return the blended rows."""
        if (share := self._shares.draw()) is None:
            return batch
        x, target = batch
        weight = None if batch.weight is None else batch.weight.roll(1, dims=0)
        blend = Blend(target.roll(1, dims=0), weight, share)
        return batch.changed(torch.lerp(x.roll(1, dims=0), x, share), blend)


class StackedMixup(StackedTrick):
    """Shares of each member's own.

    Parameters
    ----------
    shares : sequence of Shares or None
        None blends nothing.
    """

    def __init__(self, shares: Sequence[Shares | None]) -> None:
        self._shares = list(shares)
        self._memory: dict[torch.Size, Tensor] = {}

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return the mixup of the jobs."""
        if not any(job.mixup for job in jobs):
            return None
        each = zip(jobs, streams, strict=True)
        return cls([Shares(job, stream) if job.mixup else None for job, stream in each])

    def on_batch(self, batch: StackBatch) -> StackBatch:
        """Return the blended rows; those of a member without mixup are blended to themselves."""
        x, shares = batch.x, self._draw(batch.members)
        weight = None if batch.weight is None else batch.weight.roll(1, dims=1)
        share = torch.tensor(shares, dtype=x.dtype)[:, None]
        other = self._rows_before(x)
        x = torch.lerp(other, x, share[..., None], out=other)
        if batch.blend is not None:  # CutMix's, of the same rows: one of the two shares is 1
            share = share * batch.blend.share
        return replace(batch, x=x, blend=Blend(batch.target.roll(1, dims=1), weight, share))

    def _draw(self, members: slice) -> list[float]:
        drawn = [None if each is None else each.draw() for each in self._shares[members]]
        return [1.0 if share is None else share for share in drawn]

    def _rows_before(self, x: Tensor) -> Tensor:
        """Return for each row (K, N, D) the one before it, in memory that is used again."""
        if x.shape not in self._memory:
            self._memory[x.shape] = torch.empty_like(x)
        other = self._memory[x.shape]
        other[:, 1:] = x[:, :-1]
        other[:, 0] = x[:, -1]
        return other

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self._shares = [self._shares[k] for k in index.tolist()]
        self._memory = {}
