"""Images moved by some pixels."""

from __future__ import annotations

from typing import Any, Self

from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._checks import FILLS, check_fill, check_length, pixels
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._transform import Transform
from sknn_tricks.augment._windows import check_reflects, scaled_move, shifted


class Shift(Transform):
    """Move images by whole pixels, up or down and left or right.

    Parameters
    ----------
    distance : int or float, default=0.125
        The largest distance along each axis: an int in pixels, a float as a share of the side.
        All distances up to it are as likely.
    fill : float, "edge" or "reflect", default=0.0
        What comes in from outside: this number, the pixels at the edge, or the image mirrored.
    p : float, default=1.0
        Share of the images that are moved.

    See Also
    --------
    Crop : The same, said as a frame and a window of it.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> images = np.arange(1, 10).reshape(1, 3, 3)
    >>> Augment(Shift(1))(images, random_state=1)
    array([[[0, 0, 0],
            [0, 1, 2],
            [0, 4, 5]]])
    >>> Augment(Shift(1, fill="edge"))(images, random_state=1)
    array([[[1, 1, 2],
            [1, 1, 2],
            [4, 4, 5]]])
    """

    def __init__(self, distance: float = 0.125, fill: Any = 0.0, p: float = 1.0) -> None:
        self.distance = distance
        self.fill = fill
        self.p = p

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range, or does not suit the images."""
        super().check(layout)
        check_length(self, "distance", "distance=2 or distance=0.1")
        check_fill(self, *FILLS)
        longest = max(pixels(self.distance, side) for side in (layout.height, layout.width))
        check_reflects(self, "distance", longest, layout)

    def times(self, strength: float, layout: ImageLayout) -> Self:
        """Return the transform with its distance times a strength, the image's side at most."""
        return self._with(distance=scaled_move(self, "distance", strength, layout))

    def change(self, x: Tensor, draws: Draws) -> Tensor:
        """Return the images moved."""
        farthest = [pixels(self.distance, side) for side in x.shape[2:]]
        down, right = (draws.integers(-far, far) for far in farthest)
        return shifted(x, down, right, self.fill)
