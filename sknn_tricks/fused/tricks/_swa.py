"""The mean of the weights at the ends of epochs; the net has it as soon as there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from sknn_tricks.averaging import Average, swa
from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused.stacks._stack import Stack
from sknn_tricks.fused.tricks._beside import Beside


class Taken:
    """How many weights are in a mean.

    Parameters
    ----------
    job : Job
        That asks for a mean or does not.

    Attributes
    ----------
    n : int
    """

    def __init__(self, job: Job) -> None:
        self._rule, self._n_epochs = job.averaging, job.max_epochs
        self._epoch = self.n = 0

    def after_epoch(self) -> bool:
        """Count an epoch; True if its weights are to be taken."""
        self._epoch += 1
        rule = self._rule
        takes = isinstance(rule, swa) and rule.takes(self._epoch, self._n_epochs)
        self.n += takes
        return takes


class Swa(Trick):
    """The mean of one net.

    Parameters
    ----------
    job : Job
    module : torch.nn.Module
    """

    def __init__(self, job: Job, module: nn.Module) -> None:
        self._taken, self._average = Taken(job), Average(module)
        self._is_shown = False

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return the mean that a job asks for."""
        return cls(job, module) if isinstance(job.averaging, swa) else None

    def on_epoch_begin(self, epoch: int) -> None:
        """Let the module have its weights again."""
        if self._is_shown:
            self._average.exchange()
        self._is_shown = False

    def on_epoch_end(self) -> None:
        """Take the weights, and let the module have the mean."""
        if self._taken.after_epoch():
            self._average.update(1 / self._taken.n)
        if self._taken.n:
            self._average.exchange()
            self._is_shown = True

    def save(self, net: Any) -> None:
        """Give the net the weights to go on from."""
        if self._is_shown:
            net.last_ = self._average.state()


class StackedSwa(StackedTrick):
    """The means of the members that ask for one.

    Parameters
    ----------
    jobs : sequence of Job
    stack : Stack
    """

    def __init__(self, jobs: Sequence[Job], stack: Stack) -> None:
        self._taken = [Taken(job) for job in jobs]
        self._beside = Beside(stack)
        self._shown: list[int] = []

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return the means that the jobs ask for."""
        asked = any(isinstance(job.averaging, swa) for job in jobs)
        return cls(jobs, stack) if asked else None

    def on_epoch_begin(self, stack: Stack, epoch: int) -> None:
        """Let the members have their weights again."""
        if self._shown:
            self._beside.exchange(self._shown)
        self._shown = []

    def on_epoch_end(self, stack: Stack) -> None:
        """Take the weights, and let the members have the means."""
        takes = [taken.after_epoch() for taken in self._taken]
        # A share of 0 changes no bit of a mean, one of 1 makes it the weights.
        shares = [each / max(t.n, 1) for t, each in zip(self._taken, takes, strict=True)]
        if any(takes):
            everyone = slice(0, len(shares))
            pairs = self._beside.pairs(stack, everyone)
            share = torch.tensor(shares, dtype=pairs[0][0].dtype)[:, None, None]
            self._beside.move(pairs, share)
        self._shown = [k for k, taken in enumerate(self._taken) if taken.n]
        if self._shown:
            self._beside.exchange(self._shown)

    def save(self, k: int, net: Any) -> None:
        """Give a member's net the weights to go on from."""
        if k in self._shown:
            net.last_ = self._beside.state(k, net.module_)

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        kept = index.tolist()
        self._taken = [self._taken[k] for k in kept]
        self._shown = [i for i, k in enumerate(kept) if k in self._shown]
        self._beside.keep(index)
