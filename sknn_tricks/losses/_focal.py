"""Focal loss: rows that the net already has right count less."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sknn_tricks._messages import message

# Stands for a 1 - p of 0, so that its powers and its inverse are numbers.
TINY = 1e-30


@dataclass(frozen=True)
class focal:
    """Softmax focal loss, ``-(1 - p)^gamma log(p)`` of the true class's probability p.

    Parameters
    ----------
    gamma : float, default=2.0
        How much less easy rows count; 0 is cross-entropy.

    Notes
    -----
    Nets that are trained with it are too unsure; ``NetClassifier(prior_correction=True)`` turns
    their outputs into probabilities again (Charoenphakdee et al., 2021).

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar (2017). Focal loss for dense object
    detection. ICCV.

    N. Charoenphakdee, J. Vongkulbhaksorn, N. Chairatanakul and M. Sugiyama (2021). On focal loss
    for class-posterior probability estimation. CVPR.

    Examples
    --------
    >>> import torch
    >>> logits, target = torch.tensor([[4.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1])
    >>> focal(gamma=2.0)(logits, target)
    tensor(0.0113)
    """

    gamma: float = 2.0

    def __post_init__(self) -> None:
        _check(self.gamma)

    def __call__(
        self,
        logits: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> Tensor:
        """Return the mean over the rows.

        Parameters
        ----------
        logits : Tensor of shape (N, O)
        target : Tensor of int64, shape (N,)
        weight : Tensor of shape (N,) or None
        label_smoothing : float, default=0.0
        """
        share = F.one_hot(target, logits.shape[1]).to(logits.dtype)
        share = torch.lerp(share, share.new_tensor(1 / logits.shape[1]), label_smoothing)
        log = logits.log_softmax(dim=1)
        losses = -(share * unsure(log.exp(), self.gamma) * log).sum(dim=1)
        return losses.mean() if weight is None else (losses * weight).mean()

    def binary(self) -> binary_focal:
        """Return the same for labels that do not exclude each other."""
        return binary_focal(self.gamma)


@dataclass(frozen=True)
class binary_focal:
    """Sigmoid focal loss of each label, for targets with several labels.

    Parameters
    ----------
    gamma : float, default=2.0
        How much less easy labels count; 0 is cross-entropy.

    Examples
    --------
    >>> import torch
    >>> binary_focal(gamma=2.0)(torch.zeros(3, 2), torch.ones(3, 2))
    tensor(0.1733)
    """

    gamma: float = 2.0

    def __post_init__(self) -> None:
        _check(self.gamma)

    def __call__(
        self,
        logits: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> Tensor:
        """Return the mean over rows and labels.

        Parameters
        ----------
        logits, target : Tensor of shape (N, O)
        weight : Tensor of shape (N,) or None
        label_smoothing : float, default=0.0
        """
        target = torch.lerp(target, target.new_tensor(0.5), label_smoothing)
        yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
        p = logits.sigmoid()
        losses = -target * unsure(p, self.gamma) * yes
        losses = losses - (1 - target) * unsure(1 - p, self.gamma) * no
        return losses.mean() if weight is None else (losses * weight[:, None]).mean()


def unsure(p: Tensor, gamma: float | Tensor) -> Tensor:
    """Return ``(1 - p)^gamma`` of probabilities."""
    return _rest(p).log2().mul(gamma).exp2()


def pull(p: Tensor, log: Tensor, gamma: float | Tensor) -> Tensor:
    """Return how hard the loss of a class of probability p pulls at its logit.

    It is ``(1 - p)^gamma - gamma (1 - p)^(gamma - 1) p log(p)``, where cross-entropy has 1. The
    classes' true probabilities are in proportion to ``p / pull``.

    Parameters
    ----------
    p, log : Tensor of the same shape
        Probabilities and their logarithms.
    gamma : float, or Tensor that fits `p`

    Returns
    -------
    Tensor of the same shape
    """
    return unsure(p, gamma) * (1 - gamma * p * log / _rest(p))


def _check(gamma: float) -> None:
    if gamma < 0:
        raise ValueError(
            message(
                "gamma is negative",
                expected="a number of 0 or more",
                got=f"gamma={gamma!r}",
                todo="Try gamma=2.0",
            )
        )


def _rest(p: Tensor) -> Tensor:
    return (1 - p).clamp_min(TINY)
