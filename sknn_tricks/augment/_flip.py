"""Mirrored images."""

from __future__ import annotations

from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._checks import check
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._transform import Transform, where


class Flip(Transform):
    """Mirror images left to right, upside down, or both.

    Parameters
    ----------
    horizontal : bool, default=True
        Left to right.
    vertical : bool, default=False
        Upside down.
    p : float, default=0.5
        Probability of each of the two, apart from the other.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> Augment(Flip(p=1.0))(np.arange(6).reshape(1, 2, 3), random_state=0)
    array([[[2, 1, 0],
            [5, 4, 3]]])
    """

    def __init__(self, horizontal: bool = True, vertical: bool = False, p: float = 0.5) -> None:
        self.horizontal = horizontal
        self.vertical = vertical
        self.p = p

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range."""
        super().check(layout)
        for name in ("horizontal", "vertical"):
            known = getattr(self, name) in (True, False)
            check(known, self, name, "True or False", f"{name}=True")

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """Return the images, some of them mirrored."""
        for mirrors, axis in ((self.horizontal, 3), (self.vertical, 2)):
            chosen = draws.uniform() < self.p
            if mirrors:
                x = where(chosen, x, draws, lambda some, _, axis=axis: some.flip(axis))
        return x
