"""Schedules that fall from 1 on, at once, in steps or smoothly."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sknn_tricks.schedules._checks import (
    ROUNDING,
    check,
    check_by,
    check_times,
    is_count,
    is_time,
)
from sknn_tricks.schedules._moment import Moment


@dataclass(frozen=True)
class constant:
    """Always 1.

    Examples
    --------
    >>> constant()(Moment(50, 100, 10))
    1.0
    """

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        return 1.0


@dataclass(frozen=True)
class step:
    """Times `gamma` at equal distances.

    Parameters
    ----------
    every : int or float, default=1/3
        Epochs between two falls, or with a number below 1 the share of the schedule.
    gamma : float, default=0.1
        In (0, 1].

    Examples
    --------
    >>> falling = step(every=10, gamma=0.5)
    >>> [falling(Moment(epoch, 40, 1)) for epoch in (0, 9, 10, 39)]
    [1.0, 1.0, 0.5, 0.125]
    """

    every: int | float = 1 / 3
    gamma: float = 0.1

    def __post_init__(self) -> None:
        check(is_time(self.every), "every", self.every, _TIMES, "10")
        _check_gamma(self.gamma)

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        if is_count(self.every):
            return self.gamma ** int(moment.epoch // self.every)
        return self.gamma ** int(moment.share_by("epoch") / self.every + ROUNDING)

    def check(self, n_epochs: int) -> None:
        """Raise a ValueError if it would never fall."""
        check_times(self, "every", [self.every], n_epochs)


@dataclass(frozen=True)
class multi_step:
    """Times `gamma` at each milestone.

    Parameters
    ----------
    milestones : tuple of int or float, default=(0.5, 0.75)
        Epochs, counted from 0, at whose beginning it falls; numbers below 1 are shares of the
        schedule.
    gamma : float, default=0.1
        In (0, 1].

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun (2016). Deep residual learning for image recognition. CVPR.

    Examples
    --------
    >>> falling = multi_step(milestones=(30, 60))
    >>> [round(falling(Moment(epoch, 90, 1)), 3) for epoch in (0, 29, 30, 60)]
    [1.0, 1.0, 0.1, 0.01]
    """

    milestones: tuple[int | float, ...] = (0.5, 0.75)
    gamma: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "milestones", tuple(self.milestones))
        holds = all(is_time(milestone) for milestone in self.milestones)
        check(holds, "milestones", self.milestones, f"{_TIMES}, each", "(0.5, 0.75)")
        _check_gamma(self.gamma)

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        share = moment.share_by("epoch") + ROUNDING
        passed = [moment.epoch if is_count(each) else share for each in self.milestones]
        n_passed = sum(at >= each for at, each in zip(passed, self.milestones, strict=True))
        return self.gamma**n_passed

    def check(self, n_epochs: int) -> None:
        """Raise a ValueError if a milestone is never reached."""
        check_times(self, "milestones", self.milestones, n_epochs)


@dataclass(frozen=True)
class exponential:
    """Times `gamma` in each epoch.

    Parameters
    ----------
    gamma : float, default=0.95
        In (0, 1].
    by : {"step", "epoch"}, default="step"
        Whether it falls with each step or with each epoch; both come to the same in an epoch.

    Examples
    --------
    >>> [round(exponential(gamma=0.5)(Moment(step, 40, 10)), 3) for step in (0, 5, 10, 20)]
    [1.0, 0.707, 0.5, 0.25]
    """

    gamma: float = 0.95
    by: str = "step"

    def __post_init__(self) -> None:
        _check_gamma(self.gamma)
        check_by(self.by)

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        return self.gamma ** (moment.share_by(self.by) * moment.n_steps / moment.pace)


@dataclass(frozen=True)
class linear:
    """From 1 to `final` in a straight line.

    Parameters
    ----------
    final : float, default=0.0
        What the step after the last one would have, in [0, 1].
    by : {"step", "epoch"}, default="step"
        Whether it falls with each step or with each epoch.

    Examples
    --------
    >>> [linear()(Moment(step, 100, 10)) for step in (0, 25, 75)]
    [1.0, 0.75, 0.25]
    """

    final: float = 0.0
    by: str = "step"

    def __post_init__(self) -> None:
        check_final(self.final)
        check_by(self.by)

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        return 1 + (self.final - 1) * moment.share_by(self.by)


@dataclass(frozen=True)
class cosine:
    """From 1 to `final` along half a cosine.

    Parameters
    ----------
    final : float, default=0.0
        What the step after the last one would have, in [0, 1].
    by : {"step", "epoch"}, default="step"
        Whether it falls with each step or with each epoch.

    References
    ----------
    I. Loshchilov and F. Hutter (2017). SGDR: stochastic gradient descent with warm restarts. ICLR.

    Examples
    --------
    >>> [round(cosine()(Moment(step, 100, 10)), 3) for step in (0, 25, 50, 75)]
    [1.0, 0.854, 0.5, 0.146]
    """

    final: float = 0.0
    by: str = "step"

    def __post_init__(self) -> None:
        check_final(self.final)
        check_by(self.by)

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        return half_wave(1.0, self.final, moment.share_by(self.by))


@dataclass(frozen=True)
class flat_cosine:
    """1 for a while, then to 0 along half a cosine.

    Parameters
    ----------
    flat : float, default=0.5
        The share of the schedule that is flat, in [0, 1).
    by : {"step", "epoch"}, default="step"
        Whether it falls with each step or with each epoch.

    References
    ----------
    D. Holzmüller, L. Grinsztajn and I. Steinwart (2024). Better by default: strong pre-tuned MLPs
    and boosted trees on tabular data. NeurIPS.

    Examples
    --------
    >>> [round(flat_cosine()(Moment(step, 100, 10)), 3) for step in (0, 50, 75)]
    [1.0, 1.0, 0.5]
    """

    flat: float = 0.5
    by: str = "step"

    def __post_init__(self) -> None:
        check(0 <= self.flat < 1, "flat", self.flat, "a share in [0, 1)", "0.5")
        check_by(self.by)

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        fallen = (moment.share_by(self.by) - self.flat) / (1 - self.flat)
        return half_wave(1.0, 0.0, max(fallen, 0.0))


@dataclass(frozen=True)
class inverse_sqrt:
    """``1 / sqrt(1 + epochs / period)``: ever slower.

    Parameters
    ----------
    period : float, default=1.0
        Epochs until it has fallen to ``1 / sqrt(2)``. After a warm-up as long as that it is the
        schedule of the transformer.
    by : {"step", "epoch"}, default="step"
        Whether it falls with each step or with each epoch.

    References
    ----------
    A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, L. Kaiser and
    I. Polosukhin (2017). Attention is all you need. NeurIPS.

    Examples
    --------
    >>> [round(inverse_sqrt()(Moment(step, 100, 10)), 3) for step in (0, 10, 30, 80)]
    [1.0, 0.707, 0.5, 0.333]
    """

    period: float = 1.0
    by: str = "step"

    def __post_init__(self) -> None:
        check(self.period > 0, "period", self.period, "epochs above 0", "1.0")
        check_by(self.by)

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        n_epochs = moment.share_by(self.by) * moment.n_steps / moment.pace
        return (1 + n_epochs / self.period) ** -0.5


def half_wave(first: float, last: float, share: float) -> float:
    """Return where half a cosine from `first` to `last` stands."""
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


def check_final(final: float) -> None:
    """Raise a ValueError unless it is in its range."""
    check(0 <= final <= 1, "final", final, "a factor in [0, 1]", "0.0")


def _check_gamma(gamma: float) -> None:
    check(0 < gamma <= 1, "gamma", gamma, "a factor in (0, 1]", "0.1")


_TIMES = "epochs (a whole number from 1 on) or a share in (0, 1)"
