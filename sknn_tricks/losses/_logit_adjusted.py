"""Logit adjustment: a net that learns apart from the shares of the classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from torch import Tensor

from sknn_tricks._messages import message
from sknn_tricks.losses._losses import binary_cross_entropy, cross_entropy


@dataclass(frozen=True)
class logit_adjusted:
    """Softmax cross-entropy of ``logits + tau log(shares)``; balanced softmax, for tau = 1.

    The logits themselves are then those of classes of equal shares: their largest makes the
    fewest errors on average over the classes.

    Parameters
    ----------
    tau : float, default=1.0
        How much of the shares is taken out of the logits; 0 is cross-entropy.
    shares : sequence of float of length O, or None, default=None
        Shares of the classes in training. An estimator fills them in from its data.

    References
    ----------
    A. K. Menon, S. Jayasumana, A. S. Rawat, H. Jain, A. Veit and S. Kumar (2021). Long-tail
    learning via logit adjustment. ICLR.

    J. Ren, C. Yu, S. Sheng, X. Ma, H. Zhao, S. Yi and H. Li (2020). Balanced meta-softmax for
    long-tailed visual recognition. NeurIPS.

    Examples
    --------
    >>> import torch
    >>> loss = logit_adjusted(shares=(0.9, 0.1))
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]))  # (-log 0.9 - log 0.1) / 2
    tensor(1.2040)
    """

    tau: float = 1.0
    shares: tuple[float, ...] | None = None

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

        Raises
        ------
        ValueError
            If the shares are not known.
        """
        adjusted = logits + logits.new_tensor(self.offset)
        return cross_entropy(adjusted, target, weight, label_smoothing)

    def given(self, shares: Sequence[float]) -> Self:
        """Return the same with shares, unless it has some."""
        return self if self.shares is not None else replace(self, shares=tuple(shares))

    @property
    def offset(self) -> tuple[float, ...]:
        """What is added to the logits."""
        return tuple(self.tau * math.log(share) for share in _known(self))

    def binary(self) -> binary_logit_adjusted:
        """Return the same for labels that do not exclude each other."""
        return binary_logit_adjusted(self.tau, self.shares)


@dataclass(frozen=True)
class binary_logit_adjusted:
    """Sigmoid cross-entropy of ``logits + tau logit(shares)``, for targets with several labels.

    Parameters
    ----------
    tau : float, default=1.0
        How much of the shares is taken out of the logits; 0 is cross-entropy.
    shares : sequence of float of length O, or None, default=None
        Share of the rows that have each label, in (0, 1).

    Examples
    --------
    >>> import torch
    >>> loss = binary_logit_adjusted(shares=(0.1,))
    >>> loss(torch.zeros(1, 1), torch.ones(1, 1))  # -log 0.1
    tensor(2.3026)
    """

    tau: float = 1.0
    shares: tuple[float, ...] | None = None

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

        Raises
        ------
        ValueError
            If the shares are not known.
        """
        adjusted = logits + logits.new_tensor(self.offset)
        return binary_cross_entropy(adjusted, target, weight, label_smoothing)

    def given(self, shares: Sequence[float]) -> Self:
        """Return the same with shares, unless it has some."""
        return self if self.shares is not None else replace(self, shares=tuple(shares))

    @property
    def offset(self) -> tuple[float, ...]:
        """What is added to the logits."""
        return tuple(self.tau * math.log(share / (1 - share)) for share in _known(self))


def _known(loss: Any) -> tuple[float, ...]:
    if loss.shares is None:
        raise ValueError(
            message(
                "The shares of the classes are not known",
                expected="one number in (0, 1) for each class",
                got=f"{loss!r}",
                todo="Give shares=, or let NetClassifier take them from its data",
            )
        )
    return loss.shares
