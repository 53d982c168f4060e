"""What a kernel sees of images: windows, as views of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sknn_tricks.fused.stacks._maps import Maps, Planes

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """The window of a convolution, and how it moves over an image.

    Parameters
    ----------
    size, stride, margin : pair of int
        Downwards and across; the margin is of zeros around the image.

    Examples
    --------
    >>> Window((3, 3), (2, 2), (1, 1)).positions(Maps(8, 7, 5), 16)
    Maps(height=4, width=4, channels=16)
    """

    size: Pair
    stride: Pair
    margin: Pair

    @property
    def n_pixels(self) -> int:
        """Return the pixels of a window."""
        return math.prod(self.size)

    def positions(self, image: Maps | Planes, n_channels: int) -> Maps:
        """Return the maps of so many channels that have a pixel for each of its positions."""
        height, width = (
            (length + 2 * margin - size) // stride + 1
            for length, margin, size, stride in zip(
                (image.height, image.width), self.margin, self.size, self.stride, strict=True
            )
        )
        return Maps(height, width, n_channels)

    def sees_one_pixel(self) -> bool:
        """Whether its positions are the pixels themselves."""
        return (self.size, self.stride, self.margin) == ((1, 1), (1, 1), (0, 0))

    def turned(self) -> Window | None:
        """Return the window that takes gradients back, or None if it would have gaps."""
        top, left = (size - 1 - m for size, m in zip(self.size, self.margin, strict=True))
        fits = self.stride == (1, 1) and min(top, left) >= 0
        return Window(self.size, self.stride, (top, left)) if fits else None

    def of_pixels(self, images: Tensor, output: Maps) -> Tensor:
        """View images (K, N, H, W, lanes) as (K, N, H', W', height, width * lanes)."""
        (height, width), (down, right), lanes = self.size, self.stride, images.shape[4]
        shape = (*images.shape[:2], output.height, output.width, height, width * lanes)
        k, n, y, x, _ = images.stride()
        # Pixels in a row of the window lie beside each other.
        strides = (k, n, down * y, right * x, y, 1)
        return images.as_strided(shape, strides, images.storage_offset())

    def of_planes(self, images: Tensor, output: Maps) -> Tensor:
        """View images (K, N, C, H, W) as (K, height, width, C, N, H', W')."""
        (down, right), (n_members, n_rows, n_channels) = self.stride, images.shape[:3]
        shape = (n_members, *self.size, n_channels, n_rows, output.height, output.width)
        k, n, c, y, x = images.stride()
        strides = (k, y, x, c, n, down * y, right * x)
        return images.as_strided(shape, strides, images.storage_offset())

    def at(self, i: int, j: int, output: Maps) -> tuple[slice, slice]:
        """Return which rows and columns of an image its pixel (i, j) sees, at all positions."""
        (down, right) = self.stride
        return (
            slice(i, i + down * (output.height - 1) + 1, down),
            slice(j, j + right * (output.width - 1) + 1, right),
        )


def window_of(module: Any) -> Window:
    """Return the window of a plain convolution."""
    return Window(tuple(module.kernel_size), tuple(module.stride), tuple(module.padding))
