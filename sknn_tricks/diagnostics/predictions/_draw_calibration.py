"""How sure and how right predictions are, as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sknn_tricks._messages import message
from sknn_tricks.diagnostics._drawing import BLUE, GREY, INK, RED, tidy
from sknn_tricks.diagnostics.predictions._class_scores import Floats, calibration_error
from sknn_tricks.diagnostics.predictions._draw import PALE, figure_with_margins, unit_square

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sknn_tricks.diagnostics.predictions._classification import ClassificationReport

# Standard deviations to each side that hold 95 % of a normal distribution.
Z = 1.96


def draw_calibration(report: ClassificationReport) -> Figure:
    """Draw a reliability diagram over a histogram of the confidence.

    Parameters
    ----------
    report : ClassificationReport
        With probabilities.

    Returns
    -------
    matplotlib.figure.Figure

    References
    ----------
    A. Niculescu-Mizil and R. Caruana (2005). Predicting good probabilities with supervised
    learning. ICML (for the diagram).
    """
    bins = report.calibration
    if bins is None:
        raise ValueError(
            message(
                "There is no calibration of these predictions",
                expected="proba",
                got="none",
                todo="Give the probabilities of all classes",
            )
        )
    figure = figure_with_margins(6.2, 6.2, 0.65, 0.15, 0.55, 0.4)
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    low, high = wilson(bins["accuracy"].to_numpy(), bins["rows"].to_numpy())
    accuracy = bins["accuracy"].to_numpy()
    top.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1, label="as right as sure")
    top.vlines(bins["confidence"], low, high, color=PALE, linewidth=3, label="95 % interval")
    top.plot(bins["confidence"], accuracy, "o-", color=BLUE, markersize=5, label="bins of rows")
    unit_square(top, "", "share that is right")
    top.set_title(f"Expected calibration error {calibration_error(bins):.3f}")
    widths = bins["high"] - bins["low"]
    below.bar(bins["low"], 100 * bins["share"], widths, align="edge", color=BLUE, edgecolor="w")
    mean = float(np.average(bins["confidence"], weights=bins["share"]))
    right = float(np.average(accuracy, weights=bins["share"]))
    below.axvline(mean, color=RED, linewidth=1.5, label=f"mean confidence {mean:.3f}")
    below.axvline(right, color=INK, linewidth=1.5, linestyle="--", label=f"accuracy {right:.3f}")
    below.set_xlabel("probability of the predicted class")
    below.set_ylabel("rows, %")
    handles = top.get_legend_handles_labels()[0] + below.get_legend_handles_labels()[0]
    top.legend(handles=handles, loc="lower right", fontsize=8, frameon=False)
    tidy(below)
    return figure


def wilson(share: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % confidence interval of shares, by Wilson's score.

    Parameters
    ----------
    share : ndarray
        Seen in `n` rows.
    n : ndarray
        Rows.

    Returns
    -------
    pair of ndarray

    References
    ----------
    E. B. Wilson (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22(158), 209-212.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = wilson(np.array([1.0]), np.array([10.0]))
    >>> print(low.round(2), high.round(2))
    [0.72] [1.]
    """
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return middle - half, middle + half
