"""Where classes are confused, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sknn_tricks.diagnostics._words import count, percent

if TYPE_CHECKING:
    from sknn_tricks.diagnostics.predictions._classification import ClassificationReport

# Pairs and classes that are named.
NAMED = 3


def in_words(report: ClassificationReport, name: Callable[[str], str]) -> list[str]:
    """Say which classes are confused most and found least.

    Parameters
    ----------
    report : ClassificationReport
    name : callable (str) -> str
        How a class is written.

    Returns
    -------
    list of str
        Items of a list.
    """
    if report.most_confused.empty:
        return ["- Every row was given its class."]
    lines = [f"- Most often confused: {_pairs(report, name)}."]
    if len(report.classes) > 2:
        lines.append(f"- Lowest recall: {_recalls(report, name)}.")
    else:
        lines.append(f"- Recall: {_recalls(report, name)}.")
    return lines


def _pairs(report: ClassificationReport, name: Callable[[str], str]) -> str:
    worst = report.most_confused.head(NAMED).itertuples(index=False)
    return ", ".join(
        f"{name(str(pair.true))} taken for {name(str(pair.predicted))} ({_amount(pair.count)}, "
        f"{percent(pair.share)} of {name(str(pair.true))})"
        for pair in worst
    )


def _recalls(report: ClassificationReport, name: Callable[[str], str]) -> str:
    found = report.per_class.dropna(subset="recall").sort_values("recall", kind="stable")
    return ", ".join(
        f"{name(str(label))} ({percent(recall)} of {_amount(support)})"
        for label, recall, support in zip(
            found.index[:NAMED], found["recall"], found["support"], strict=False
        )
    )


def _amount(rows: float) -> str:
    """Return a number of rows, or their weight."""
    return count(int(rows), "row") if rows == int(rows) else f"a weight of {rows:,.4g}"
