"""The schedules by name."""

from __future__ import annotations

from sknn_tricks._messages import lookup, message
from sknn_tricks.schedules._cycles import cosine_restarts, coslog, cyclic, one_cycle
from sknn_tricks.schedules._decays import (
    constant,
    cosine,
    exponential,
    flat_cosine,
    inverse_sqrt,
    linear,
    multi_step,
    step,
)
from sknn_tricks.schedules._moment import Schedule
from sknn_tricks.schedules._plateau import plateau

SCHEDULES: dict[str, Schedule] = {
    "constant": constant(),
    "cosine": cosine(),
    "cosine_restarts": cosine_restarts(),
    "coslog4": coslog(4),
    "cyclic": cyclic(),
    "exponential": exponential(),
    "flat_cosine": flat_cosine(),
    "inverse_sqrt": inverse_sqrt(),
    "linear": linear(),
    "multi_step": multi_step(),
    "one_cycle": one_cycle(),
    "plateau": plateau(),
    "step": step(),
}


def make_schedule(schedule: str | Schedule, name: str = "schedule") -> Schedule:
    """Return the schedule of a name.

    Parameters
    ----------
    schedule : str or callable (Moment) -> float
        One of `SCHEDULES`, or a schedule itself.
    name : str, default="schedule"
        The parameter that it was given for, for the error.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If there is no schedule of that name.
    TypeError
        If it is a class of schedules.

    Examples
    --------
    >>> make_schedule("cosine")
    cosine(final=0.0, by='step')
    """
    if isinstance(schedule, type):
        raise TypeError(
            message(
                f"{name} is a class",
                expected="a name, or a schedule with its settings",
                got=schedule.__name__,
                todo=f"Write {schedule.__name__}()",
            )
        )
    return schedule if callable(schedule) else lookup(schedule, SCHEDULES, name)
