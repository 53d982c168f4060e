"""The confusion matrix as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.diagnostics._drawing import INK, label
from sknn_tricks.diagnostics._words import count, percent
from sknn_tricks.diagnostics.predictions._draw import figure_with_margins

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sknn_tricks.diagnostics.predictions._classification import ClassificationReport

# More classes than these get no counts, and not all names.
MOST_COUNTS, MOST_NAMES = 20, 40
# Inches of a character of a name, at most.
CHARACTER = 0.1
# Colour grows with the root of the share, so that rare confusions are seen.
ROOT = 0.5


def draw_confusion(report: ClassificationReport) -> Figure:
    """Draw the counts of a report, coloured by their share of the true class.

    Parameters
    ----------
    report : ClassificationReport

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.colors import PowerNorm

    counts = report.confusion.to_numpy()
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    shown = range(0, len(counts), -(-len(counts) // MOST_NAMES))
    names = {i: label(str(report.classes[i])) for i in shown}
    longest = max(map(len, names.values()))
    side = float(np.clip(1.5 + 0.42 * len(counts), 3, 8))
    upright = CHARACTER * longest > side / len(names)
    figure, axes, beside = _square(side, 0.55 + CHARACTER * longest, upright)
    norm = PowerNorm(ROOT, vmin=0, vmax=1)
    image = axes.imshow(shares, cmap="Blues", norm=norm, aspect="auto")
    bar = figure.colorbar(image, cax=beside, label="share of the true class")
    ticks = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 1]
    bar.set_ticks(ticks, labels=[percent(share) for share in ticks])
    _name(axes, names, upright)
    if len(counts) <= MOST_COUNTS:
        _write(axes, counts, shares)
    right = percent(np.trace(counts) / counts.sum())
    axes.set_title(f"{count(len(report.true), 'row')}, {right} right")
    return figure


def _square(side: float, for_names: float, upright: bool) -> tuple[Figure, Axes, Axes]:
    """Return a figure with a square, room for names beside it, and a place for the scale."""
    below = for_names if upright else 0.65
    figure = figure_with_margins(
        for_names + side + 1.3, below + side + 0.4, for_names, 1.3, below, 0.4
    )
    width, height = figure.get_size_inches()
    place = (for_names + side + 0.15) / width, below / height, 0.2 / width, side / height
    return figure, figure.add_subplot(), figure.add_axes(place)


def _name(axes: Axes, names: dict[int, str], upright: bool) -> None:
    size = 10 if len(names) <= MOST_COUNTS else 7
    axes.set_xticks(list(names), names.values(), fontsize=size, rotation=90 if upright else 0)
    axes.set_yticks(list(names), names.values(), fontsize=size)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _write(axes: Axes, counts: NDArray[Any], shares: NDArray[Any]) -> None:
    size = 11 if len(counts) <= 6 else 9 if len(counts) <= 12 else 7
    for (i, j), number in np.ndenumerate(counts):
        if number:
            dark = shares[i, j] ** ROOT > 0.55
            text = f"{number:,}" if counts.dtype.kind in "iu" else f"{number:.3g}"
            axes.text(
                j, i, text, ha="center", va="center", fontsize=size, color="w" if dark else INK
            )
