"""Rotated images."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._affine import Affine, linear_maps
from sknn_tricks.augment._checks import check_angles, ends, scaled_angles
from sknn_tricks.augment._draws import Draws

# Degrees.
LARGEST = 180


class Rotate(Affine):
    """Rotate images about their centre.

    Parameters
    ----------
    degrees : float or pair of float, default=15.0
        The largest angle in both directions, or the smallest and the largest angle
        counter-clockwise. All angles between are as likely.
    fill : float, "edge" or "reflect", default=0.0
        What comes in from outside: this number, the pixels at the edge, or the image mirrored.
    p : float, default=1.0
        Share of the images that are rotated.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> Augment(Rotate((90, 90)))(np.arange(9).reshape(1, 3, 3), random_state=0)
    array([[[2, 5, 8],
            [1, 4, 7],
            [0, 3, 6]]])
    """

    def __init__(self, degrees: Any = 15.0, fill: Any = 0.0, p: float = 1.0) -> None:
        self.degrees = degrees
        self.fill = fill
        self.p = p

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range."""
        super().check(layout)
        check_angles(self, "degrees", LARGEST)

    def times(self, strength: float, layout: ImageLayout) -> Self:
        """Return the transform with its angles times a strength, half a turn at most."""
        return self._with(degrees=scaled_angles(self.degrees, strength, LARGEST))

    def inverses(self, draws: Draws, layout: ImageLayout) -> NDArray[np.float64]:
        """Return where the pixels of the rotated images come from, of shape (N, 2, 3)."""
        angle = np.deg2rad(draws.uniform(*ends(self.degrees)))
        cos, sin = np.cos(angle), np.sin(angle)
        return linear_maps(cos, -sin, sin, cos)
