"""The diversity report as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sknn_tricks._image_layout import MOST_CHANNELS
from sknn_tricks.diagnostics._words import percent
from sknn_tricks.diagnostics.diversity._features import NEARLY_CONSTANT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sknn_tricks.diagnostics.diversity._classes import Classes
    from sknn_tricks.diagnostics.diversity._diversity import DiversityReport
    from sknn_tricks.diagnostics.diversity._features import Features

BLUE, ORANGE, RED, GREY = "#4878a8", "#e0883a", "#c03d3e", "#7f868d"
# More bars than this do not get names that can be read.
MOST_BARS, LONGEST_NAME = 20, 30
# So that few bars do not become thick ones.
LEAST_PLACES = 6


def draw(report: DiversityReport) -> Figure:
    """Draw a report.

    Parameters
    ----------
    report : DiversityReport

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    has_classes = report.classes is not None
    figure = Figure(figsize=(11, 5.5 if has_classes else 4), layout="constrained")
    figure.suptitle(str(report).split("\n", maxsplit=1)[0], fontweight="bold")
    if report.classes is None:
        left, right = figure.subplots(1, 2)
        _draw_rows(left, report)
        _draw_features(right, report.features)
        return figure
    grid = figure.add_gridspec(2, 2, height_ratios=(1, 1.8))
    _draw_classes(figure.add_subplot(grid[:, 0]), report.classes)
    _draw_rows(figure.add_subplot(grid[0, 1]), report)
    _draw_features(figure.add_subplot(grid[1, 1]), report.features)
    return figure


def _draw_classes(axes: Axes, classes: Classes) -> None:
    shown = _largest_and_smallest(len(classes.labels))
    bars = [(place, i) for place, i in enumerate(shown) if i is not None]
    places = [place for place, _ in bars]
    axes.barh(places, [100 * classes.shares[i] for _, i in bars], color=BLUE, label="training")
    beside = axes.get_yaxis_transform()  # x in parts of the width
    for place, i in bars:
        axes.text(1.01, place, f"{classes.counts[i]:,}", transform=beside, va="center", color=GREY)
    n_test = sum(classes.test_counts or ())
    if classes.test_counts is not None and n_test:
        test = [100 * classes.test_counts[i] / n_test for _, i in bars]
        axes.plot(test, places, "D", color=ORANGE, markersize=5, label="test", clip_on=False)
    equal = 100 / len(classes.labels)
    axes.axvline(equal, color=GREY, linestyle="--", linewidth=1, label="equal shares")
    names = ["..." if i is None else _short(classes.labels[i]) for i in shown]
    axes.set_yticks(range(len(shown)), names)
    axes.set_ylim(max(len(shown), LEAST_PLACES) - 0.5, -0.5)
    axes.set_xlabel("share of the rows, % (right: training rows)")
    axes.set_title(
        f"{len(classes.labels)} classes, as diverse as {classes.effective_number:.1f} equal ones"
    )
    _legend_below(axes)
    _tidy(axes)


def _largest_and_smallest(n: int) -> list[int | None]:
    """Return the numbers of the bars that are drawn; None stands for those that are not."""
    if n <= MOST_BARS:
        return list(range(n))
    half = (MOST_BARS - 1) // 2
    return [*range(MOST_BARS - 1 - half), None, *range(n - half, n)]


def _draw_rows(axes: Axes, report: DiversityReport) -> None:
    found = report.duplicates
    bars = [("copies of earlier rows", found.n_copies, found.n_rows, BLUE)]
    if found.n_contradictory is not None:
        bars.append(("equal rows, several targets", found.n_contradictory, found.n_rows, RED))
    if report.overlap is not None:
        n_test = report.overlap.n_test_rows
        bars.append(("test rows seen in training", report.overlap.n_seen, n_test, ORANGE))
        if report.overlap.n_other_target is not None:
            other = report.overlap.n_other_target
            bars.append(("... with another target", other, n_test, RED))
    names, counts, totals, colours = zip(*bars, strict=True)
    shares = [n / total for n, total in zip(counts, totals, strict=True)]
    drawn = axes.barh(names, [100 * share for share in shares], color=colours)
    texts = [f"{n:,} ({percent(share)})" for n, share in zip(counts, shares, strict=True)]
    axes.bar_label(drawn, texts, padding=4, color=GREY)
    axes.invert_yaxis()
    axes.set_xlim(0, max(1.0, 140 * max(shares)))
    if max(shares) > 0.5:
        axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel("% of the rows")
    axes.set_title("Rows that come again" if any(counts) else "No row comes again")
    _tidy(axes)


def _draw_features(axes: Axes, features: Features) -> None:
    picture = _as_picture(features)
    if picture is not None:
        _draw_picture(axes, picture)
    elif len(features.names) <= MOST_BARS:
        _draw_columns(axes, features)
    else:
        _draw_histogram(axes, features)


def _as_picture(features: Features) -> Any:
    """Return the share of the most common value of each pixel, or None if rows are no pictures."""
    shares = features.top_shares.reshape(features.shape)
    if shares.ndim == 3 and shares.shape[0] <= MOST_CHANNELS:
        return shares.mean(axis=0)
    if shares.ndim == 3 and shares.shape[-1] <= MOST_CHANNELS:
        return shares.mean(axis=-1)
    return shares if shares.ndim == 2 else None


def _draw_picture(axes: Axes, picture: Any) -> None:
    image = axes.imshow(100 * picture, cmap="viridis", vmin=0, vmax=100)
    axes.figure.colorbar(image, ax=axes, label="rows with the\nmost common value, %")
    axes.set_title("How constant each pixel is")


def _draw_columns(axes: Axes, features: Features) -> None:
    at = np.arange(len(features.names))
    height, shift = (0.4, 0.2) if features.incomplete else (0.8, 0)
    top, missing = 100 * features.top_shares, 100 * features.missing_shares
    axes.barh(at - shift, top, height, color=BLUE, label="most common value")
    if features.incomplete:
        axes.barh(at + shift, missing, height, color=ORANGE, label="missing")
    axes.axvline(100 * NEARLY_CONSTANT, color=RED, linestyle="--", linewidth=1, label="99 %")
    axes.set_yticks(at, [_short(name) for name in features.names])
    axes.set_ylim(max(len(at), LEAST_PLACES) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.set_xlabel("% of the rows")
    axes.set_title(_about(features))
    _legend_below(axes)
    _tidy(axes)


def _draw_histogram(axes: Axes, features: Features) -> None:
    axes.hist(100 * features.top_shares, bins=list(range(0, 101, 4)), color=BLUE)
    axes.axvline(100 * NEARLY_CONSTANT, color=RED, linestyle="--", linewidth=1)
    axes.set_xlim(0, 100)
    axes.set_xlabel("rows with the most common value, % (red: 99 %)")
    axes.set_ylabel("features")
    axes.set_title(_about(features))
    _tidy(axes)


def _about(features: Features) -> str:
    numbers = {
        "constant": len(features.constant),
        "nearly constant": len(features.nearly_constant),
        "with gaps": len(features.incomplete),
    }
    found = ", ".join(f"{n:,} {what}" for what, n in numbers.items() if n)
    return f"{len(features.names):,} features" + (f": {found}" if found else " that vary")


def _legend_below(axes: Axes) -> None:
    from matplotlib.transforms import offset_copy

    below_label = offset_copy(axes.transAxes, axes.get_figure(root=True), y=-32, units="points")
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=below_label,
        ncols=3,
        frameon=False,
    )


def _short(name: Any) -> str:
    text = str(name)
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 3] + "..."


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
