"""Where a training stands: what a schedule is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """A step of a training, as a schedule sees it.

    Parameters
    ----------
    step : int
        Steps that the schedule has had, from 0.
    n_steps : int
        Steps that it has in all.
    pace : int
        Steps of an epoch.
    before : int, default=0
        Steps of the training before the schedule began: those of the warm-up.

    Examples
    --------
    >>> moment = Moment(step=30, n_steps=120, pace=10)
    >>> moment.epoch, moment.n_epochs, moment.share
    (3, 12, 0.25)
    """

    step: int
    n_steps: int
    pace: int
    before: int = 0

    @property
    def epoch(self) -> int:
        """The epoch of the training, from 0."""
        return (self.before + self.step) // self.pace

    @property
    def n_epochs(self) -> int:
        """Epochs of the training."""
        return (self.before + self.n_steps) // self.pace

    @property
    def share(self) -> float:
        """How much of the schedule is over, in [0, 1)."""
        return self.step / self.n_steps

    def share_by(self, by: str) -> float:
        """Return how much of the schedule is over, or with "epoch" was when the epoch began.

        Parameters
        ----------
        by : {"step", "epoch"}
        """
        if by == "step":
            return self.share
        return max(self.epoch * self.pace - self.before, 0) / self.n_steps


Schedule = Callable[[Moment], float]
