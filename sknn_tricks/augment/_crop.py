"""Windows of images with a frame."""

from __future__ import annotations

from typing import Any, Self

from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._checks import FILLS, check_fill, check_length, pixels
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._transform import Transform
from sknn_tricks.augment._windows import check_reflects, scaled_move, shifted


class Crop(Transform):
    """Put a frame around images and cut a window of their own size out, anywhere.

    The image ends up moved by as much as the frame is wide, at most, as by `Shift`.

    Parameters
    ----------
    padding : int or float, default=0.125
        Width of the frame: an int in pixels, a float as a share of the side.
    fill : float, "edge" or "reflect", default=0.0
        What the frame consists of: this number, the pixels at the edge, or the image mirrored.
    p : float, default=1.0
        Share of the images that are cropped.

    References
    ----------
    C.-Y. Lee, S. Xie, P. Gallagher, Z. Zhang and Z. Tu (2015). Deeply-supervised nets. AISTATS.
    (Images of 32 x 32 pixels with a frame of 4, as most have done since.)

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> Augment(Crop(1))(np.arange(1, 10).reshape(1, 3, 3), random_state=2)
    array([[[0, 0, 0],
            [2, 3, 0],
            [5, 6, 0]]])
    """

    def __init__(self, padding: float = 0.125, fill: Any = 0.0, p: float = 1.0) -> None:
        self.padding = padding
        self.fill = fill
        self.p = p

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range, or does not suit the images."""
        super().check(layout)
        check_length(self, "padding", "padding=4 or padding=0.1")
        check_fill(self, *FILLS)
        widest = max(pixels(self.padding, side) for side in (layout.height, layout.width))
        check_reflects(self, "padding", widest, layout)

    def times(self, strength: float, layout: ImageLayout) -> Self:
        """Return the transform with its frame times a strength, the image's side at most."""
        return self._with(padding=scaled_move(self, "padding", strength, layout))

    def change(self, x: Tensor, draws: Draws) -> Tensor:
        """Return windows of the images."""
        frames = [pixels(self.padding, side) for side in x.shape[2:]]
        top, left = (draws.integers(0, 2 * frame) for frame in frames)
        return shifted(x, frames[0] - top, frames[1] - left, self.fill)
