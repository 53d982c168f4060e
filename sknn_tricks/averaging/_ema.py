"""The exponential moving average of the weights."""

from __future__ import annotations

from dataclasses import dataclass

from sknn_tricks.averaging._checks import check, is_number


@dataclass(frozen=True)
class ema:
    """The exponential moving average of the weights, taken after each step.

    The share of step n (from 1) in the average is ``max(1 - decay, (eta + 1) / (n + eta))``. So
    the first weights, which are random, have no part in it, and it looks back at most at the last
    ``1 / (eta + 1)`` of the steps: a decay that suits a long training does no harm in a short one.

    Parameters
    ----------
    decay : float in [0, 1], default=0.999
        What remains of the average in a step: it looks back about ``1 / (1 - decay)`` steps.
    eta : float, default=8.0
        How fast the beginning is forgotten. With ``eta=0`` and ``decay=1`` the average is that of
        all steps alike, Polyak's and Ruppert's.

    References
    ----------
    B. T. Polyak and A. B. Juditsky (1992). Acceleration of stochastic approximation by averaging.
    SIAM Journal on Control and Optimization, 30(4).

    O. Shamir and T. Zhang (2013). Stochastic gradient descent for non-smooth optimization:
    convergence results and optimal averaging schemes. ICML. (The share while it is young.)

    Examples
    --------
    >>> [round(ema(decay=0.9).share(n), 2) for n in (1, 2, 10, 1000)]
    [1.0, 0.9, 0.5, 0.1]
    """

    decay: float = 0.999
    eta: float = 8.0

    def __post_init__(self) -> None:
        decays = is_number(self.decay) and 0 <= self.decay <= 1
        check(decays, "decay", self.decay, "a number from 0 to 1", "decay=0.999")
        forgets = is_number(self.eta) and self.eta >= 0
        check(forgets, "eta", self.eta, "a number from 0 up", "eta=8.0")

    def share(self, n: int) -> float:
        """Return the share of the weights after the n-th step, from 1."""
        return max(1 - self.decay, (self.eta + 1) / (n + self.eta))
