"""What tricks share that bound something by one number of each member."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused.stacks._losses import per_member
from sknn_tricks.fused.stacks._stack import Stack


class Bound(Trick):
    """A bound of one net.

    Parameters
    ----------
    module : torch.nn.Module
    bound : float

    Attributes
    ----------
    setting : str
        The name of the bound in a job, where None is for no bound.
    """

    setting: ClassVar[str]

    def __init__(self, module: nn.Module, bound: float) -> None:
        self._module, self._bound = module, bound

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return the bound of a job."""
        bound = getattr(job, cls.setting)
        return None if bound is None else cls(module, bound)


class StackedBound(StackedTrick):
    """A bound of each member's own.

    Parameters
    ----------
    bounds : Tensor of shape (K, 1, 1)
        Infinite for none.

    Attributes
    ----------
    setting : str
        The name of the bound in a job, where None is for no bound.
    """

    setting: ClassVar[str]

    def __init__(self, bounds: Tensor) -> None:
        self._bounds = bounds

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return the bounds of the jobs."""
        bounds = [getattr(job, cls.setting) for job in jobs]
        every = [torch.inf if bound is None else bound for bound in bounds]
        found = per_member(every, jobs[0].dtype, nothing=torch.inf)
        return None if found is None else cls(found)

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self._bounds = self._bounds[index]
