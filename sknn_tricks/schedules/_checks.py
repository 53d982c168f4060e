"""What the settings of schedules have in common: their ranges, and their errors."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from sknn_tricks._messages import lookup, message

# A share such as 2/3 of 30 epochs may come out a rounding error below its epoch.
ROUNDING = 1e-9


def check(holds: bool, name: str, value: Any, expected: str, example: str) -> None:
    """Raise a ValueError unless a setting is in its range."""
    if not holds:
        raise ValueError(
            message(
                f"{name} is out of its range",
                expected=expected,
                got=f"{name}={value!r}",
                todo=f"Try {name}={example}",
            )
        )


def check_by(by: str) -> None:
    """Raise a ValueError unless `by` is known."""
    lookup(by, {"epoch": None, "step": None}, "by")


def is_time(value: Any) -> bool:
    """Whether it is a number of epochs, or a share of the schedule."""
    return is_count(value) or (isinstance(value, Real) and 0 < float(value) < 1)


def is_count(value: Any) -> bool:
    """Whether it is a whole number from 1 on."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def check_times(schedule: Any, name: str, times: Sequence[int | float], n_epochs: int) -> None:
    """Raise a ValueError if the training has not so many epochs."""
    longest = max((time for time in times if is_count(time)), default=0)
    if longest >= n_epochs:
        raise ValueError(
            message(
                f"{schedule} is longer than the training",
                expected=f"epochs below max_epochs={n_epochs}",
                got=f"{name}={getattr(schedule, name)!r}",
                todo="Give fewer epochs, or shares of the training such as 0.5",
            )
        )
