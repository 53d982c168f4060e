"""The score of each candidate at each value of each factor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.diagnostics._drawing import (
    BLUE,
    GREY,
    INK,
    RED,
    best_levels,
    label,
    label_levels,
    lower_end,
    room_below,
    tidy,
)
from sknn_tricks.diagnostics._words import count, percent
from sknn_tricks.diagnostics.searches._effects import Groups, group
from sknn_tricks.diagnostics.searches._factors import Factor
from sknn_tricks.diagnostics.searches._panels import (
    Columns,
    Rows,
    by_row,
    draw_panels,
    n_columns,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sknn_tricks.diagnostics.searches._report import SearchReport

_MOST_PANELS = 9
# In inches: the figure, a panel, the numbers and name of the y axis, the labels of the x axis.
_WIDTH, _HEIGHT, _LEFT, _LABELS = 12.6, 2.5, 0.95, 0.3
_NARROW = 10.0  # of a single panel
# Steps of the golden ratio spread any number of dots evenly, and always in the same way.
_GOLDEN, _DOTS_WIDTH, _BAR_WIDTH = (math.sqrt(5) - 1) / 2, 0.5, 0.7
# Dots of a candidate: large and dense where they are few.
_FEW = 60


class _Places(NamedTuple):
    """Where candidates and levels are on the x axis; NaN for what is not drawn."""

    dots: NDArray[np.float64]  # (n_candidates,)
    bars: NDArray[np.float64]  # (n_levels, 2): begin and end


def draw(report: SearchReport) -> Figure:
    """Draw a panel for each factor, those that matter most first.

    Parameters
    ----------
    report : SearchReport

    Returns
    -------
    matplotlib.figure.Figure
    """
    factors = report.factors[:_MOST_PANELS]
    a_row = n_columns(len(factors))
    columns = Columns(_WIDTH if a_row > 1 else _NARROW, [_LEFT, *[0.0] * (a_row - 1)])
    found = [_groups(report, factor) for factor in factors]
    bottoms = [_bottom(*each, columns.panel) for each in zip(factors, found, strict=True)]
    below = by_row(bottoms, a_row)
    rows = Rows([_HEIGHT] * len(below), below, top=0.4, below=0.4)
    figure, panels = draw_panels(columns, rows, len(factors), _title(report), share_y=True)
    for axes, factor, groups in zip(panels, factors, found, strict=True):
        _draw_factor(axes, report, factor, groups, columns.panel)
    for axes in panels[::a_row]:
        axes.set_ylabel(label(f"{report.metric}, mean of {count(report.n_splits, 'fold')}", 40))
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="lower center", ncols=4, frameon=False)
    return figure


def _title(report: SearchReport) -> str:
    n = len(report.factors)
    which = f": {_MOST_PANELS} of {n} factors" if n > _MOST_PANELS else ""
    return f"What mattered in {count(report.n_candidates, 'candidate')}{which}"


def _groups(report: SearchReport, factor: Factor) -> Groups:
    fair = report.trials.is_fair
    return group(report.trials.mean[fair], factor.codes[fair], len(factor.levels))


def _is_on_scale(factor: Factor) -> bool:
    return factor.is_binned and factor.is_numeric


def _bottom(factor: Factor, found: Groups, width: float) -> float:
    """Return the inches that are needed below a panel."""
    if _is_on_scale(factor):
        return _LABELS
    shown = best_levels(found.mean)
    name = _LABELS if len(shown) < len(factor.levels) else 0
    return name + room_below([factor.levels[i] for i in shown], width)


def _draw_factor(
    axes: Axes, report: SearchReport, factor: Factor, found: Groups, width: float
) -> None:
    trials = report.trials
    fair = np.flatnonzero(trials.is_fair)
    scores = trials.mean[fair]
    if _is_on_scale(factor):
        places = _on_scale(axes, factor, fair)
    else:
        places = _on_places(axes, factor, factor.codes[fair], found, width)
    least = lower_end(scores)
    _draw_dots(axes, places.dots, scores, least)
    _draw_means(axes, places.bars, np.maximum(found.mean, least))
    winner = report.candidates[fair] == report.candidates[report.winner]
    own: dict[str, Any] = {"zorder": 4, "edgecolor": "white", "color": RED, "label": "the winner"}
    axes.scatter(places.dots[winner], scores[winner], 130, marker="*", **own)
    axes.set_title(label(factor.name, 28), loc="left", color=INK, fontweight="bold", fontsize=11)
    axes.set_title(_share(found), loc="right", color=GREY, fontsize=9)
    tidy(axes)


def _on_scale(axes: Axes, factor: Factor, fair: NDArray[np.int64]) -> _Places:
    """Place candidates by their number, and levels where their numbers are."""
    dots, codes = factor.numbers[fair], factor.codes[fair]
    axes.set_xscale("log" if factor.is_log else "linear")
    bars = np.full((len(factor.levels), 2), np.nan)
    for level in np.unique(codes):
        bars[level] = dots[codes == level].min(), dots[codes == level].max()
    return _Places(dots, bars)


def _on_places(
    axes: Axes, factor: Factor, codes: NDArray[np.int64], found: Groups, width: float
) -> _Places:
    """Give each level a place of its own; of many, to the best."""
    shown = best_levels(found.mean)
    at = np.full(len(factor.levels), np.nan)
    at[shown] = np.arange(len(shown))
    label_levels(axes, [factor.levels[i] for i in shown], width)
    axes.set_xlim(-0.6, len(shown) - 0.4)
    if len(shown) < len(at):
        axes.set_xlabel(f"the best {len(shown)} of {len(at):,} values", color=GREY)
    spread = (np.arange(len(codes)) * _GOLDEN % 1 - 0.5) * _DOTS_WIDTH
    return _Places(at[codes] + spread, at[:, None] + np.array([-0.5, 0.5]) * _BAR_WIDTH)


def _draw_dots(
    axes: Axes, places: NDArray[np.float64], scores: NDArray[np.float64], least: float
) -> None:
    is_few = len(scores) <= _FEW
    look: dict[str, Any] = {"color": BLUE, "linewidth": 0, "zorder": 2}
    look |= {"s": 34, "alpha": 0.55} if is_few else {"s": 14, "alpha": 0.3}
    is_in = scores >= least
    axes.scatter(places[is_in], scores[is_in], label="a candidate", **look)
    if not is_in.all():
        below = axes.get_xaxis_transform()  # y in parts of the height
        at = np.full(int((~is_in).sum()), 0.02)
        lower = label(f"below {least:.4g}")
        axes.scatter(places[~is_in], at, marker="v", transform=below, label=lower, **look)


def _draw_means(axes: Axes, bars: NDArray[np.float64], means: NDArray[np.float64]) -> None:
    is_there = np.isfinite(bars[:, 0]) & np.isfinite(means)
    begins, ends = bars[is_there].T
    heights = means[is_there]
    axes.hlines(heights, begins, ends, colors=INK, linewidth=2.5, zorder=3, label="mean")


def _share(found: Groups) -> str:
    if math.isnan(found.share):
        return "all scores are equal"
    share, chance = (percent(round(part, 2)) for part in (found.share, found.by_chance))
    return f"explains {share} (chance: {chance})"
