"""Noise on the colours of an image as a whole, along those that occur."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks._messages import message
from sknn_tricks.augment._checks import check, is_number
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._transform import Transform, each, means


class ColorNoise(Transform):
    """Add the same colour to all pixels of an image, drawn along the principal colours (PCA).

    With the covariance of colours C = P diag(l) P', the colour is P (a * l), where a is normal with
    standard deviation `std`. It is computed as C z with z normal of the same deviation, which has
    the same distribution and needs no eigenvectors.

    Parameters
    ----------
    std : float, default=0.1
        Standard deviation of the factors a.
    covariance : array-like of shape (C, C) or None, default=None
        Of the colours, over all pixels of all images as in the paper. None takes that of the
        pixels of each image by itself, so that an image does not depend on others.
    p : float, default=1.0
        Share of the images that get noise.

    References
    ----------
    A. Krizhevsky, I. Sutskever and G. E. Hinton (2012). ImageNet classification with deep
    convolutional neural networks. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> images = np.random.default_rng(0).random((1, 8, 8, 3))
    >>> change = Augment(ColorNoise(std=0.5))(images, random_state=0) - images
    >>> np.ptp(change, axis=(1, 2)).round(6) + 0  # of each channel, over the pixels
    array([[0., 0., 0.]])
    """

    def __init__(self, std: float = 0.1, covariance: Any = None, p: float = 1.0) -> None:
        self.std = std
        self.covariance = covariance
        self.p = p

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range, or does not suit the images."""
        super().check(layout)
        check(is_number(self.std), self, "std", "a number from 0 up", "std=0.1")
        if self.covariance is not None:
            _check_covariance(self._matrix(), layout)

    def times(self, strength: float, layout: ImageLayout) -> Self:
        """Return the transform with its standard deviation times a strength."""
        return self._with(std=self.std * strength)

    def change(self, x: Tensor, draws: Draws) -> Tensor:
        """Return the images with other colours."""
        factors = np.stack([draws.normal() * self.std for _ in range(x.shape[1])], axis=1)
        if self.covariance is None:
            return x + _of_image(x, factors)
        colors = sum(
            column * factor[:, None]
            for column, factor in zip(self._matrix().T, factors.T, strict=True)
        )
        return x + torch.as_tensor(colors).to(x.device, x.dtype)[:, :, None, None]

    def _matrix(self) -> NDArray[np.float64]:
        return np.asarray(self.covariance, dtype=np.float64)


def _of_image(x: Tensor, factors: NDArray[Any]) -> Tensor:
    """Return the covariance of each image's colours times its factors (N, C), as (N, C, 1, 1)."""
    centered = x - means(x)
    along = torch.zeros_like(x[:, :1])
    for i, factor in enumerate(factors.T):  # channel by channel: a product might round otherwise
        along += centered[:, i : i + 1] * each(factor, x)
    return means(centered * along)


def _check_covariance(matrix: NDArray[Any], layout: ImageLayout) -> None:
    shape = (layout.n_channels, layout.n_channels)
    if matrix.shape != shape or not np.allclose(matrix, matrix.T):
        raise ValueError(
            message(
                "covariance of ColorNoise does not suit these images",
                expected=f"a symmetric matrix of shape {shape}",
                got=f"one of shape {matrix.shape}",
                todo="Give np.cov of the colours of all pixels, or None",
            )
        )
