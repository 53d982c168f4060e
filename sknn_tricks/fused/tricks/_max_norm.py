"""The weights into each unit are kept within a norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused.stacks._layers import Linear, sum_rows
from sknn_tricks.fused.stacks._losses import per_member
from sknn_tricks.fused.stacks._stack import Stack
from sknn_tricks.regularisation import max_norm_


class MaxNorm(Trick):
    """A bound on the norm of the weights into each unit.

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
        return None if job.max_norm is None else cls(module, job.max_norm)

    def on_update(self) -> None:
        """Scale the weights."""
        max_norm_(self._module, self._bound)


class StackedMaxNorm(StackedTrick):
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
        bounds = [torch.inf if job.max_norm is None else job.max_norm for job in jobs]
        found = per_member(bounds, jobs[0].dtype, nothing=torch.inf)
        return None if found is None else cls(found)

    def on_update(self, part: Stack, members: slice) -> None:
        """Scale each member's weights (K, D, H)."""
        bounds = self._bounds[members]
        for layer in part.flat():
            if isinstance(layer, Linear):
                weight = layer.tensors["weight"]
                squares = layer.own("squares", weight, weight.shape[2])
                norm = sum_rows(torch.mul(weight, weight, out=squares)).sqrt_()
                weight.mul_(torch.div(bounds, norm, out=norm).clamp_(max=1.0))

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self._bounds = self._bounds[index]
