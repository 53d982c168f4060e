"""The L1 penalty, in the gradient only, so that losses of different penalties can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from torch import Tensor, nn

from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused.stacks._losses import per_member
from sknn_tricks.fused.stacks._stack import Stack
from sknn_tricks.optim import decayed
from sknn_tricks.regularisation import add_l1


class L1(Trick):
    """The penalty on the weights of layers.

    Parameters
    ----------
    parameters : sequence of Parameter
    rate : float
    """

    def __init__(self, parameters: Sequence[nn.Parameter], rate: float) -> None:
        self._parameters, self._rate = parameters, rate

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return the penalty of a job."""
        return cls(decayed(module, job.decay_biases), job.l1) if job.l1 else None

    def on_grads(self) -> None:
        """Add its gradient."""
        add_l1(self._parameters, self._rate)


class StackedL1(StackedTrick):
    """The penalty with a rate of each member.

    Parameters
    ----------
    rates : Tensor of shape (K, 1, 1)
        For the weights of layers.
    of_biases : Tensor of shape (K, 1, 1) or None
        For all other parameters.
    """

    def __init__(self, rates: Tensor, of_biases: Tensor | None) -> None:
        self._rates, self._of_biases = rates, of_biases

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return the penalties of the jobs."""
        rates = per_member([job.l1 for job in jobs], jobs[0].dtype)
        if rates is None:
            return None
        of_biases = [job.l1 if job.decay_biases else 0.0 for job in jobs]
        return cls(rates, per_member(of_biases, jobs[0].dtype))

    def on_grads(self, part: Stack, members: slice) -> None:
        """Add their gradients."""
        for layer in part.flat():
            for name, grad in layer.grads.items():
                rates = self._rates if name in layer.decays else self._of_biases
                if rates is not None:
                    grad.add_(layer.tensors[name].sign().mul_(rates[members]))

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self._rates = self._rates[index]
        if self._of_biases is not None:
            self._of_biases = self._of_biases[index]
