"""Numbers and names as reports print them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def count(n: int, what: str) -> str:
    """Return a number with what it counts.

    Examples
    --------
    >>> count(1, "row"), count(12000, "row")
    ('1 row', '12,000 rows')
    """
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def percent(share: float) -> str:
    """Return a share in percent; none of it and all of it only where that is exact.

    Examples
    --------
    >>> percent(0.25), percent(1e-6), percent(0), percent(0.99999)
    ('25 %', '< 0.01 %', '0 %', '> 99.99 %')
    """
    if 0 < share < 1e-4:
        return "< 0.01 %"
    if 1 - 1e-4 < share < 1:
        return "> 99.99 %"
    return f"{100 * share:.3g} %" if share < 0.99 else f"{100 * share:.4g} %"


def listed(names: Sequence[Any], most: int = 5) -> str:
    """Return names with commas between them, the first ones of many.

    Examples
    --------
    >>> listed(["a", "b"]), listed(range(9))
    ('a, b', '0, 1, 2, 3, 4 and 4 more')
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(str(name) for name in names[:most]) + more
