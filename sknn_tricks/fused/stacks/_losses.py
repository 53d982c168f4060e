"""The losses of K members as one: of each row, and the gradient of each member's mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from sknn_tricks import losses
from sknn_tricks._padding import padded
from sknn_tricks.losses._focal import pull, unsure

if TYPE_CHECKING:
    from sknn_tricks.fused._job import Job

# A logit that has no share in a softmax or a sigmoid, and that 0 can be multiplied with.
NEVER = -1e30
LOG2_E = 1 / math.log(2)


@dataclass(frozen=True)
class Terms:
    """What the losses of K members differ in; None where it means nothing to all of them.

    Parameters
    ----------
    smoothing : Tensor of shape (K, 1, 1) or None
        Label smoothing.
    gamma : Tensor of shape (K, 1, 1) or None
        Of the focal losses.
    offset : Tensor of shape (K, 1, O) or None
        Added to the logits, padded.
    delta : Tensor of shape (K, 1, 1) or None
        Of Huber's loss.
    """

    smoothing: Tensor | None = None
    gamma: Tensor | None = None
    offset: Tensor | None = None
    delta: Tensor | None = None

    def of(self, members: slice | Tensor) -> Terms:
        """Return those of some members."""
        return Terms(*(None if each is None else each[members] for each in vars(self).values()))


class StackedLoss(Protocol):
    """What a stack needs of a loss."""

    def __call__(
        self, outputs: Tensor, target: Tensor, n_outputs: int, terms: Terms, out: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return each row's loss (K, N) and its gradient (K, N, O), padded with 0.

        `outputs` (K, N, O) is padded, and may be overwritten; `out` is memory for the gradient.
        """


def cross_entropy(
    outputs: Tensor, target: Tensor, n_outputs: int, terms: Terms, out: Tensor
) -> tuple[Tensor, Tensor]:
    """Softmax cross-entropy of `target` (K, N), the numbers of the true classes."""
    smoothing = terms.smoothing
    if terms.offset is not None:
        outputs += terms.offset
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
    outputs: Tensor, target: Tensor, n_outputs: int, terms: Terms, out: Tensor
) -> tuple[Tensor, Tensor]:
    """Sigmoid cross-entropy of `target` (K, N, O), averaged over the labels."""
    share = _real(outputs, n_outputs) / n_outputs
    if terms.offset is not None:
        outputs += terms.offset
    target = _smooth(target, terms)
    loss = F.binary_cross_entropy_with_logits(outputs, target, reduction="none")
    grad = torch.sigmoid(outputs, out=out).sub_(target).mul_(share)
    return (loss * share).sum(dim=2), grad


def focal(
    outputs: Tensor, target: Tensor, n_outputs: int, terms: Terms, out: Tensor
) -> tuple[Tensor, Tensor]:
    """Softmax focal loss of `target` (K, N), the numbers of the true classes."""
    assert terms.gamma is not None
    outputs[..., n_outputs:] = NEVER
    log = torch.log_softmax(outputs, dim=2, out=out)
    share = torch.zeros_like(log).scatter_(2, target[..., None], 1.0)
    if terms.smoothing is not None:
        share = torch.lerp(share, _real(outputs, n_outputs) / n_outputs, terms.smoothing)
    p = (log * LOG2_E).exp2_()
    loss = -(share * unsure(p, terms.gamma) * log).sum(dim=2)
    pulls = share.mul_(pull(p, log, terms.gamma))
    return loss, p.mul_(pulls.sum(dim=2, keepdim=True)).sub_(pulls)


def binary_focal(
    outputs: Tensor, target: Tensor, n_outputs: int, terms: Terms, out: Tensor
) -> tuple[Tensor, Tensor]:
    """Sigmoid focal loss of `target` (K, N, O), averaged over the labels."""
    assert terms.gamma is not None
    share = _real(outputs, n_outputs) / n_outputs
    target = _smooth(target, terms)
    p = torch.sigmoid(outputs, out=out)
    q = 1 - p
    yes, no = F.logsigmoid(outputs), F.logsigmoid(outputs.neg())
    loss = -target * unsure(p, terms.gamma) * yes
    loss -= (1 - target) * unsure(q, terms.gamma) * no
    up = target * pull(p, yes, terms.gamma) * q
    down = (1 - target) * pull(q, no, terms.gamma) * p
    return (loss * share).sum(dim=2), torch.sub(down, up, out=out).mul_(share)


def squared_error(
    outputs: Tensor, target: Tensor, n_outputs: int, terms: Terms, out: Tensor
) -> tuple[Tensor, Tensor]:
    """Squared error of `target` (K, N, O), averaged over the outputs."""
    error = outputs.sub_(target)
    loss = error.square().sum(dim=2).div_(n_outputs)
    return loss, error.mul_(2 / n_outputs)


def absolute_error(
    outputs: Tensor, target: Tensor, n_outputs: int, terms: Terms, out: Tensor
) -> tuple[Tensor, Tensor]:
    """Absolute error of `target` (K, N, O), averaged over the outputs."""
    error = outputs.sub_(target)
    grad = torch.sign(error, out=out).div_(n_outputs)
    return error.abs_().sum(dim=2).div_(n_outputs), grad


def huber(
    outputs: Tensor, target: Tensor, n_outputs: int, terms: Terms, out: Tensor
) -> tuple[Tensor, Tensor]:
    """Huber's loss of `target` (K, N, O), averaged over the outputs."""
    assert terms.delta is not None
    error = outputs.sub_(target)
    near = torch.clamp(error, -terms.delta, terms.delta, out=out)
    # near (error - near / 2): half a square, or where near is +-delta a line.
    loss = error.sub_(near / 2).mul_(near).sum(dim=2).div_(n_outputs)
    return loss, near.div_(n_outputs)


def blended(
    loss: Tensor, grad: Tensor, other_loss: Tensor, other_grad: Tensor, share: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the blend of two losses of the rows (K, N), and the gradient of its mean.

    Parameters
    ----------
    loss, grad : Tensor of shape (K, N), (K, N, O)
        Of the batch's own targets; the gradient is overwritten.
    other_loss, other_grad : Tensor of the same shapes
        Of those that were blended in.
    share : Tensor of shape (K, 1)
        Of the batch's own. At 1 the other loss leaves no trace, even if it is infinite.
    """
    mean = torch.lerp(other_loss, loss, share).where(share < 1, loss)
    grad = torch.lerp(other_grad, grad, share[..., None], out=grad)
    return mean, grad.div_(loss.shape[1])


# By the function, or the class of a loss that has settings.
STACKED: dict[Callable[..., object], StackedLoss] = {
    losses.absolute_error: absolute_error,
    losses.binary_cross_entropy: binary_cross_entropy,
    losses.binary_focal: binary_focal,
    losses.binary_logit_adjusted: binary_cross_entropy,
    losses.cross_entropy: cross_entropy,
    losses.focal: focal,
    losses.huber: huber,
    losses.logit_adjusted: cross_entropy,
    losses.squared_error: squared_error,
}


def stacked_loss(loss: Callable[..., Tensor]) -> StackedLoss | None:
    """Return the stacked form of a loss, or None if there is none."""
    try:
        return STACKED.get(loss) or STACKED.get(type(loss))
    except TypeError:  # not hashable, so none of ours
        return None


def terms_of(jobs: Sequence[Job]) -> Terms:
    """Return what the members' losses differ in."""
    dtype, width = jobs[0].dtype, padded(jobs[0].n_outputs)
    losses_ = [job.task.loss for job in jobs]
    gammas = [getattr(loss, "gamma", None) for loss in losses_]
    deltas = [getattr(loss, "delta", None) for loss in losses_]
    offsets = [getattr(loss, "offset", ()) for loss in losses_]
    offset = torch.zeros(len(jobs), 1, width, dtype=dtype)
    for row, each in zip(offset[:, 0], offsets, strict=True):
        row[: len(each)] = torch.tensor(each, dtype=dtype)
    return Terms(
        per_member([job.label_smoothing for job in jobs], dtype),
        None if None in gammas else torch.tensor(gammas, dtype=dtype)[:, None, None],
        offset if any(offsets) else None,
        None if None in deltas else torch.tensor(deltas, dtype=dtype)[:, None, None],
    )


def per_member(values: Sequence[float], dtype: torch.dtype, nothing: float = 0.0) -> Tensor | None:
    """Return a setting as (K, 1, 1), or None if it means nothing to all members."""
    if all(value == nothing for value in values):
        return None
    return torch.tensor(values, dtype=dtype)[:, None, None]


def _smooth(target: Tensor, terms: Terms) -> Tensor:
    """Return the targets (K, N, O) of labels with the members' smoothing."""
    if terms.smoothing is None:
        return target
    return torch.lerp(target, target.new_tensor(0.5), terms.smoothing)


def _exp(log: Tensor) -> Tensor:
    """Return the exponential, in place.

    As a power of 2: MKL's exp takes up to a hundred times as long where the result underflows,
    as it does in the padding.
    """
    return log.mul_(LOG2_E).exp2_()


def _real(outputs: Tensor, n_outputs: int) -> Tensor:
    """Return a row that is 1 for an output and 0 for padding."""
    return (torch.arange(outputs.shape[2]) < n_outputs).to(outputs.dtype)
