"""The randomised leaky ReLU with a random stream of its own."""

from __future__ import annotations

from torch import Tensor

from sknn_tricks._messages import message
from sknn_tricks.nets._seeded import LEVELS, Seeded


class RReLU(Seeded):
    """The randomised leaky ReLU, that draws from its own generator.

    Numbers below 0 are multiplied with a slope. In training each has its own, drawn uniformly from
    `lower` to `upper` in each step; in evaluation all have the mean of these two. torch's global
    random state is neither read nor changed once `seed_` was called.

    Parameters
    ----------
    lower, upper : float, default=1/8, 1/3
        Bounds of the slopes.

    Raises
    ------
    ValueError
        If the bounds are in the wrong order.

    References
    ----------
    .. [1] B. Xu, N. Wang, T. Chen, M. Li, "Empirical evaluation of rectified activations in
       convolutional network", 2015.

    Examples
    --------
    >>> import torch
    >>> layer = RReLU(0.1, 0.3)
    >>> layer.eval()(torch.tensor([-1.0, 2.0]))
    tensor([-0.2000,  2.0000])
    >>> slopes = -layer.train().seed_(0)(-torch.ones(1000))
    >>> bool(slopes.min() >= 0.1), bool(slopes.max() <= 0.3), f"{slopes.mean():.1f}"
    (True, True, '0.2')
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3) -> None:
        super().__init__()
        if not lower <= upper:
            raise ValueError(
                message(
                    "The bounds of the slopes are in the wrong order",
                    expected="lower <= upper",
                    got=f"lower={lower!r}, upper={upper!r}",
                    todo="Exchange them",
                )
            )
        self.lower, self.upper = lower, upper

    def forward(self, x: Tensor) -> Tensor:
        """Map `x`, of any shape, entry by entry."""
        if not self.training:
            return x.clamp(min=0) + (self.lower + self.upper) / 2 * x.clamp(max=0)
        step, middle = slopes(self.lower, self.upper)
        return x * (self._bits_like(x) * step + middle).masked_fill_(x > 0, 1.0)

    def extra_repr(self) -> str:
        """Return the bounds."""
        return f"lower={self.lower:.4g}, upper={self.upper:.4g}"


def slopes(lower: float, upper: float) -> tuple[float, float]:
    """Return what to multiply random bits with, and what to add, to make slopes of them."""
    step = (upper - lower) / LEVELS
    return step, (lower + upper) / 2 + step / 2
