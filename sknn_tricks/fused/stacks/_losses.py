"""The losses of K members as one: of each row, and the gradient of each member's mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from sknn_tricks import losses

# A logit that has no share in a softmax or a sigmoid, and that 0 can be multiplied with.
NEVER = -1e30
LOG2_E = 1 / math.log(2)


class StackedLoss(Protocol):
    """What a stack needs of a loss."""

    def __call__(
        self, outputs: Tensor, target: Tensor, n_outputs: int, smoothing: Tensor | None, out: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return each row's loss (K, N) and its gradient (K, N, O), padded with 0.

        `outputs` (K, N, O) is padded, and may be overwritten; `smoothing` (K, 1, 1) is the
        members' label smoothing; `out` is memory for the gradient.
        """


def cross_entropy(
    outputs: Tensor, target: Tensor, n_outputs: int, smoothing: Tensor | None, out: Tensor
) -> tuple[Tensor, Tensor]:
    """Softmax cross-entropy of `target` (K, N), the numbers of the true classes."""
    outputs[..., n_outputs:] = NEVER
    log = torch.log_softmax(outputs, dim=2, out=out)
    index = target[..., None]
    loss = log.gather(2, index).neg_()
    if smoothing is None:
        return loss[..., 0], _exp(log).scatter_add_(2, index, loss.new_full(loss.shape, -1.0))
    share = _real(outputs, n_outputs) / n_outputs
    loss = torch.lerp(loss, (log * share).sum(dim=2, keepdim=True).neg_(), smoothing)
    grad = _exp(log).sub_(smoothing * share)
    return loss[..., 0], grad.scatter_add_(2, index, (smoothing - 1).expand_as(index))


def binary_cross_entropy(
    outputs: Tensor, target: Tensor, n_outputs: int, smoothing: Tensor | None, out: Tensor
) -> tuple[Tensor, Tensor]:
    """Sigmoid cross-entropy of `target` (K, N, O), averaged over the labels."""
    share = _real(outputs, n_outputs) / n_outputs
    if smoothing is not None:
        target = torch.lerp(target, target.new_tensor(0.5), smoothing)
    loss = F.binary_cross_entropy_with_logits(outputs, target, reduction="none")
    grad = torch.sigmoid(outputs, out=out).sub_(target).mul_(share)
    return (loss * share).sum(dim=2), grad


def squared_error(
    outputs: Tensor, target: Tensor, n_outputs: int, smoothing: Tensor | None, out: Tensor
) -> tuple[Tensor, Tensor]:
    """Squared error of `target` (K, N, O), averaged over the outputs."""
    error = outputs.sub_(target)
    loss = error.square().sum(dim=2).div_(n_outputs)
    return loss, error.mul_(2 / n_outputs)


STACKED: dict[Callable[..., Tensor], StackedLoss] = {
    losses.binary_cross_entropy: binary_cross_entropy,
    losses.cross_entropy: cross_entropy,
    losses.squared_error: squared_error,
}


def _exp(log: Tensor) -> Tensor:
    """Return the exponential, in place.

    As a power of 2: MKL's exp takes up to a hundred times as long where the result underflows,
    as it does in the padding.
    """
    return log.mul_(LOG2_E).exp2_()


def _real(outputs: Tensor, n_outputs: int) -> Tensor:
    """Return a row that is 1 for an output and 0 for padding."""
    return (torch.arange(outputs.shape[2]) < n_outputs).to(outputs.dtype)
