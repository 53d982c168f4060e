"""Normal noise on the features, new in each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor, nn

from sknn_tricks._padding import padded
from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused._rows import Batch
from sknn_tricks.fused.stacks._batches import StackBatch
from sknn_tricks.fused.stacks._losses import per_member
from sknn_tricks.fused.stacks._stack import Stack


class InputNoise(Trick):
    """Noise of one standard deviation.

    Parameters
    ----------
    std : float
    generator : torch.Generator
        On the device of the rows.
    """

    def __init__(self, std: float, generator: torch.Generator) -> None:
        self._std, self._generator = std, generator

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return the noise of a job."""
        if not job.input_noise:
            return None
        return cls(job.input_noise, torch.Generator(job.device).manual_seed(stream("noise")))

    def on_batch(self, batch: Batch) -> Batch:
        """Return the rows with noise."""
        x = batch[0]
        n_features = x[0].numel()
        # As wide as in a stack, so that it is the same noise.
        noise = x.new_empty(len(x), padded(n_features)).normal_(generator=self._generator)
        noise = noise[:, :n_features].mul_(self._std)
        return batch.changed(x + noise.view(x.shape))


class StackedInputNoise(StackedTrick):
    """Noise of each member's own.

    Parameters
    ----------
    std : Tensor of shape (K, 1, 1)
    generators : sequence of torch.Generator or None
        None where there is no noise.
    n_features : int
        D, without padding.
    """

    def __init__(
        self, std: Tensor, generators: Sequence[torch.Generator | None], n_features: int
    ) -> None:
        self._std, self._generators, self._n_features = std, list(generators), n_features
        self._memory: dict[torch.Size, Tensor] = {}

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return the noise of the jobs."""
        std = per_member([job.input_noise for job in jobs], jobs[0].dtype)
        if std is None:
            return None
        generators = [
            torch.Generator().manual_seed(stream("noise")) if job.input_noise else None
            for job, stream in zip(jobs, streams, strict=True)
        ]
        return cls(std, generators, torch.Size(jobs[0].input_shape).numel())

    def on_batch(self, batch: StackBatch) -> StackBatch:
        """Return the rows with noise."""
        x = batch.x
        if x.shape not in self._memory:
            self._memory[x.shape] = torch.zeros_like(x)
        noise = self._memory[x.shape]
        for each, generator in zip(noise, self._generators[batch.members], strict=True):
            if generator is not None:
                each.normal_(generator=generator)
        noise[..., self._n_features :] = 0
        return replace(batch, x=x.add_(noise.mul_(self._std[batch.members])))

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self._std, self._memory = self._std[index], {}
        self._generators = [self._generators[k] for k in index.tolist()]
