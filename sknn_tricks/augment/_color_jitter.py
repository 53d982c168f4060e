"""Changed brightness, contrast, saturation and hue."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks._messages import message
from sknn_tricks.augment._checks import check, is_number
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._transform import Transform, each, means

# Brightness Y and colour I, Q of red, green and blue (NTSC): both colours of a grey are 0.
YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
BACK = np.linalg.inv(YIQ)
# What keeps the brightness, what keeps the colour, and what turns it by a right angle.
GREY = BACK @ np.diag([1.0, 0.0, 0.0]) @ YIQ
COLOR = BACK @ np.diag([0.0, 1.0, 1.0]) @ YIQ
TURNED = BACK @ np.array([[0.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]) @ YIQ
AMOUNTS = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.5}


class ColorJitter(Transform):
    """Change brightness, contrast, saturation and hue of images in [0, 1].

    In this order, as one linear function of each pixel's colour x, clipped to [0, 1] once: with
    factors b, c, s and the mean brightness m of the image, x becomes ``c b x + (1 - c) b m``, of
    which what is colour, not brightness, is multiplied by s and turned in the YIQ plane.

    Parameters
    ----------
    brightness, contrast, saturation : float in [0, 1], default=0.2
        Factors are drawn from 1 less that to 1 plus that.
    hue : float in [0, 0.5], default=0.05
        The angle is drawn from minus that to that, in full turns.
    p : float, default=1.0
        Share of the images that are changed.

    Notes
    -----
    Images of one channel have no colour: saturation and hue do nothing to them. Those of two
    channels, or of more than three, must have both set to 0.

    References
    ----------
    A. G. Howard (2014). Some improvements on deep convolutional neural network based image
    classification. ICLR. (The four factors; the hue is turned as in NTSC television.)

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> jitter = ColorJitter(brightness=0.5, contrast=0, saturation=0, hue=0)
    >>> Augment(jitter)(np.full((3, 8, 8, 3), 100, np.uint8), random_state=0)[:, 0, 0]
    array([[101, 101, 101],
           [ 81,  81,  81],
           [107, 107, 107]], dtype=uint8)
    """

    unit_range = True

    def __init__(
        self,
        brightness: float = 0.2,
        contrast: float = 0.2,
        saturation: float = 0.2,
        hue: float = 0.05,
        p: float = 1.0,
    ) -> None:
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.p = p

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range, or does not suit the images."""
        super().check(layout)
        for name, most in AMOUNTS.items():
            fits = is_number(getattr(self, name), 0, most)
            check(fits, self, name, f"a number from 0 to {most:g}", f"{name}={most / 5:g}")
        if layout.n_channels not in (1, 3) and (self.saturation or self.hue):
            raise ValueError(_no_colors(layout.n_channels))

    def times(self, strength: float, layout: ImageLayout) -> Self:
        """Return the transform with its amounts times a strength, but not above their bounds."""
        amounts = {
            name: min(getattr(self, name) * strength, most) for name, most in AMOUNTS.items()
        }
        return self._with(**amounts)

    def change(self, x: Tensor, draws: Draws) -> Tensor:
        """Return the images with other colours."""
        brightness, contrast, saturation = (
            draws.uniform(1 - amount, 1 + amount)
            for amount in (self.brightness, self.contrast, self.saturation)
        )
        angle = 2 * np.pi * draws.uniform(-self.hue, self.hue)
        offset = means(_grey(x)) * each((1 - contrast) * brightness, x)
        factor = brightness * contrast
        if x.shape[1] == 3 and (self.saturation or self.hue):
            matrices = _color_maps(factor, saturation, angle)
            return _mapped(x, matrices).add_(offset).clamp_(0, 1)
        return (x * each(factor, x)).add_(offset).clamp_(0, 1)


def _color_maps(factor: Any, saturation: Any, angle: Any) -> NDArray[np.float64]:
    """Return what multiplies the colours of each image, of shape (N, 3, 3)."""
    cos, sin = saturation * np.cos(angle), saturation * np.sin(angle)
    sums = GREY + cos[:, None, None] * COLOR + sin[:, None, None] * TURNED
    return factor[:, None, None] * sums


def _grey(x: Tensor) -> Tensor:
    """Return the brightness of images (N, C, H, W), of shape (N, 1, H, W)."""
    n_channels = x.shape[1]
    weights = YIQ[0] if n_channels == 3 else np.full(n_channels, 1 / n_channels)
    grey = x[:, :1] * weights[0]
    for i in range(1, n_channels):
        grey += x[:, i : i + 1] * weights[i]
    return grey


def _mapped(x: Tensor, matrices: NDArray[np.float64]) -> Tensor:
    """Return images whose colours are multiplied by matrices (N, 3, 3)."""
    mapped = x.new_empty(x.shape)
    for i in range(3):
        # Products and sums apart: nothing is rounded in another way at the end of a vector.
        out = mapped[:, i : i + 1]
        out.copy_(x[:, :1] * each(matrices[:, i, 0], x))
        for j in (1, 2):
            out += x[:, j : j + 1] * each(matrices[:, i, j], x)
    return mapped


def _no_colors(n_channels: int) -> str:
    return message(
        f"ColorJitter cannot change the colours of images of {n_channels} channels",
        expected="three channels, red, green and blue, or one",
        got=f"{n_channels} channels",
        todo="Set saturation=0 and hue=0: brightness and contrast are for any channels",
    )
