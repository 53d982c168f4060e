"""What the figures of predictions have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.diagnostics._drawing import tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALE = "#c9ced4"
# Steps of a curve that a figure can show.
STEPS = 500


def figure_with_margins(
    width: float, height: float, left: float, right: float, bottom: float, top: float
) -> Figure:
    """Return a figure whose plot leaves margins, all in inches.

    matplotlib's own layouts find margins by drawing every text, which takes as long as the rest.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
    return figure


def thinned(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the points of a curve within 0 and 1 that a figure can show apart.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.linspace(0, 1, 100_000)
    >>> len(thinned(line, line)[0]) < 1100
    True
    """
    if len(x) <= STEPS:
        return x, y
    places = np.round(STEPS * np.stack([x, y]))
    kept = np.r_[True, (np.diff(places) != 0).any(axis=0)]
    kept[-1] = True
    return x[kept], y[kept]


def unit_square(axes: Axes, x: str, y: str) -> None:
    """Make both axes go from 0 to 1."""
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    tidy(axes)
