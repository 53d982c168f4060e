"""Settings of transforms that are out of range."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from sknn_tricks._messages import message

FILLS = ("edge", "reflect")


def is_number(value: Any, low: float = 0.0, high: float = float("inf")) -> bool:
    """Whether a value is a number from `low` to `high`; True and False are none."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    return low <= float(value) <= high


def is_range(value: Any, low: float = 0.0, high: float = float("inf")) -> bool:
    """Whether a value is a pair of such numbers in their order."""
    is_pair = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
    return is_pair and all(is_number(end, low, high) for end in value) and value[0] <= value[1]


def check(fits: bool, owner: Any, name: str, expected: str, example: str) -> None:
    """Raise if a parameter of a transform does not fit."""
    if not fits:
        raise ValueError(
            message(
                f"{name} of {type(owner).__name__} is out of range",
                expected=expected,
                got=f"{name}={getattr(owner, name)!r}",
                todo=f"Try {example}",
            )
        )


def check_p(owner: Any) -> None:
    """Raise if `p` is no probability."""
    check(is_number(owner.p, 0, 1), owner, "p", "a probability from 0 to 1", "p=0.5")


def check_length(owner: Any, name: str, example: str) -> None:
    """Raise if a parameter is neither a number of pixels nor a share of the image's side."""
    value = getattr(owner, name)
    fits = is_number(value, 0, 1) or (isinstance(value, Integral) and is_number(value))
    expected = "a whole number of pixels, or a share of the side from 0.0 to 1.0"
    check(fits, owner, name, expected, example)


def check_fill(owner: Any, *names: str) -> None:
    """Raise if `fill` is neither a number nor one of these names."""
    listed = "".join(f', "{name}"' for name in names)
    fits = is_number(owner.fill, float("-inf")) or owner.fill in names
    check(fits, owner, "fill", f"a number{listed}", "fill=0.0")


def pixels(length: float, side: int) -> int:
    """Return a length, in pixels or as a share of the side, in whole pixels.

    Examples
    --------
    >>> pixels(4, 32), pixels(0.125, 32), pixels(1.0, 32)
    (4, 4, 32)
    """
    return int(length) if isinstance(length, Integral) else round(length * side)


def scaled_length(length: float, strength: float, side: int, longest: int) -> float:
    """Return a length times a strength, the longest one at most.

    Parameters
    ----------
    length : float
        In pixels, or as a share of the side. Pixels that were more than the longest stay as many.
    strength : float
    side, longest : int
        In pixels.

    Examples
    --------
    >>> scaled_length(0.5, 3.0, side=32, longest=32), scaled_length(20, 3.0, side=32, longest=32)
    (1.0, 32)
    """
    if isinstance(length, Integral):
        return min(round(length * strength), max(longest, int(length)))
    return min(length * strength, longest / max(side, 1))


def check_angles(owner: Any, name: str, largest: float) -> None:
    """Raise if a parameter is neither an angle nor a pair of them."""
    value = getattr(owner, name)
    fits = is_number(value, 0, largest) or is_range(value, -largest, largest)
    expected = f"an angle from 0 to {largest}, or the smallest and the largest, in degrees"
    check(fits, owner, name, expected, f"{name}=15")


def scaled_angles(degrees: Any, strength: float, largest: float) -> tuple[float, float]:
    """Return the smallest and the largest angle times a strength, none above the largest there is.

    Examples
    --------
    >>> scaled_angles(60, 2.0, 89), scaled_angles((0, 20), 2.0, 89)
    ((-89, 89), (0.0, 40.0))
    """
    low, high = (min(max(end * strength, -largest), largest) for end in ends(degrees))
    return low, high


def check_factors(owner: Any, name: str) -> None:
    """Raise if a parameter is no pair of factors."""
    value = getattr(owner, name)
    fits = is_range(value) and value[0] > 0 and value[1] < float("inf")
    expected = "the smallest and the largest factor, above 0"
    check(fits, owner, name, expected, f"{name}=(0.8, 1.25)")


def ends(value: Any) -> tuple[float, float]:
    """Return the ends of a range, which one number stands for on both sides of 0.

    Examples
    --------
    >>> ends(15), ends((0, 15))
    ((-15, 15), (0, 15))
    """
    return (-value, value) if isinstance(value, Real) else tuple(value)
