"""Schedules that rise and fall, once or again and again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sknn_tricks._messages import lookup
from sknn_tricks.schedules._checks import check, check_by, is_count
from sknn_tricks.schedules._decays import check_final, half_wave
from sknn_tricks.schedules._moment import Moment


@dataclass(frozen=True)
class one_cycle:
    """Up to 1 and down to almost nothing, once: short trainings at a high rate.

    Parameters
    ----------
    peak : float, default=0.3
        The share of the schedule at which it is 1, in (0, 1).
    first : float, default=0.04
        Factor of the first step, in [0, 1].
    final : float, default=0.0
        What the step after the last one would have, in [0, 1].
    shape : {"cosine", "linear"}, default="cosine"
        Of both ways.

    Notes
    -----
    Momentum stays as it is; Smith lets it fall while the rate rises.

    References
    ----------
    L. N. Smith and N. Topin (2019). Super-convergence: very fast training of neural networks using
    large learning rates. Artificial Intelligence and Machine Learning for Multi-Domain Operations
    Applications.

    Examples
    --------
    >>> [round(one_cycle()(Moment(step, 100, 10)), 3) for step in (0, 15, 30, 65, 99)]
    [0.04, 0.52, 1.0, 0.5, 0.001]
    """

    peak: float = 0.3
    first: float = 0.04
    final: float = 0.0
    shape: str = "cosine"

    def __post_init__(self) -> None:
        check(0 < self.peak < 1, "peak", self.peak, "a share in (0, 1)", "0.3")
        check(0 <= self.first <= 1, "first", self.first, "a factor in [0, 1]", "0.04")
        check_final(self.final)
        lookup(self.shape, {"cosine": None, "linear": None}, "shape")

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        share = moment.share
        way = half_wave if self.shape == "cosine" else _line
        if share < self.peak:
            return way(self.first, 1.0, share / self.peak)
        return way(1.0, self.final, (share - self.peak) / (1 - self.peak))


@dataclass(frozen=True)
class cyclic:
    """Up from `low` to 1 and down again, in straight lines, several times.

    Parameters
    ----------
    n_cycles : int, default=4
        Of equal length.
    low : float, default=0.1
        Factor at the beginning and the end of a cycle, in [0, 1].
    shrink : float, default=1.0
        How much less a cycle rises than the one before, in (0, 1]; 0.5 is Smith's "triangular2".

    References
    ----------
    L. N. Smith (2017). Cyclical learning rates for training neural networks. WACV.

    Examples
    --------
    >>> [round(cyclic(n_cycles=2)(Moment(step, 100, 10)), 3) for step in (0, 25, 50, 75)]
    [0.1, 1.0, 0.1, 1.0]
    """

    n_cycles: int = 4
    low: float = 0.1
    shrink: float = 1.0

    def __post_init__(self) -> None:
        check_cycles(self.n_cycles)
        check(0 <= self.low <= 1, "low", self.low, "a factor in [0, 1]", "0.1")
        check(0 < self.shrink <= 1, "shrink", self.shrink, "a factor in (0, 1]", "0.5")

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        share, cycle = math.modf(moment.share * self.n_cycles)
        height = 1 - abs(2 * share - 1)
        return _line(self.low, 1.0, height * self.shrink ** int(cycle))


@dataclass(frozen=True)
class cosine_restarts:
    """From 1 to `final` along half a cosine, again and again.

    At the end of each cycle the net is in a minimum: see `sknn_tricks.averaging` for snapshots.

    Parameters
    ----------
    n_cycles : int, default=5
    growth : float, default=1.0
        How much longer a cycle is than the one before, 1 or more.
    final : float, default=0.0
        What the step after the last one of a cycle would have, in [0, 1].
    by : {"step", "epoch"}, default="step"
        Whether it falls with each step or with each epoch.

    References
    ----------
    I. Loshchilov and F. Hutter (2017). SGDR: stochastic gradient descent with warm restarts. ICLR.

    G. Huang, Y. Li, G. Pleiss, Z. Liu, J. E. Hopcroft and K. Q. Weinberger (2017). Snapshot
    ensembles: train 1, get M for free. ICLR.

    Examples
    --------
    >>> [round(cosine_restarts(n_cycles=2)(Moment(step, 100, 10)), 3) for step in (0, 25, 49, 50)]
    [1.0, 0.5, 0.001, 1.0]
    >>> cosine_restarts(n_cycles=2, growth=3.0).ends
    (0.25, 1.0)
    """

    n_cycles: int = 5
    growth: float = 1.0
    final: float = 0.0
    by: str = "step"

    def __post_init__(self) -> None:
        check_cycles(self.n_cycles)
        check(self.growth >= 1, "growth", self.growth, "a factor of 1 or more", "2.0")
        check_final(self.final)
        check_by(self.by)

    @property
    def ends(self) -> tuple[float, ...]:
        """At what share of the schedule each cycle ends."""
        if self.growth == 1:
            return tuple((i + 1) / self.n_cycles for i in range(self.n_cycles))
        whole = self.growth**self.n_cycles - 1
        return tuple((self.growth ** (i + 1) - 1) / whole for i in range(self.n_cycles))

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        share, begin = moment.share_by(self.by), 0.0
        for end in self.ends:
            if share < end:
                break
            begin = end
        return half_wave(1.0, self.final, (share - begin) / (end - begin))


@dataclass(frozen=True)
class coslog:
    """Waves from 0 to 1 and back, each twice as long as the one before, about.

    Parameters
    ----------
    n_cycles : int, default=4

    References
    ----------
    D. Holzmüller, L. Grinsztajn and I. Steinwart (2024). Better by default: strong pre-tuned MLPs
    and boosted trees on tabular data. NeurIPS.

    Examples
    --------
    >>> [round(coslog()(Moment(step, 300, 10)), 3) for step in (0, 20, 60, 140, 299)]
    [0.0, 0.0, 0.0, 0.0, 0.0]
    >>> round(coslog()(Moment(206, 300, 10)), 3)
    1.0
    """

    n_cycles: int = 4

    def __post_init__(self) -> None:
        check_cycles(self.n_cycles)

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        waves = math.log2(1 + (2**self.n_cycles - 1) * moment.share)
        return (1 - math.cos(2 * math.pi * waves)) / 2


def check_cycles(n_cycles: int) -> None:
    """Raise a ValueError unless there is a whole number of cycles."""
    check(is_count(n_cycles), "n_cycles", n_cycles, "a whole number from 1 on", "4")


def _line(first: float, last: float, share: float) -> float:
    return first + (last - first) * share
