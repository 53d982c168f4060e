"""The loss between squared and absolute errors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from sknn_tricks._messages import message


@dataclass(frozen=True)
class huber:
    """Huber's loss: half the square of small errors, and a straight line for large ones.

    Rows that are far off count less than with squared errors, and small errors are still smooth.

    Parameters
    ----------
    delta : float, default=1.0
        Above 0. Where a large error begins, in the units of the net's outputs: for `NetRegressor`
        standard deviations of the targets.

    References
    ----------
    P. J. Huber (1964). Robust estimation of a location parameter. The Annals of Mathematical
    Statistics, 35(1).

    Examples
    --------
    >>> import torch
    >>> huber(delta=1.0)(torch.zeros(2, 1), torch.tensor([[1.0], [4.0]]))  # (0.5 + 3.5) / 2
    tensor(2.)
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        if not self.delta > 0:
            raise ValueError(
                message(
                    "delta is out of its range",
                    expected="a number above 0",
                    got=f"delta={self.delta!r}",
                    todo="Try delta=1.0",
                )
            )

    def __call__(self, prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the mean over rows and outputs.

        Parameters
        ----------
        prediction, target : Tensor of shape (N, O)
        weight : Tensor of shape (N,) or None
        """
        if weight is None:
            return F.huber_loss(prediction, target, delta=self.delta)
        losses = F.huber_loss(prediction, target, reduction="none", delta=self.delta)
        return (losses * weight[:, None]).mean()
