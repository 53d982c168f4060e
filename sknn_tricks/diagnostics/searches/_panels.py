"""Figures of several panels, laid out in inches.

Matplotlib's own layout engines measure each label, which takes as long as drawing the figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from sknn_tricks.diagnostics._drawing import INK, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Above the panels, and to the right of each, in inches.
_TITLE, _GAP = 0.45, 0.2
_DOTS_AN_INCH = 100


@dataclass(frozen=True)
class Columns:
    """Where the columns of a figure are, in inches.

    Parameters
    ----------
    width : float
        Of the figure.
    lefts : sequence of float
        Room for labels to the left of each column.
    right : float, default=0.0
        Room to the right of all.

    Examples
    --------
    >>> Columns(10.0, [1.0, 0.6]).panel
    4.0
    """

    width: float
    lefts: Sequence[float]
    right: float = 0.0

    @property
    def panel(self) -> float:
        """How wide each panel is."""
        n = len(self.lefts)
        return (self.width - self.right - sum(self.lefts) - n * _GAP) / n

    def begin(self, column: int) -> float:
        """Where the panels of a column begin."""
        return sum(self.lefts[: column + 1]) + column * (self.panel + _GAP)


@dataclass(frozen=True)
class Rows:
    """Where the rows of a figure are, in inches.

    Parameters
    ----------
    heights : sequence of float
        Of the panels of each row.
    bottoms : sequence of float
        Room for labels below each.
    top : float
        Room for a title above each.
    below : float
        Room below all.
    """

    heights: Sequence[float]
    bottoms: Sequence[float]
    top: float
    below: float = 0.1

    @property
    def height(self) -> float:
        """How high the figure is."""
        return _TITLE + self._ends[-1] + self.below

    def begin(self, row: int) -> float:
        """Where the panels of a row begin, from below."""
        return self.height - _TITLE - self._ends[row] + self.bottoms[row]

    @property
    def _ends(self) -> list[float]:
        every = zip(self.heights, self.bottoms, strict=True)
        return list(accumulate(height + bottom + self.top for height, bottom in every))


def draw_panels(
    columns: Columns, rows: Rows, n: int, title: str, share_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure of no window and its empty panels, row by row.

    Parameters
    ----------
    columns : Columns
    rows : Rows
    n : int
        Number of panels.
    title : str
    share_y : bool, default=False
        Whether all have the y axis of the first, with numbers in the first column only.

    Returns
    -------
    figure : matplotlib.figure.Figure
    panels : list of matplotlib.axes.Axes
    """
    from matplotlib.figure import Figure

    width, height = columns.width, rows.height
    figure = Figure(figsize=(width, height), dpi=_DOTS_AN_INCH)
    figure.suptitle(label(title, 120), y=1 - 0.1 / height, fontweight="bold", color=INK)
    panels: list[Any] = []
    for i in range(n):
        row, column = divmod(i, len(columns.lefts))
        place = (
            columns.begin(column) / width,
            rows.begin(row) / height,
            columns.panel / width,
            rows.heights[row] / height,
        )
        panels.append(figure.add_axes(place, sharey=panels[0] if share_y and panels else None))
        panels[-1].tick_params(labelleft=not share_y or column == 0)
    return figure, panels


def n_columns(n: int) -> int:
    """Return how many of `n` panels stand in a row: up to 3.

    Examples
    --------
    >>> [n_columns(n) for n in (1, 2, 3, 4, 5, 9)]
    [1, 2, 3, 2, 3, 3]
    """
    return 2 if n == 4 else min(n, 3)


def by_row(values: Sequence[float], length: int) -> list[float]:
    """Return the largest value of each row of panels.

    Examples
    --------
    >>> by_row([1, 3, 2, 5], 3)
    [3, 5]
    """
    n_rows = math.ceil(len(values) / length)
    return [max(values[i * length : (i + 1) * length]) for i in range(n_rows)]


def by_column(values: Sequence[float], length: int) -> list[float]:
    """Return the largest value of each column of panels.

    Examples
    --------
    >>> by_column([1, 3, 2, 5], 3)
    [5, 3, 2]
    """
    return [max(values[i::length]) for i in range(length)]
