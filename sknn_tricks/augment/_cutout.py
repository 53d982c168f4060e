"""Squares cut out of images."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import torch
from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._boxes import box_mask, filled
from sknn_tricks.augment._checks import (
    check,
    check_fill,
    check_length,
    is_number,
    pixels,
    scaled_length,
)
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._transform import Transform, means


class Cutout(Transform):
    """Blank out a square of each image, so that a net does not rely on one part of it.

    The square's centre is anywhere in the image: at the edge, only a part of it falls inside.

    Parameters
    ----------
    size : int or float, default=0.5
        Side of the square: an int in pixels, a float as a share of the image's shorter side.
    n : int, default=1
        Number of squares, which may overlap.
    fill : float or "mean", default=0.0
        What is put there: this number, or the mean of each channel of the image.
    p : float, default=1.0
        Share of the images that are cut.

    See Also
    --------
    RandomErasing : Rectangles of random size.

    References
    ----------
    T. DeVries and G. W. Taylor (2017). Improved regularization of convolutional neural networks
    with Cutout. arXiv:1708.04552.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> Augment(Cutout(2))(np.full((1, 4, 4), 7), random_state=0)
    array([[[7, 7, 7, 7],
            [7, 0, 0, 7],
            [7, 0, 0, 7],
            [7, 7, 7, 7]]])
    """

    def __init__(self, size: float = 0.5, n: int = 1, fill: Any = 0.0, p: float = 1.0) -> None:
        self.size = size
        self.n = n
        self.fill = fill
        self.p = p

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range."""
        super().check(layout)
        check_length(self, "size", "size=8 or size=0.5")
        counts = isinstance(self.n, Integral) and is_number(self.n, 1)
        check(counts, self, "n", "a whole number from 1 up", "n=1")
        check_fill(self, "mean")

    def times(self, strength: float, layout: ImageLayout) -> Self:
        """Return the transform with its squares' side times a strength, the image's at most."""
        side = min(layout.height, layout.width)
        return self._with(size=scaled_length(self.size, strength, side, side))

    def change(self, x: Tensor, draws: Draws) -> Tensor:
        """Return the images with squares cut out."""
        mask = self._square(x, draws)
        for _ in range(self.n - 1):
            mask = torch.maximum(mask, self._square(x, draws))
        return filled(x, mask, means(x) if self.fill == "mean" else self.fill)

    def _square(self, x: Tensor, draws: Draws) -> Tensor:
        height, width = x.shape[2:]
        side = pixels(self.size, min(height, width))
        top = draws.integers(0, height - 1) - side // 2
        left = draws.integers(0, width - 1) - side // 2
        return box_mask(x, (top, top + side, left, left + side))
