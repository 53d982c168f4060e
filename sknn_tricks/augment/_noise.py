"""Noise on each pixel."""

from __future__ import annotations

from typing import Self

from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._checks import check, is_number
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._transform import Transform


class Noise(Transform):
    """Add normal noise to each number of each image.

    A net is trained on what comes out as it is, also outside of [0, 1].

    Parameters
    ----------
    std : float, default=0.05
        Its standard deviation, in the units of the images: those given as bytes are in [0, 1].
    p : float, default=1.0
        Share of the images that get noise.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> noisy = Augment(Noise(std=0.1))(np.zeros((10, 28, 28)), random_state=0)
    >>> round(noisy.std(), 2)
    np.float64(0.1)
    """

    def __init__(self, std: float = 0.05, p: float = 1.0) -> None:
        self.std = std
        self.p = p

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range."""
        super().check(layout)
        check(is_number(self.std), self, "std", "a number from 0 up", "std=0.05")

    def times(self, strength: float, layout: ImageLayout) -> Self:
        """Return the transform with its standard deviation times a strength."""
        return self._with(std=self.std * strength)

    def change(self, x: Tensor, draws: Draws) -> Tensor:
        """Return the images with noise."""
        return draws.normal_like(x).mul_(self.std).add_(x)
