"""Settings that are out of range."""

from __future__ import annotations

from numbers import Real
from typing import Any

from sknn_tricks._messages import message


def is_number(value: Any, kind: type = Real) -> bool:
    """Whether a value is a number of that kind; True and False are none."""
    return isinstance(value, kind) and not isinstance(value, bool)


def check(fits: bool, name: str, value: Any, expected: str, example: str) -> None:
    """Raise if a setting does not fit."""
    if not fits:
        raise ValueError(
            message(
                f"{name} is out of range",
                expected=expected,
                got=f"{name}={value!r}",
                todo=f"Try {example}",
            )
        )
