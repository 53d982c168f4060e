"""Scores as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sknn_tricks.diagnostics._markdown import table

if TYPE_CHECKING:
    from pandas import DataFrame


def number(value: float, digits: int = 4) -> str:
    """Return a score with as many digits as tell something.

    Examples
    --------
    >>> number(0.97216), number(0.01234, 2), number(12345.6), number(3), number(float("nan"))
    ('0.9722', '0.012', '12346', '3', '-')
    """
    if value != value:
        return "-"
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def scores_table(scores: dict[str, float], by_fold: DataFrame | None) -> str:
    """Return a table of the scores, with their mean and standard deviation over the folds."""
    if by_fold is None:
        rows = [[name, number(value)] for name, value in scores.items()]
        return "\n".join(table(["score", "all rows:"], rows))
    means, spreads = by_fold.mean(), by_fold.std(ddof=0)
    rows = [
        [name, number(value), f"{number(means[name])} ± {number(spreads[name], 2)}"]
        for name, value in scores.items()
    ]
    head = ["score", "all rows:", f"mean ± sd of {len(by_fold)} folds:"]
    return "\n".join(table(head, rows))
