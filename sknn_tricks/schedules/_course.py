"""A schedule in one training: its warm-up, its factors epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from numbers import Real
from typing import Any

from sknn_tricks._messages import message
from sknn_tricks.schedules._by_name import make_schedule
from sknn_tricks.schedules._decays import constant
from sknn_tricks.schedules._moment import Moment, Schedule


def factor_at(schedule: Schedule, step: int, n_steps: int, pace: int, warmup: float = 0.0) -> float:
    """Return the factor of a step of a training.

    Parameters
    ----------
    schedule : callable (Moment) -> float
    step : int
        From 0.
    n_steps : int
        Steps of the training.
    pace : int
        Steps of an epoch.
    warmup : float, default=0.0
        Share of the steps that rise from 0 to 1 in a straight line, in [0, 1). The schedule runs
        over the others. The first step is above 0, and the first one after the warm-up is 1 (of a
        schedule that begins with 1).

    Returns
    -------
    float

    Examples
    --------
    >>> [factor_at(constant(), step, n_steps=10, pace=5, warmup=0.3) for step in range(4)]
    [0.25, 0.5, 0.75, 1.0]
    """
    n_warm = min(round(warmup * n_steps), n_steps - 1)
    if step < n_warm:
        return (step + 1) / (n_warm + 1)
    return schedule(Moment(step - n_warm, n_steps - n_warm, pace, n_warm))


class Course:
    """The factors of a schedule in one training, epoch by epoch.

    Parameters
    ----------
    name : str
        What it is the schedule of, for errors.
    schedule : str or callable (Moment) -> float
    n_epochs : int
        Of the training.
    pace : int
        Steps of an epoch.
    warmup : float, default=0.0
        Share of the training that rises before.
    highest : float, default=inf
        Bound on the factors.

    Attributes
    ----------
    factors : tuple of float or None
        Of each step of the epoch; None for a factor that is always 1.
    is_constant : bool
        The factor is always 1.

    Raises
    ------
    ValueError
        If there is no such schedule, or the training is too short for it.
    """

    def __init__(
        self,
        name: str,
        schedule: str | Schedule,
        n_epochs: int,
        pace: int,
        warmup: float = 0.0,
        highest: float = math.inf,
    ) -> None:
        made: Any = make_schedule(schedule, name)
        if hasattr(made, "check"):
            made.check(n_epochs)
        self._name, self._highest = name, highest
        self._schedule = made.begin() if hasattr(made, "begin") else made
        self._whole = n_epochs * pace, pace, warmup
        self.is_constant = isinstance(made, constant) and not warmup
        self._n_begun = 0
        self.factors: tuple[float, ...] | None = None

    def begin_epoch(self) -> None:
        """Settle the factors of the next epoch."""
        if not self.is_constant:
            self.factors = None
            factors = _factors_of_epoch(self._schedule, self._n_begun, *self._whole)
            self.factors = self._checked(factors)
        self._n_begun += 1

    def end_epoch(self, loss: float) -> None:
        """Hear of an epoch's loss."""
        if hasattr(self._schedule, "end_epoch"):
            self._schedule.end_epoch(loss)

    def _checked(self, factors: Sequence[Any]) -> tuple[float, ...]:
        for factor in factors:
            is_number = isinstance(factor, Real) and math.isfinite(factor)
            if not (is_number and 0 <= factor <= self._highest):
                raise ValueError(_no_factor(self._name, factor, self._highest))
        return tuple(float(factor) for factor in factors)


def _factors_of_epoch(
    schedule: Schedule, epoch: int, n_steps: int, pace: int, warmup: float
) -> tuple[Any, ...]:
    """Return the factors of an epoch; those of equal schedules are worked out once."""
    pure = not hasattr(schedule, "end_epoch") and _is_hashable(schedule)
    work_out = _remembered if pure else _worked_out
    return work_out(schedule, epoch, n_steps, pace, warmup)


def _worked_out(
    schedule: Schedule, epoch: int, n_steps: int, pace: int, warmup: float
) -> tuple[Any, ...]:
    steps = range(epoch * pace, (epoch + 1) * pace)
    return tuple(factor_at(schedule, step, n_steps, pace, warmup) for step in steps)


_remembered = lru_cache(maxsize=128)(_worked_out)


def _is_hashable(schedule: Schedule) -> bool:
    try:
        hash(schedule)
    except TypeError:
        return False
    return True


def _no_factor(name: str, factor: Any, highest: float) -> str:
    return message(
        f"{name} gives something that is no factor",
        expected=f"numbers from 0 to {highest:g}" if highest < math.inf else "numbers from 0 on",
        got=repr(factor),
        todo="Let the schedule return such a number for each Moment",
    )
