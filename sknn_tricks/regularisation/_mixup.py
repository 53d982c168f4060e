"""Mixup: rows between the rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sknn_tricks._messages import message


def mixup(
    x: Tensor, target: Tensor, alpha: float, generator: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor, float]:
    """Blend each row of a batch with another one, for training.

    The loss is blended in the same way. Where it is linear in the target, as cross-entropy is,
    that is the loss of blended targets; else it is what blended targets stand for.

    Parameters
    ----------
    x : Tensor of shape (N, ...)
    target : Tensor of shape (N,) or (N, O)
        Classes, labels or numbers.
    alpha : float
        Above 0. The share of a row is drawn from Beta(alpha, alpha), once for the batch: small
        numbers leave most batches nearly as they are, 1 makes all shares as likely.
    generator : numpy.random.Generator
        numpy's, as torch has no Beta distribution with a generator of one's own.

    Returns
    -------
    blended : Tensor of the shape of x
    target : Tensor
        As it was.
    other : Tensor of the shape of target
        Targets of the rows that were blended in.
    share : float
        The loss is ``share * loss(outputs, target) + (1 - share) * loss(outputs, other)``.

    Raises
    ------
    ValueError
        If `alpha` is not above 0.

    References
    ----------
    H. Zhang, M. Cisse, Y. N. Dauphin and D. Lopez-Paz (2018). mixup: beyond empirical risk
    minimization. ICLR.

    Examples
    --------
    >>> x, target = torch.eye(2), torch.tensor([0, 1])
    >>> blended, target, other, share = mixup(x, target, 1.0, np.random.default_rng(0))
    >>> round(share, 2), other.tolist()
    (0.7, [1, 0])
    >>> blended
    tensor([[0.7025, 0.2975],
            [0.2975, 0.7025]])
    """
    share = draw_share(alpha, generator)
    order = torch.from_numpy(generator.permutation(len(x))).to(x.device)
    return torch.lerp(x[order], x, share), target, target[order], share


def draw_share(alpha: float, generator: np.random.Generator) -> float:
    """Draw the share of the rows themselves, in [0, 1]."""
    if not alpha > 0:
        raise ValueError(
            message(
                "alpha is no parameter of a Beta distribution",
                expected="a number above 0",
                got=f"alpha={alpha!r}",
                todo="Try alpha=0.2",
            )
        )
    return float(generator.beta(alpha, alpha))
