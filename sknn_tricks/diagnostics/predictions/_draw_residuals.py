"""Predicted numbers and their residuals as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sknn_tricks.diagnostics._drawing import BLUE, GREY, RED, label, tidy
from sknn_tricks.diagnostics._words import count
from sknn_tricks.diagnostics.predictions._class_scores import Floats
from sknn_tricks.diagnostics.predictions._numbers import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sknn_tricks.diagnostics.predictions._regression import RegressionReport

# More rows than this are drawn as how many there are in each place.
MOST_POINTS = 5000
# Rows that would be white, so that one row is not.
FAINTEST = 0.2
MOST_PANELS, ACROSS = 6, 3


def draw_residuals(report: RegressionReport) -> Figure:
    """Draw a report: three views of one target, or one view of each of several.

    Parameters
    ----------
    report : RegressionReport

    Returns
    -------
    matplotlib.figure.Figure
    """
    return _draw_one(report) if len(report.targets) == 1 else _draw_several(report)


def _draw_one(report: RegressionReport) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4.3), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    true, predicted = report.true[:, 0], report.predicted[:, 0]
    _draw_pairs(left, true, predicted)
    _cloud(middle, predicted, report.residuals)
    middle.axhline(0, color=GREY, linewidth=1)
    middle.set_xlabel("predicted")
    middle.set_ylabel("true minus predicted")
    right.hist(report.residuals, bins=_edges(report.residuals), color=BLUE)
    right.axvline(0, color=GREY, linewidth=1)
    mean = np.average(report.residuals, weights=report.sample_weight)
    right.axvline(mean, color=RED, linewidth=1.5, label=f"mean {number(mean)}")
    right.set_xlabel("true minus predicted")
    right.set_ylabel("rows")
    right.legend(loc="upper right", fontsize=8, frameon=False)
    for axes in (middle, right):
        _finish(axes)
    scores = ", ".join(f"{name} {number(value)}" for name, value in _named(report.scores).items())
    figure.suptitle(f"{count(len(true), 'row')}: {scores}")
    return figure


def _draw_several(report: RegressionReport) -> Figure:
    from matplotlib.figure import Figure

    shown = np.arange(len(report.targets))
    some = ""
    if len(shown) > MOST_PANELS:
        shown = np.argsort(report.per_target["r2"].to_numpy(), kind="stable")[:MOST_PANELS]
        some = f", the {MOST_PANELS} predicted worst"
    down = -(-len(shown) // ACROSS)
    across = min(len(shown), ACROSS)
    figure = Figure(figsize=(4.3 * across, 4.3 * down), layout="constrained")
    for place, k in enumerate(shown, start=1):
        axes = figure.add_subplot(down, across, place)
        _draw_pairs(axes, report.true[:, k], report.predicted[:, k])
        r2, rmse = (number(report.per_target[name].iloc[k]) for name in ("r2", "rmse"))
        axes.set_title(f"{label(report.targets[k])}: R2 {r2}, RMSE {rmse}")
    figure.suptitle(f"{count(len(report.true), 'row')} of {len(report.targets)} targets{some}")
    return figure


def _named(scores: dict[str, float]) -> dict[str, float]:
    names = {"r2": "R2", "rmse": "RMSE", "mae": "MAE", "bias": "bias"}
    return {names[name]: value for name, value in scores.items()}


def _draw_pairs(axes: Axes, true: Floats, predicted: Floats) -> None:
    _cloud(axes, true, predicted)
    low, high = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    axes.plot([low, high], [low, high], color=GREY, linewidth=1)
    axes.set_xlabel("true")
    axes.set_ylabel("predicted")
    _finish(axes)


def _finish(axes: Axes) -> None:
    axes.ticklabel_format(style="sci", scilimits=(-3, 5))
    tidy(axes)


def _cloud(axes: Axes, x: Floats, y: Floats) -> None:
    """Draw a point for each row, or the number of rows in each hexagon."""
    from matplotlib.colors import LogNorm

    if len(x) > MOST_POINTS:
        norm = LogNorm(vmin=FAINTEST)
        image = axes.hexbin(x, y, gridsize=50, mincnt=1, norm=norm, cmap="Blues", linewidths=0.1)
        bar = axes.figure.colorbar(image, ax=axes, label="rows")
        bar.ax.set_ylim(1, max(2, image.get_clim()[1] or 2))
        return
    size = float(np.clip(3000 / len(x), 3, 20))
    axes.scatter(x, y, s=size, color=BLUE, alpha=0.5, linewidths=0)


def _edges(residuals: Floats) -> Floats:
    """Return the edges of bins: more for more rows, from 10 to 60."""
    return np.histogram_bin_edges(residuals, int(np.clip(np.sqrt(len(residuals)), 10, 60)))
