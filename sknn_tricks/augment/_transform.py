"""What a transform of images is."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks._read_once import ReadOnce
from sknn_tricks.augment._checks import check_p
from sknn_tricks.augment._draws import Draws


class Transform(ReadOnce, BaseEstimator):
    """Base of the transforms. A subclass writes `change`, and `check`, `times` where it needs to.

    A transform holds parameters only, which `Augment` checks before it uses them.

    Attributes
    ----------
    p : float
        Share of the images that are changed.
    unit_range : bool
        Whether images must be in [0, 1]; then they still are afterwards.

    Examples
    --------
    >>> class Invert(Transform):
    ...     unit_range = True
    ...     def __init__(self, p=0.5): self.p = p
    ...     def change(self, x, draws): return 1 - x
    >>> from sknn_tricks.augment import Augment
    >>> Augment(Invert(p=1.0))(np.zeros((1, 1, 2), np.uint8), random_state=0)
    array([[[255, 255]]], dtype=uint8)
    """

    p: float
    unit_range: ClassVar[bool] = False

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range, or does not suit the images.

        Parameters
        ----------
        layout : ImageLayout
            What the images are.

        Raises
        ------
        ValueError
        """
        check_p(self)

    def ready(self, layout: ImageLayout, of_bytes: bool) -> Transform:
        """Return what changes the images: most transforms do it themselves.

        Parameters
        ----------
        layout : ImageLayout
            What the images are.
        of_bytes : bool
            Whether the images were bytes.
        """
        return self

    def times(self, strength: float, layout: ImageLayout) -> Self:
        """Return the transform with its ranges times a strength.

        Parameters
        ----------
        strength : float, from 0 up
        layout : ImageLayout
            What the images are.

        Returns
        -------
        Transform
            Whose ranges end where they would be out of bounds, or too large for such images.
        """
        return self

    def change(self, x: Tensor, draws: Draws) -> Tensor:
        """Return changed images.

        What becomes of an image may depend on itself and its draws only, to the last bit.

        Parameters
        ----------
        x : Tensor of shape (N, C, H, W)
            To be left as it is.
        draws : Draws
            Of the N images.

        Returns
        -------
        Tensor of shape (N, C, H, W)
        """
        raise NotImplementedError

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """Return the images, a share `p` of them changed."""
        return where(draws.uniform() < self.p, x, draws, self.change)

    def _with(self, **params: Any) -> Self:
        """Return a copy with other parameters."""
        return clone(self).set_params(**params)


def where(chosen: NDArray[np.bool_], x: Tensor, draws: Draws, change: Any) -> Tensor:
    """Return images (N, C, H, W) of which the chosen ones (N,) are changed."""
    if chosen.all():
        return change(x, draws)
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return x
    index = torch.from_numpy(rows).to(x.device)
    return x.index_copy(0, index, change(x.index_select(0, index), draws.take(rows)))


def each(numbers: Any, x: Tensor) -> Tensor:
    """Return a number of each image as a tensor (N, 1, 1, 1) beside the images."""
    return torch.as_tensor(numbers).to(x.device, x.dtype)[:, None, None, None]


def means(x: Tensor) -> Tensor:
    """Return the mean of each channel of each image, of shape (N, C, 1, 1)."""
    # One contiguous axis after the other: such a sum does not depend on the images beside it, as
    # that of a single large image would, which torch spreads over threads.
    return (x.contiguous().sum(3).sum(2) / (x.shape[2] * x.shape[3]))[:, :, None, None]
