"""Each entry of the gradient is kept within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused.stacks._losses import per_member
from sknn_tricks.fused.stacks._stack import Stack


class ClipValue(Trick):
    """A bound on each entry of the gradient.

    Parameters
    ----------
    module : torch.nn.Module
    bound : float
    """

    def __init__(self, module: nn.Module, bound: float) -> None:
        self._module, self._bound = module, bound

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return the bound of a job."""
        return None if job.clip_value is None else cls(module, job.clip_value)

    def on_grads(self) -> None:
        """Clip the gradient."""
        nn.utils.clip_grad_value_(self._module.parameters(), self._bound)


class StackedClipValue(StackedTrick):
    """A bound of each member's own.

    Parameters
    ----------
    bounds : Tensor of shape (K, 1, 1)
        Infinite for none.
    """

    def __init__(self, bounds: Tensor) -> None:
        self._bounds = bounds

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return the bounds of the jobs."""
        bounds = [torch.inf if job.clip_value is None else job.clip_value for job in jobs]
        found = per_member(bounds, jobs[0].dtype, nothing=torch.inf)
        return None if found is None else cls(found)

    def on_grads(self, part: Stack, members: slice) -> None:
        """Clip each member's gradient."""
        bounds = self._bounds[members]
        lowest = bounds.neg()
        for layer in part.flat():
            for grad in layer.grads.values():
                torch.clamp(grad, lowest, bounds, out=grad)

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self._bounds = self._bounds[index]
