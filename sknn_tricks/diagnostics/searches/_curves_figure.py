"""Learning curves of the winner and the next best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sknn_tricks.diagnostics._drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PURPLE,
    RED,
    label,
    tidy,
)
from sknn_tricks.diagnostics.searches._factors import in_words
from sknn_tricks.diagnostics.searches._learning import Course, Epochs, course, metrics_of
from sknn_tricks.diagnostics.searches._panels import Columns, Rows, draw_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sknn_tricks.diagnostics.searches._report import SearchReport

_COLOURS = (RED, BLUE, GREEN, PURPLE)
_MOST_PANELS = 3
_NUMBERS = 0.7  # inches, of the y axis
_IN_WORDS = {"train": "training", "valid": "validation"}
# A loss that falls by more than this is drawn on a logarithmic axis.
_WIDE_RANGE = 20


def draw(report: SearchReport) -> Figure:
    """Draw a panel for the loss and for each score, with a line and a band per candidate.

    Parameters
    ----------
    report : SearchReport

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = _best_rows(report)
    kinds = list(metrics_of({row: report.curves[row] for row in rows}).items())[:_MOST_PANELS]
    columns = Columns(12.6 if len(kinds) > 1 else 10.0, [_NUMBERS] * len(kinds))
    height = Rows([3.2], [0.55], top=0.4, below=0.2 + 0.22 * len(rows))
    figure, panels = draw_panels(columns, height, len(kinds), _title(report, rows))
    for axes, (kind, metrics) in zip(panels, kinds, strict=True):
        for row, colour in reversed(list(zip(rows, _COLOURS, strict=False))):  # the first on top
            _draw_candidate(axes, report.curves[row], metrics, colour)
        _finish(axes, kind, metrics)
    _add_legend(figure, report, rows)
    return figure


def _best_rows(report: SearchReport) -> list[int]:
    """Return the rows of the winner and the next best, of those that have curves."""
    order = [report.winner, *report.leaderboard.index]
    return list(dict.fromkeys(int(row) for row in order if row in report.curves))[: len(_COLOURS)]


def _title(report: SearchReport, rows: Sequence[int]) -> str:
    which = "the winner" if rows[0] == report.winner else "the best that have curves"
    which += f" and the next {len(rows) - 1}" if len(rows) > 1 else ""
    return f"How {which} learned: mean and standard deviation over the folds"


def _draw_candidate(
    axes: Axes, folds: Sequence[Epochs], metrics: Sequence[str], colour: str
) -> None:
    for metric in metrics:
        found = course(folds, metric)
        if found is not None:
            _draw_course(axes, found, colour, "-" if metric == metrics[-1] else "--")


def _draw_course(axes: Axes, found: Course, colour: str, style: str) -> None:
    """Draw a line, thin where some folds have stopped, and a band where there are several."""
    whole = int((found.n_folds == found.n_folds.max()).sum())
    line: dict[str, Any] = {"color": colour, "linestyle": style}
    axes.plot(found.epochs[:whole], found.mean[:whole], linewidth=2, **line)
    axes.plot(found.epochs[whole - 1 :], found.mean[whole - 1 :], linewidth=0.9, **line)
    if found.n_folds.max() > 1 and style == "-":
        low, high = found.mean - found.std, found.mean + found.std
        axes.fill_between(found.epochs, low, high, color=colour, alpha=0.13, linewidth=0)


def _finish(axes: Axes, kind: str, metrics: Sequence[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    sets = [_IN_WORDS[metric.split("_")[0]] for metric in metrics]
    parts = sets[0] if len(sets) == 1 else "{} dashed, {} solid".format(*sets)
    axes.set_title(label(kind, 40), loc="left", color=INK, fontweight="bold", fontsize=11)
    axes.set_title(parts, loc="right", color=GREY, fontsize=9)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    values = np.concatenate([line.get_ydata() for line in axes.get_lines()])
    if kind == "loss" and values.min() > 0 and values.max() > _WIDE_RANGE * values.min():
        axes.set_yscale("log")
    tidy(axes)


def _add_legend(figure: Figure, report: SearchReport, rows: Sequence[int]) -> None:
    from matplotlib.lines import Line2D

    differ = [f for f in report.factors if len({f.codes[row] for row in rows}) > 1]
    handles = [
        Line2D([], [], color=colour, linewidth=2, label=label(_name(report, row, differ), 110))
        for row, colour in zip(rows, _COLOURS, strict=False)
    ]
    figure.legend(handles=handles, loc="lower center", ncols=1, frameon=False)


def _name(report: SearchReport, row: int, differ: Sequence[Any]) -> str:
    board = report.leaderboard
    rank = f"{board['rank'][row]}. " if row in board.index else ""
    return f"{rank}{in_words(differ, row) or 'the winner'}: {report.trials.mean[row]:.4g}"
