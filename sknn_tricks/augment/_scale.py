"""Images made larger and smaller."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._affine import Affine, linear_maps
from sknn_tricks.augment._checks import check_factors
from sknn_tricks.augment._draws import Draws


class Scale(Affine):
    """Make what images show larger or smaller about their centre; the images keep their size.

    Parameters
    ----------
    factors : pair of float, default=(0.8, 1.25)
        The smallest and the largest factor, above 0; all are as likely on a logarithmic scale.
    fill : float, "edge" or "reflect", default=0.0
        What comes in from outside: this number, the pixels at the edge, or the image mirrored.
    p : float, default=1.0
        Share of the images that are scaled.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> Augment(Scale((2, 2)))(np.array([[[0, 0, 0, 0], [0, 8, 8, 0]] * 2]), random_state=0)
    array([[[4, 6, 6, 4],
            [4, 6, 6, 4],
            [2, 2, 2, 2],
            [2, 2, 2, 2]]])
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
        """Return where the pixels of the scaled images come from, of shape (N, 2, 3)."""
        back = 1 / draws.factors(*self.factors)
        return linear_maps(back, 0.0, 0.0, back)
