"""The exponential moving average of the weights; the net has it whenever an epoch is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from sknn_tricks.averaging import Average, ema
from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused.stacks._stack import Stack
from sknn_tricks.fused.tricks._beside import Beside


class Ema(Trick):
    """The average of one net.

    Parameters
    ----------
    rule : ema
    module : torch.nn.Module
        Has the average so far.
    n_steps : int
        That are in it.
    """

    def __init__(self, rule: ema, module: nn.Module, n_steps: int) -> None:
        self._rule, self._n_steps = rule, n_steps
        self._average = Average(module)
        self._is_shown = False

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return the average that a job asks for."""
        asks = isinstance(job.averaging, ema)
        return cls(job.averaging, module, steps_before(job)) if asks else None

    def on_epoch_begin(self, epoch: int) -> None:
        """Let the module have its weights again."""
        if self._is_shown:
            self._average.exchange()
        self._is_shown = False

    def on_update(self) -> None:
        """Move the average towards the weights."""
        self._n_steps += 1
        self._average.update(self._rule.share(self._n_steps))

    def on_epoch_end(self) -> None:
        """Let the module have the average."""
        self._average.exchange()
        self._is_shown = True

    def save(self, net: Any) -> None:
        """Give the net the weights to go on from."""
        if self._is_shown:
            net.last_, net.n_averaged_ = self._average.state(), self._n_steps


class StackedEma(StackedTrick):
    """The averages of the members that ask for one; the others have a decay of 0.

    Parameters
    ----------
    jobs : sequence of Job
    stack : Stack
    """

    def __init__(self, jobs: Sequence[Job], stack: Stack) -> None:
        rules = [job.averaging if isinstance(job.averaging, ema) else None for job in jobs]
        self._asks = [k for k, rule in enumerate(rules) if rule is not None]
        # Of the decay and of eta (K, 1, 1), in double precision as `ema.share` computes.
        self._least = _column([1.0 if rule is None else 1 - rule.decay for rule in rules])
        self._eta = _column([0.0 if rule is None else rule.eta for rule in rules])
        self._n_steps = _column([steps_before(job) for job in jobs])
        self._dtype = jobs[0].dtype
        self._beside = Beside(stack)
        for k in self._asks:
            start = jobs[k].start
            if start is not None and steps_before(jobs[k]):
                self._beside.load(k, start.module_)
        self._is_shown = False

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return the averages that the jobs ask for."""
        asked = any(isinstance(job.averaging, ema) for job in jobs)
        return cls(jobs, stack) if asked else None

    def on_epoch_begin(self, stack: Stack, epoch: int) -> None:
        """Let the members have their weights again."""
        if self._is_shown:
            self._beside.exchange(self._asks)
        self._is_shown = False

    def on_update(self, part: Stack, members: slice) -> None:
        """Move the averages towards the weights."""
        if not self._asks:
            return
        n_steps, eta = self._n_steps[members], self._eta[members]
        n_steps += 1
        share = torch.maximum(self._least[members], (eta + 1) / (n_steps + eta))
        self._beside.move(self._beside.pairs(part, members), share.to(self._dtype))

    def on_epoch_end(self, stack: Stack) -> None:
        """Let the members have the averages."""
        self._beside.exchange(self._asks)
        self._is_shown = True

    def save(self, k: int, net: Any) -> None:
        """Give a member's net the weights to go on from."""
        if k in self._asks and self._is_shown:
            net.last_ = self._beside.state(k, net.module_)
            net.n_averaged_ = int(self._n_steps[k])

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        kept = index.tolist()
        self._asks = [i for i, k in enumerate(kept) if k in self._asks]
        self._least, self._eta = self._least[index], self._eta[index]
        self._n_steps = self._n_steps[index]
        self._beside.keep(index)


def steps_before(job: Job) -> int:
    """Return how many steps are in the average that a job goes on with."""
    return 0 if job.start is None else getattr(job.start, "n_averaged_", 0)


def _column(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None, None]
