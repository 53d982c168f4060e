"""Pieces of images made as large as the images."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._affine import Affine, linear_maps
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._sizes import check_sizes, draw_sides


class RandomResizedCrop(Affine):
    """Cut a piece of random area and shape out of images, and resize it to their own size.

    Parameters
    ----------
    area : pair of float in [0, 1], default=(0.25, 1.0)
        The smallest and the largest share of the image that the piece has.
    aspect : pair of float, default=(0.75, 1.33)
        The smallest and the largest ratio of the piece's width to its height; all that fit are as
        likely on a logarithmic scale.
    p : float, default=1.0
        Share of the images that are cut.

    References
    ----------
    C. Szegedy et al. (2015). Going deeper with convolutions. CVPR. (Areas from 0.08 up, for
    photographs.)

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> crop = RandomResizedCrop(area=(0.25, 0.25), aspect=(1, 1))
    >>> Augment(crop)(np.arange(16.0).reshape(1, 4, 4), random_state=0).round(1)
    array([[[ 3.3,  3.8,  4.3,  4.8],
            [ 5.3,  5.8,  6.3,  6.8],
            [ 7.3,  7.8,  8.3,  8.8],
            [ 9.3,  9.8, 10.3, 10.8]]])
    """

    fill = "edge"  # pieces are inside

    def __init__(self, area: Any = (0.25, 1.0), aspect: Any = (0.75, 1.33), p: float = 1.0) -> None:
        self.area = area
        self.aspect = aspect
        self.p = p

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range."""
        super().check(layout)
        check_sizes(self)

    def times(self, strength: float, layout: ImageLayout) -> Self:
        """Return the transform with what is cut off, and shapes' logarithms, times a strength."""
        area = tuple(max(1 - (1 - end) * strength, 0.0) for end in self.area)
        return self._with(area=area, aspect=tuple(end**strength for end in self.aspect))

    def inverses(self, draws: Draws, layout: ImageLayout) -> NDArray[np.float64]:
        """Return where the pixels of the resized pieces come from, of shape (N, 2, 3)."""
        size = (layout.height, layout.width)
        height, width = draw_sides(draws, self.area, self.aspect, *size)
        maps = linear_maps(width / layout.width, 0.0, 0.0, height / layout.height)
        # The centre of the piece, from that of the image.
        for i, free in enumerate((layout.width - width, layout.height - height)):
            maps[:, i, 2] = draws.uniform(-free / 2, free / 2)
        return maps
