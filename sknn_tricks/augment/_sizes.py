"""Rectangles of random area and shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.augment._checks import check, check_factors, is_range
from sknn_tricks.augment._draws import Draws

Sides = tuple[NDArray[np.float64], NDArray[np.float64]]


def draw_sides(draws: Draws, area: Any, aspect: Any, height: int, width: int) -> Sides:
    """Draw heights and widths of rectangles that fit into an image.

    Parameters
    ----------
    draws : Draws
        Of N images.
    area : pair of float in [0, 1]
        Range of their area, as a share of the image's.
    aspect : pair of float
        Range of width over height, uniform in its logarithm. Shapes that do not fit are left out;
        where none does, it is the one that fits next.
    height, width : int
        Of the image.

    Returns
    -------
    heights, widths : ndarray of shape (N,)
        In pixels, not rounded.
    """
    share = draws.uniform(*area)
    # Neither side longer than the image's.
    least, most = share * width / height, width / height / np.maximum(share, 1e-12)
    low, high = (np.clip(end, least, most) for end in aspect)
    ratio = np.exp(draws.uniform(np.log(low), np.log(high)))
    pixels = share * height * width
    return np.sqrt(pixels / ratio), np.sqrt(pixels * ratio)


def check_sizes(owner: Any) -> None:
    """Raise if `area` or `aspect` is out of range."""
    expected = "the smallest and the largest share of the image, from 0 to 1"
    check(is_range(owner.area, 0, 1), owner, "area", expected, "area=(0.1, 0.3)")
    check_factors(owner, "aspect")
