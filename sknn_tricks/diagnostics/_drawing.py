"""What the figures of a search have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The colours of Okabe and Ito, which the colour-blind can tell apart.
BLUE, RED, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
INK, GREY, LIGHT = "#333333", "#7f868d", "#e6e8ea"
# Levels that have a place in a figure, and characters that a label has.
MOST_LEVELS, LONGEST_LABEL = 12, 24
_SLANT = math.radians(30)  # of labels that have no room beside each other
# Scores so many quartile ranges below the lower quartile would leave no room for the others.
_FENCE = 3.0
# Of labels, in points, and roughly what a character is wide, in inches.
LABEL_SIZE, _CHARACTER = 9, 0.075


def label(text: str, longest: int = LONGEST_LABEL) -> str:
    r"""Return a text that can be drawn: short, no formula, with characters that the font has.

    Examples
    --------
    >>> label("a$b$"), label("x" * 30, 9)
    ('a\\$b\\$', 'xxx...xxx')
    """
    if len(text) > longest:  # names often differ in how they end
        text = f"{text[: (longest - 2) // 2]}...{text[-((longest - 3) // 2) :]}"
    if not text.isascii() or not text.isprintable():
        text = _drawable(text)
    return text.replace("$", r"\$")


def _drawable(text: str) -> str:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    return "".join(c if c.isprintable() and font.get_char_index(ord(c)) else "?" for c in text)


def inches(text: str) -> float:
    """Return about how wide a small text is."""
    return len(text) * _CHARACTER


def is_tight(levels: Sequence[str], width: float) -> bool:
    """Tell whether `width` inches are too few for labels beside each other."""
    texts = [label(level) for level in levels]
    return max(map(inches, texts)) + _CHARACTER > width / len(texts)


def room_below(levels: Sequence[str], width: float) -> float:
    """Return the inches that the labels of an axis of `width` inches take below it."""
    longest = max(inches(label(level)) for level in levels)
    return 0.3 + longest * math.sin(_SLANT) if is_tight(levels, width) else 0.3


def label_levels(axes: Axes, levels: Sequence[str], width: float) -> None:
    """Name the places 0, 1, ... of the x axis of `width` inches, aslant where it is tight."""
    texts = [label(level) for level in levels]
    aslant: dict[str, Any] = {
        "rotation": math.degrees(_SLANT),
        "ha": "right",
        "rotation_mode": "anchor",
    }
    look = aslant if is_tight(levels, width) else {}
    axes.set_xticks(range(len(texts)), texts, size=LABEL_SIZE, **look)


def best_levels(means: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return which levels are drawn: of many, those with the best means, in their order."""
    order = np.argsort(-np.nan_to_num(means, nan=-np.inf), kind="stable")
    return np.sort(order[:MOST_LEVELS])


def lower_end(scores: NDArray[np.float64]) -> float:
    """Return the least score that is drawn in its place; a few that are far below are not.

    Examples
    --------
    >>> lower_end(np.array([0.1, 0.95, 0.96, 0.96, 0.97, 0.97, 0.98]))
    0.95
    """
    low, high = np.quantile(scores, [0.25, 0.75])
    fence = low - _FENCE * (high - low)
    is_shown = scores >= fence if high > low else np.ones(len(scores), bool)
    return float(scores[is_shown].min())


def tidy(axes: Any) -> None:
    """Take away what carries no information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=LIGHT, linewidth=0.8)
    axes.set_axisbelow(True)
