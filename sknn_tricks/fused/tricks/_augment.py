"""Images that are changed at random in each epoch of training."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Self, cast

import numpy as np
import torch
from torch import Tensor, nn

from sknn_tricks.augment._chain import Chain
from sknn_tricks.augment._draws import Draws
from sknn_tricks.fused._content import content
from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused._prepared import prepared_ahead
from sknn_tricks.fused._rows import Batch
from sknn_tricks.fused.stacks._batches import StackBatch
from sknn_tricks.fused.stacks._stack import Stack


class Augmentation(Trick):
    """Changes of the images of one net.

    Parameters
    ----------
    chain : Chain
    seed : int
    n_workers : int
        Threads that change batches ahead of their steps.
    """

    def __init__(self, chain: Chain, seed: int, n_workers: int) -> None:
        self._chain, self._seed, self._n_workers = chain, seed, n_workers

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return the augmentation of a job; each member of a stack asks for it too."""
        if job.augment is None:
            return None
        chain = chain_of(job)
        if not (job.train.of_bytes or job.train.on_disk):
            chain.check(cast(Tensor, job.train.x))  # here it is this member's error, and no other's
        return cls(chain, stream("augment"), job.augment.n_workers)

    def on_epoch_begin(self, epoch: int) -> None:
        """Be told that the steps of an epoch begin."""
        self._epoch = epoch

    def on_batches(self, batches: Iterable[Batch]) -> Iterable[Batch]:
        """Return the batches, with their images changed if workers do that."""
        return (
            prepared_ahead(batches, self._change, self._n_workers) if self._n_workers else batches
        )

    def on_batch(self, batch: Batch) -> Batch:
        """Return the images changed, unless they are already."""
        return batch if self._n_workers else self._change(batch)

    def _change(self, batch: Batch) -> Batch:
        assert batch.index is not None
        draws = Draws.of(self._seed, self._epoch, batch.index.cpu().numpy())
        return batch.changed(self._chain(batch[0], draws))


class StackedAugmentation(StackedTrick):
    """Changes of each member's own; those of equal settings are done in one go.

    Parameters
    ----------
    chains : list of Chain or None
        Of each member, one object where the settings are the same; None changes nothing.
    seeds : list of int
    input_shape : tuple of int
        Shape of an image, which a stack has in one axis, padded.
    """

    def __init__(
        self, chains: list[Chain | None], seeds: list[int], input_shape: tuple[int, ...]
    ) -> None:
        self._chains, self._seeds, self._shape = chains, seeds, input_shape

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return the augmentation of the jobs."""
        if all(job.augment is None for job in jobs):
            return None
        known: dict[Hashable, Chain] = {}
        chains = [_shared(job, known) for job in jobs]
        return cls(chains, [stream("augment") for stream in streams], jobs[0].input_shape)

    def on_epoch_begin(self, stack: Stack, epoch: int) -> None:
        """Be told that the steps of an epoch begin."""
        self._epoch = epoch

    def on_batch(self, batch: StackBatch) -> StackBatch:
        """Return the images changed."""
        mine = self._chains[batch.members]
        for chain in dict.fromkeys(mine):
            if chain is not None:
                self._change(batch, chain, [k for k, own in enumerate(mine) if own is chain])
        return batch

    def _change(self, batch: StackBatch, chain: Chain, members: list[int]) -> None:
        """Change the rows of some members of a batch in place."""
        assert batch.index is not None
        n_features = torch.Size(self._shape).numel()
        seeds = np.asarray(self._seeds[batch.members])[members, None]
        numbers = batch.index[members].numpy()
        draws = Draws.of(seeds, self._epoch, numbers)
        images = batch.x[members, :, :n_features]
        changed = chain(images.reshape(-1, *self._shape), draws)
        batch.x[members, :, :n_features] = changed.view(images.shape)

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        kept = index.tolist()
        self._chains = [self._chains[k] for k in kept]
        self._seeds = [self._seeds[k] for k in kept]


def chain_of(job: Job) -> Any:
    """Return what augments the images of a job."""
    return job.augment.prepare(job.input_shape, job.train.of_bytes)


def _shared(job: Job, known: dict[Hashable, Chain]) -> Chain | None:
    """Return what augments the images of a job, one object for equal settings."""
    if job.augment is None:
        return None
    key = content(job.augment), job.train.of_bytes
    if key not in known:
        known[key] = chain_of(job)
    return known[key]
