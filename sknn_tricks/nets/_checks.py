"""What the parameters of nets have in common: widths and rates, and the errors about them."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

from sknn_tricks._messages import message


def check_width(name: str, value: Any) -> int:
    """Return a whole number from 1 up, or raise."""
    if not (is_a(value, Integral) and value >= 1):
        raise ValueError(
            message(
                f"{name} is no size that a net can have",
                expected="a whole number from 1 up",
                got=f"{name}={value!r}",
                todo="Correct the number",
            )
        )
    return int(value)


def check_rate(name: str, value: Any) -> float:
    """Return a rate in [0, 1), or raise."""
    if not (is_a(value, Real) and 0 <= value < 1):
        raise ValueError(
            message(
                f"{name} is no rate",
                expected="a rate in [0, 1)",
                got=f"{name}={value!r}",
                todo=f"A rate is the share that is dropped, such as {name}=0.2",
            )
        )
    return float(value)


def check_rates(name: str, value: Any, n: int, places: str) -> list[float]:
    """Return a rate for each of n places, from one rate or n of them, or raise."""
    rates = as_list(value, Real)
    fits = rates is not None and (is_a(value, Real) or len(rates) == n)
    if not fits or not all(is_a(rate, Real) and 0 <= rate < 1 for rate in rates):
        raise ValueError(
            message(
                f"{name} does not fit the net",
                expected=f"one rate in [0, 1), or {n} of them, one per {places}",
                got=f"{name}={value!r}",
                todo=f"A rate is the share that is dropped, such as {name}=0.2",
            )
        )
    return [float(rate) for rate in rates] * (n if is_a(value, Real) else 1)


def as_list(value: Any, kind: type) -> Any:
    """Return one value of that kind, or several, as a list; None if it is neither."""
    if is_a(value, kind):
        return [value]
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else None


def is_a(value: Any, kind: type) -> bool:
    """Say whether a value is of that kind, which True and False are not."""
    return isinstance(value, kind) and not isinstance(value, bool)
