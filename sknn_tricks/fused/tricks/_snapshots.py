"""The weights at the end of each cycle of a snapshot ensemble; the net itself has the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from torch import Tensor, nn

from sknn_tricks.averaging import snapshots
from sknn_tricks.averaging._average import copied
from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused.stacks._stack import Stack
from sknn_tricks.fused.tricks._beside import Weights, state_of, weights_of


class Snapshots(Trick):
    """The snapshots of one net.

    Parameters
    ----------
    module : torch.nn.Module
    epochs : sequence of int
        After which they are taken, from 1.
    """

    def __init__(self, module: nn.Module, epochs: Sequence[int]) -> None:
        self._module, self._epochs = module, epochs
        self._epoch = 0
        self._taken: list[dict[str, Tensor]] = []

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return the snapshots that a job asks for."""
        return cls(module, epochs_of(job)) if isinstance(job.averaging, snapshots) else None

    def on_epoch_end(self) -> None:
        """Take one, if it is time."""
        self._epoch += 1
        if self._epoch in self._epochs:
            self._taken.append(copied(self._module))

    def save(self, net: Any) -> None:
        """Give the net its snapshots."""
        net.snapshots_ = tuple(self._taken)


class StackedSnapshots(StackedTrick):
    """The snapshots of the members that ask for some.

    Parameters
    ----------
    jobs : sequence of Job
    stack : Stack
    """

    def __init__(self, jobs: Sequence[Job], stack: Stack) -> None:
        self._stack = stack
        self._epochs = [epochs_of(job) for job in jobs]
        self._epoch = 0
        self._taken: list[list[Weights]] = [[] for _ in jobs]

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return the snapshots that the jobs ask for."""
        asked = any(isinstance(job.averaging, snapshots) for job in jobs)
        return cls(jobs, stack) if asked else None

    def on_epoch_end(self, stack: Stack) -> None:
        """Take those whose time it is."""
        self._epoch += 1
        for k, epochs in enumerate(self._epochs):
            if self._epoch in epochs:
                self._taken[k].append(weights_of(stack, k))

    def save(self, k: int, net: Any) -> None:
        """Give a member's net its snapshots."""
        taken = self._taken[k]
        net.snapshots_ = tuple(state_of(each, self._stack, net.module_) for each in taken)

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        kept = index.tolist()
        self._epochs = [self._epochs[k] for k in kept]
        self._taken = [self._taken[k] for k in kept]


def epochs_of(job: Job) -> tuple[int, ...]:
    """Return after which epochs snapshots are taken; at the last the net itself is one."""
    rule = job.averaging
    return rule.epochs(job.max_epochs)[:-1] if isinstance(rule, snapshots) else ()
