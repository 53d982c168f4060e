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
from sknn_tricks.regularisation._mixup import draw_share


class Mixup(Trick):
    """Shares drawn from one Beta distribution.

    Parameters
    ----------
    alpha : float
    generator : numpy.random.Generator
    """

    def __init__(self, alpha: float, generator: np.random.Generator) -> None:
        self._alpha, self._generator = alpha, generator

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return the mixup of a job."""
        return cls(job.mixup, _generator(stream)) if job.mixup else None

    def on_batch(self, batch: Batch) -> Batch:
        """Return the blended rows."""
        x, target = batch
        share = draw_share(self._alpha, self._generator)
        weight = None if batch.weight is None else batch.weight.roll(1, dims=0)
        blend = Blend(target.roll(1, dims=0), weight, share)
        return Batch(torch.lerp(x.roll(1, dims=0), x, share), target, batch.weight, blend)


class StackedMixup(StackedTrick):
    """Shares of each member's own.

    Parameters
    ----------
    alphas : sequence of float
        0 blends nothing.
    generators : sequence of numpy.random.Generator
    """

    def __init__(self, alphas: Sequence[float], generators: Sequence[np.random.Generator]) -> None:
        self._alphas, self._generators = list(alphas), list(generators)
        self._memory: dict[torch.Size, Tensor] = {}

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return the mixup of the jobs."""
        alphas = [job.mixup for job in jobs]
        return cls(alphas, [_generator(stream) for stream in streams]) if any(alphas) else None

    def on_batch(self, batch: StackBatch) -> StackBatch:
        """Return the blended rows; those of a member without mixup are blended to themselves."""
        x, shares = batch.x, self._draw(batch.members)
        weight = None if batch.weight is None else batch.weight.roll(1, dims=1)
        share = torch.tensor(shares, dtype=x.dtype)[:, None]
        other = self._rows_before(x)
        return replace(
            batch,
            x=torch.lerp(other, x, share[..., None], out=other),
            blend=Blend(batch.target.roll(1, dims=1), weight, share),
        )

    def _draw(self, members: slice) -> list[float]:
        drawing = zip(self._alphas[members], self._generators[members], strict=True)
        return [draw_share(alpha, generator) if alpha else 1.0 for alpha, generator in drawing]

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
        kept = index.tolist()
        self._alphas = [self._alphas[k] for k in kept]
        self._generators = [self._generators[k] for k in kept]
        self._memory = {}


def _generator(stream: Stream) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(stream("mixup")))
