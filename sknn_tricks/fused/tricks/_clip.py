"""Gradients that are too long are scaled down (Pascanu, Mikolov and Bengio, 2013)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused.stacks._losses import per_member
from sknn_tricks.fused.stacks._stack import Stack


class Clip(Trick):
    """A bound on the norm of the gradient of all parameters.

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
        return None if job.clip_norm is None else cls(module, job.clip_norm)

    def on_grads(self) -> None:
        """Scale the gradient."""
        nn.utils.clip_grad_norm_(self._module.parameters(), self._bound)


class StackedClip(StackedTrick):
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
        bounds = [torch.inf if job.clip_norm is None else job.clip_norm for job in jobs]
        found = per_member(bounds, jobs[0].dtype, nothing=torch.inf)
        return None if found is None else cls(found)

    def on_grads(self, part: Stack, members: slice) -> None:
        """Scale each member's gradient."""
        grads = [grad for layer in part.flat() for grad in layer.grads.values()]
        norms = [torch.linalg.vector_norm(grad.flatten(1), dim=1) for grad in grads]
        square = norms[0].square()
        for norm in norms[1:]:
            square += norm.square()
        scale = self._bounds[members, 0, 0].div(square.sqrt_().add_(1e-6)).clamp_(max=1.0)
        for grad in grads:
            grad.mul_(scale[:, None, None])

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self._bounds = self._bounds[index]
