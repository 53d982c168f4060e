"""Rectangles of random size blanked out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._boxes import box_mask, filled
from sknn_tricks.augment._checks import check_fill
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._sizes import check_sizes, draw_sides
from sknn_tricks.augment._transform import Transform, means


class RandomErasing(Transform):
    """Erase a rectangle of random area and shape, all of it inside the image.

    Parameters
    ----------
    area : pair of float in [0, 1], default=(0.02, 0.33)
        The smallest and the largest share of the image that is erased.
    aspect : pair of float, default=(0.3, 3.3)
        The smallest and the largest ratio of width to height; all that fit are as likely on a
        logarithmic scale.
    fill : float, "mean" or "noise", default="noise"
        What is put there: this number, the mean of each channel of the image, or for each pixel
        a number between the smallest and the largest of the image.
    p : float, default=0.5
        Share of the images that lose a rectangle.

    See Also
    --------
    Cutout : Squares of one size.

    References
    ----------
    Z. Zhong, L. Zheng, G. Kang, S. Li and Y. Yang (2020). Random erasing data augmentation. AAAI.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> erase = RandomErasing(area=(0.25, 0.25), aspect=(1, 1), fill=0, p=1.0)
    >>> Augment(erase)(np.full((1, 4, 4), 7), random_state=2)
    array([[[7, 7, 7, 7],
            [7, 0, 0, 7],
            [7, 0, 0, 7],
            [7, 7, 7, 7]]])
    """

    def __init__(
        self,
        area: Any = (0.02, 0.33),
        aspect: Any = (0.3, 3.3),
        fill: Any = "noise",
        p: float = 0.5,
    ) -> None:
        self.area = area
        self.aspect = aspect
        self.fill = fill
        self.p = p

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range."""
        super().check(layout)
        check_sizes(self)
        check_fill(self, "mean", "noise")

    def times(self, strength: float, layout: ImageLayout) -> Self:
        """Return the transform with its areas times a strength, the whole image at most."""
        return self._with(area=tuple(min(end * strength, 1.0) for end in self.area))

    def change(self, x: Tensor, draws: Draws) -> Tensor:
        """Return the images with rectangles erased."""
        sides = x.shape[2:]
        lengths = draw_sides(draws, self.area, self.aspect, *sides)
        edges = []
        for length, side in zip(lengths, sides, strict=True):
            whole = np.minimum(np.rint(length), side).astype(np.int64)
            start = draws.integers(0, side - whole)
            edges += [start, start + whole]
        return filled(x, box_mask(x, edges), self._fill(x, draws))

    def _fill(self, x: Tensor, draws: Draws) -> Any:
        if self.fill == "mean":
            return means(x)
        if self.fill == "noise":
            low, high = (
                each[:, None, None, None] for each in (x.flatten(1).amin(1), x.flatten(1).amax(1))
            )
            return draws.uniform_like(x).mul_(high - low).add_(low)
        return self.fill
