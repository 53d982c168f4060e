"""Mean scores at the values of two factors, as heatmaps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.diagnostics._drawing import (
    INK,
    LABEL_SIZE,
    LIGHT,
    RED,
    best_levels,
    inches,
    label,
    label_levels,
    lower_end,
    room_below,
)
from sknn_tricks.diagnostics.searches._panels import (
    Columns,
    Rows,
    by_column,
    by_row,
    draw_panels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from sknn_tricks.diagnostics.searches._report import SearchReport

_MOST_PAIRS = 6
# In inches: the figure, a level, the name of a factor, the scale of colours with its numbers.
_WIDTH, _LEVEL, _NAME, _COLOURS = 13.2, 0.46, 0.42, 1.1
_NARROW = 10.0  # of a single panel
# Above this part of the colour scale, dark numbers can be read.
_BRIGHT = 0.6


def draw(report: SearchReport) -> Figure:
    """Draw a heatmap for each pair of factors, those that explain most first.

    Parameters
    ----------
    report : SearchReport

    Returns
    -------
    matplotlib.figure.Figure
    """
    tables = [_shown(table) for table in list(report.interactions.values())[:_MOST_PAIRS]]
    a_row = min(len(tables), 3)
    lefts = [_NAME + max(inches(label(level)) for level in table.index) for table in tables]
    width = _WIDTH if a_row > 1 else _NARROW
    columns = Columns(width, by_column(lefts, a_row), right=_COLOURS)
    heights = [_LEVEL * max(3, len(table)) for table in tables]
    bottoms = [_NAME + room_below(list(table.columns), columns.panel) for table in tables]
    rows = Rows(by_row(heights, a_row), by_row(bottoms, a_row), top=0.1)
    figure, panels = draw_panels(columns, rows, len(tables), _title(report))
    low, high = _limits(tables)
    for axes, table in zip(panels, tables, strict=True):
        image = _draw_table(axes, table, low, high, columns.panel)
    _draw_colours(figure, image, rows, report.metric, _beyond(tables, low))
    return figure


def _draw_colours(figure: Figure, image: Any, rows: Rows, metric: str, extend: str) -> None:
    """Draw the scale of colours beside all rows."""
    width, height = figure.get_size_inches()
    bottom, top = rows.begin(-1), rows.begin(0) + rows.heights[0]
    place = 1 - (_COLOURS - 0.1) / width, bottom / height, 0.18 / width, (top - bottom) / height
    name = label(f"mean {metric}", 30)
    figure.colorbar(image, cax=figure.add_axes(place), label=name, extend=extend)


def _title(report: SearchReport) -> str:
    n = len(report.interactions)
    which = f": {_MOST_PAIRS} of {n} pairs" if n > _MOST_PAIRS else ""
    return f"Mean {report.metric[:60]} at the values of two factors{which}"


def _shown(table: DataFrame) -> DataFrame:
    """Return the levels that have a place; fewer levels, or shorter names, go across."""
    by_row, by_column = (table.mean(axis=axis).to_numpy(float) for axis in (1, 0))
    table = table.iloc[best_levels(by_row), best_levels(by_column)]
    down, across = ((len(names), max(map(len, names))) for names in table.axes)
    return table.T if across > down else table


def _limits(tables: list[DataFrame]) -> tuple[float, float]:
    """Return the scores that the colours end at; a few that are far below do not count."""
    every = np.concatenate([table.to_numpy().ravel() for table in tables])
    every = every[np.isfinite(every)]
    return lower_end(every), float(every.max())


def _beyond(tables: list[DataFrame], low: float) -> str:
    return "min" if min(np.nanmin(table.to_numpy()) for table in tables) < low else "neither"


def _draw_table(axes: Axes, table: DataFrame, low: float, high: float, width: float) -> Any:
    means = table.to_numpy(float)
    axes.set_facecolor(LIGHT)  # shows where there is no candidate
    image = axes.imshow(
        np.ma.masked_invalid(means), cmap="viridis", vmin=low, vmax=high, aspect="auto"
    )
    label_levels(axes, list(table.columns), width)
    down = [label(level) for level in table.index]
    axes.set_yticks(range(len(table)), down, size=LABEL_SIZE)
    axes.set_xlabel(label(str(table.columns.name), 40), color=INK, fontweight="bold")
    axes.set_ylabel(label(str(table.index.name), 28), color=INK, fontweight="bold")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _write_numbers(axes, means, (low, high), width / means.shape[1])
    _frame_best(axes, means)
    return image


def _write_numbers(
    axes: Axes, means: NDArray[np.float64], ends: tuple[float, float], room: float
) -> None:
    """Write the means into their cells if these are wide enough: `room` is in inches."""
    low, span = ends[0], ends[1] - ends[0]
    digits = int(np.clip(2 - math.floor(math.log10(span)), 0, 6)) if span > 0 else 4
    texts = {at: f"{means[at]:.{digits}f}" for at in np.ndindex(means.shape)}
    if max(map(inches, texts.values())) > room:
        return
    look: dict[str, Any] = {"ha": "center", "va": "center", "size": LABEL_SIZE}
    for (row, column), text in texts.items():
        if np.isfinite(mean := means[row, column]):
            is_bright = span <= 0 or (mean - low) / span > _BRIGHT
            axes.text(column, row, text, color=INK if is_bright else "white", **look)


def _frame_best(axes: Axes, means: NDArray[np.float64]) -> None:
    from matplotlib.patches import Rectangle

    row, column = np.unravel_index(np.nanargmax(means), means.shape)
    look: dict[str, Any] = {"fill": False, "edgecolor": RED, "linewidth": 2.5}
    corner = column - 0.5, row - 0.5
    axes.add_patch(Rectangle(corner, 1, 1, clip_on=False, zorder=3, **look))
