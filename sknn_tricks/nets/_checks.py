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


def check_rising_rates(name: str, value: Any, n: int, places: str) -> list[float]:
    """Return a rate for each of n places, that of the last one if one is given, or raise."""
    rates = check_rates(name, value, n, places)
    if not is_a(value, Real):
        return rates
    return [rate * (i + 1) / n for i, rate in enumerate(rates)]


def as_list(value: Any, kind: type) -> Any:
    """Return one value of that kind, or several, as a list; None if it is neither."""
    if is_a(value, kind):
        return [value]
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else None


def is_a(value: Any, kind: type) -> bool:
    """Say whether a value is of that kind, which True and False are not."""
    return isinstance(value, kind) and not isinstance(value, bool)


def check_widths(name: str, value: Any, places: str) -> list[int]:
    """Return one whole number from 1 up or more, as a list, or raise."""
    widths = as_list(value, Integral)
    if not widths or not all(is_a(width, Integral) and width >= 1 for width in widths):
        raise ValueError(
            message(
                f"{name} has a size that no net can have",
                expected=f"a whole number from 1 up for each {places}",
                got=f"{name}={value!r}",
                todo="Correct the number",
            )
        )
    return [int(width) for width in widths]


def check_counts(name: str, value: Any, n: int, places: str) -> list[int]:
    """Return a whole number from 1 up for each of n places, from one or n of them, or raise."""
    counts = as_list(value, Integral)
    fits = counts is not None and (is_a(value, Integral) or len(counts) == n)
    if not fits or not all(is_a(count, Integral) and count >= 1 for count in counts):
        raise ValueError(
            message(
                f"{name} does not fit the net",
                expected=f"one whole number from 1 up, or {n} of them, one per {places}",
                got=f"{name}={value!r}",
                todo="Correct the number",
            )
        )
    return [int(count) for count in counts] * (n if is_a(value, Integral) else 1)


def check_kernel(name: str, value: int) -> int:
    """Return the size of a kernel that has a middle, or raise."""
    if value % 2 == 0:
        raise ValueError(
            message(
                f"{name} has no middle",
                expected="an odd number of pixels",
                got=f"{name}={value!r}",
                todo="The usual ones are 3 and 5; 1 is for 1x1 convolutions",
            )
        )
    return value
