"""Images made wider or taller."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._affine import Affine, linear_maps
from sknn_tricks.augment._checks import check_factors
from sknn_tricks.augment._draws import Draws


class Stretch(Affine):
    """Make what images show wider and less tall, or the reverse; its area stays the same.

    Parameters
    ----------
    factors : pair of float, default=(0.8, 1.25)
        The smallest and the largest factor of width to height, above 0; all are as likely on a
        logarithmic scale.
    fill : float, "edge" or "reflect", default=0.0
        What comes in from outside: this number, the pixels at the edge, or the image mirrored.
    p : float, default=1.0
        Share of the images that are stretched.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> image = np.array([[[0, 0, 0, 0], [0, 8, 8, 0], [0, 8, 8, 0], [0, 0, 0, 0]]])
    >>> Augment(Stretch((4, 4)))(image, random_state=0)
    array([[[0, 0, 0, 0],
            [3, 4, 4, 3],
            [3, 4, 4, 3],
            [0, 0, 0, 0]]])
    """

    def __init__(self, factors: Any = (0.8, 1.25), fill: Any = 0.0, p: float = 1.0) -> None:
        self.factors = factors
        self.fill = fill
        self.p = p

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range."""
        super().check(layout)
        check_factors(self, "factors")

    def times(self, strength: float, layout: ImageLayout) -> Self:
        """Return the transform with the logarithms of its factors times a strength."""
        return self._with(factors=tuple(factor**strength for factor in self.factors))

    def inverses(self, draws: Draws, layout: ImageLayout) -> NDArray[np.float64]:
        """Return where the pixels of the stretched images come from, of shape (N, 2, 3)."""
        wider = np.sqrt(draws.factors(*self.factors))
        return linear_maps(1 / wider, 0.0, 0.0, wider)
