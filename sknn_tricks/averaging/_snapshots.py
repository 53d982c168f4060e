"""Snapshot ensembles."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from sknn_tricks._messages import message
from sknn_tricks.averaging._checks import check, is_number
from sknn_tricks.schedules import Moment, constant


@dataclass(frozen=True)
class snapshots:
    """A snapshot ensemble: the nets at the ends of n cycles, whose predictions are averaged.

    Within a cycle the learning rate falls to 0 by half a cosine, and the net settles; then it is
    as high as at first, and the net leaves for another minimum. So one training gives n nets. A
    cycle is a whole number of epochs.

    Parameters
    ----------
    n : int, default=5
        Number of nets; a training has at least as many epochs.

    References
    ----------
    G. Huang, Y. Li, G. Pleiss, Z. Liu, J. E. Hopcroft and K. Q. Weinberger (2017). Snapshot
    ensembles: train 1, get M for free. ICLR.

    Examples
    --------
    >>> snapshots(n=4).epochs(10)
    (3, 5, 8, 10)
    """

    n: int = 5

    def __post_init__(self) -> None:
        counts = is_number(self.n, Integral) and self.n >= 1
        check(counts, "n", self.n, "a whole number from 1 up", "n=5")

    def epochs(self, n_epochs: int) -> tuple[int, ...]:
        """Return the last epoch, from 1, of each cycle."""
        ends = {math.ceil(n_epochs * i / self.n) for i in range(1, self.n + 1)}
        return tuple(sorted(ends))

    def over(self, schedule: Any) -> Any:
        """Return the schedule of the learning rate: the cycles, in place of a constant one."""
        return cycles(self.n) if schedule in ("constant", constant()) else schedule

    def check(self, max_epochs: int, early_stopping: bool) -> None:
        """Raise if a training cannot have the snapshots."""
        if self.n > max_epochs:
            raise ValueError(
                message(
                    "There are more snapshots than epochs",
                    expected=f"max_epochs={self.n} or more",
                    got=f"max_epochs={max_epochs} with {self!r}",
                    todo="Train longer, or take fewer snapshots",
                )
            )
        if early_stopping:
            raise ValueError(
                message(
                    "Snapshots and early stopping exclude each other",
                    expected="a training of all its cycles",
                    got=f"early_stopping=True with {self!r}",
                    todo='Choose one of the two, or averaging="ema"',
                )
            )


@dataclass(frozen=True)
class cycles:
    """The learning rate of `snapshots`: in each of n cycles half a cosine from 1 to 0.

    They end where epochs do, which those of `sknn_tricks.schedules.cosine_restarts` need not. A
    warm-up is taken from the first.

    Parameters
    ----------
    n : int

    Examples
    --------
    >>> from sknn_tricks.schedules import Moment
    >>> [round(cycles(2)(Moment(step, n_steps=8, pace=1)), 2) for step in range(8)]
    [1.0, 0.85, 0.5, 0.15, 1.0, 0.85, 0.5, 0.15]
    """

    n: int

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        ends = snapshots(self.n).epochs(moment.n_epochs)
        cycle = bisect_right(ends, moment.epoch)
        first = (0, *ends)[cycle] * moment.pace
        first, stop = max(first, moment.before), ends[cycle] * moment.pace
        return (1 + math.cos(math.pi * (moment.before + moment.step - first) / (stop - first))) / 2
