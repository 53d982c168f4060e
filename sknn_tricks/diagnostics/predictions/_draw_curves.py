"""ROC and precision-recall curves as figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sknn_tricks.diagnostics._drawing import BLUE, GREY, INK, label
from sknn_tricks.diagnostics.predictions._class_scores import Curves, Floats, Ranked, find_curves
from sknn_tricks.diagnostics.predictions._draw import (
    PALE,
    figure_with_margins,
    thinned,
    unit_square,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of more classes than this, the worst only are told apart.
MOST_COLOURS, WORST = 10, 5
# More folds than this are not drawn.
MOST_FOLDS = 20
GRID = np.linspace(0, 1, 501)

Place = Literal["lower left", "lower right"]
Line = Callable[[Curves], tuple[Floats, Floats]]


def draw_roc(ranked: Ranked) -> Figure:
    """Draw ROC curves.

    Parameters
    ----------
    ranked : Ranked

    Returns
    -------
    matplotlib.figure.Figure
    """

    def line(curves: Curves) -> tuple[Floats, Floats]:
        return curves.false_positive_rate, curves.true_positive_rate

    def at_grid(curves: Curves) -> Floats:
        return np.interp(GRID, *line(curves))

    figure, axes = _square()
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
    _draw(axes, ranked, line, at_grid, "roc_auc")
    unit_square(axes, "false positive rate", "true positive rate")
    _legend(axes, ranked, "AUC", "lower right")
    axes.set_title(f"ROC of {ranked.title}")
    return figure


def draw_precision_recall(ranked: Ranked) -> Figure:
    """Draw precision-recall curves.

    Parameters
    ----------
    ranked : Ranked

    Returns
    -------
    matplotlib.figure.Figure
    """

    def line(curves: Curves) -> tuple[Floats, Floats]:
        return curves.recall, curves.precision

    def at_grid(curves: Curves) -> Floats:
        # The precision of the highest threshold that reaches a recall: recall falls along the
        # curve, and between two thresholds there is nothing to be had.
        last = np.searchsorted(-curves.recall, -GRID, side="right") - 1
        return curves.precision[last]

    figure, axes = _square()
    if len(ranked.names) == 1:
        base = np.average(ranked.positive[:, 0], weights=ranked.sample_weight)
        axes.axhline(base, color=GREY, linestyle=":", linewidth=1)
    _draw(axes, ranked, line, at_grid, "average_precision", drawstyle="steps-post")
    unit_square(axes, "recall", "precision")
    _legend(axes, ranked, "average precision", "lower left")
    axes.set_title(f"Precision and recall of {ranked.title}")
    return figure


def _square() -> tuple[Figure, Axes]:
    figure = figure_with_margins(6.2, 5.6, 0.65, 0.15, 0.55, 0.4)
    return figure, figure.subplots()


def _draw(
    axes: Axes,
    ranked: Ranked,
    line: Line,
    at_grid: Callable[[Curves], Floats],
    area: str,
    **style: Any,
) -> None:
    """Draw each class's curve, and what they are on average."""
    drawn = [(name, each) for name, each in zip(ranked.names, ranked.curves, strict=True) if each]
    if len(ranked.names) == 1:
        _draw_folds(axes, ranked, line, **style)
        text = f"{getattr(drawn[0][1], area):.3f}  all rows"
        axes.plot(*thinned(*line(drawn[0][1])), color=BLUE, linewidth=2, label=text, **style)
        return
    _draw_classes(axes, drawn, line, area, **style)
    mean = np.mean([getattr(each, area) for _, each in drawn])
    macro = np.mean([at_grid(each) for _, each in drawn], axis=0)
    axes.plot(GRID, macro, color=INK, linewidth=2, label=f"{mean:.3f}  macro average", **style)
    if (micro := ranked.micro) is not None:
        text = f"{getattr(micro, area):.3f}  micro average"
        dashes: dict[str, Any] = {"color": INK, "linewidth": 1.5, "linestyle": "--"}
        axes.plot(*thinned(*line(micro)), **dashes, label=text, **style)


def _draw_folds(axes: Axes, ranked: Ranked, line: Line, **style: Any) -> None:
    """Draw the curve of each fold by itself, to show how far apart they are."""
    folds = np.unique(ranked.fold) if ranked.fold is not None else ()
    if not 1 < len(folds) <= MOST_FOLDS:
        return
    for fold in folds:
        rows = ranked.fold == fold
        weight = None if ranked.sample_weight is None else ranked.sample_weight[rows]
        curves = find_curves(ranked.positive[rows, 0], ranked.score[rows, 0], weight)
        if curves is not None:
            axes.plot(*thinned(*line(curves)), color=PALE, linewidth=1, **style)
    axes.plot([], [], color=PALE, label=f"each of {len(folds)} folds")


def _draw_classes(
    axes: Axes, drawn: list[tuple[str, Curves]], line: Line, area: str, **style: Any
) -> None:
    from matplotlib import colormaps

    worst_first = sorted(drawn, key=lambda each: getattr(each[1], area))
    many = len(drawn) > MOST_COLOURS
    named = worst_first[:WORST] if many else drawn
    for _, curves in worst_first[WORST:] if many else ():
        axes.plot(*thinned(*line(curves)), color=PALE, linewidth=0.6, **style)
    for i, (name, curves) in enumerate(named):
        text = f"{getattr(curves, area):.3f}  {label(name)}"
        colour = colormaps["tab10"](i)
        axes.plot(*thinned(*line(curves)), color=colour, linewidth=1.2, label=text, **style)


def _legend(
    axes: Axes, ranked: Ranked, area: str, place: Literal["lower left", "lower right"]
) -> None:
    title = f"{area}, the worst {WORST}" if len(ranked.names) > MOST_COLOURS else area
    axes.legend(title=title, loc=place, fontsize=8, title_fontsize=9, frameon=False)
