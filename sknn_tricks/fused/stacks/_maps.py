"""Where the numbers of an image lie in a row of a stack."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks._padding import WIDTH, padded

# Channels of a pixel are padded to a multiple of this: one register of eight floats.
LANES = 8


def sum_rows(x: Tensor, out: Tensor | None = None) -> Tensor:
    """Sum (K, N, D) over the rows, to (K, 1, D): as a matrix product, see `Layer`."""
    return torch.bmm(_row_of_ones(len(x), x.shape[1], x.dtype), x, out=out)


@lru_cache(maxsize=64)
def _row_of_ones(n_members: int, n_rows: int, dtype: torch.dtype) -> Tensor:
    return torch.ones(n_members, 1, n_rows, dtype=dtype)


@lru_cache(maxsize=64)
def _same_channels(n_pixels: int, lanes: int, dtype: torch.dtype) -> Tensor:
    """Return what sums pixels side by side, (1, pixels * lanes, lanes padded)."""
    each = torch.eye(lanes, padded(lanes), dtype=dtype)
    return each.repeat(n_pixels, 1)[None]


@dataclass(frozen=True)
class Maps:
    """Feature maps: rows of pixel after pixel, the channels of each side by side.

    The channels of a pixel have as many lanes as it takes for a row to be a multiple of 32
    numbers, which is what the stack needs; lanes beyond the channels hold 0.

    Parameters
    ----------
    height, width, channels : int

    Examples
    --------
    >>> Maps(8, 8, 5).lanes, Maps(7, 7, 5).lanes, Maps(1, 1, 5).lanes
    (8, 32, 32)
    """

    height: int
    width: int
    channels: int

    @property
    def n_pixels(self) -> int:
        """Return pixels of an image."""
        return self.height * self.width

    @property
    def size(self) -> int:
        """Return numbers of an image, without padding."""
        return self.n_pixels * self.channels

    @property
    def room(self) -> int:
        """Return numbers of a row, D."""
        return self.n_pixels * self.lanes

    @cached_property
    def lanes(self) -> int:
        """Return the channels of a pixel, with padding."""
        step = max(WIDTH // math.gcd(WIDTH, self.n_pixels), LANES)
        return -(-self.channels // step) * step

    def pixels(self, x: Tensor) -> Tensor:
        """View (K, N, D) as (K, N, H, W, lanes)."""
        return x.unflatten(2, (self.height, self.width, self.lanes))

    def images(self, x: Tensor) -> Tensor:
        """View (K, N, D) as torch has images, (K * N, lanes, H, W) in ``channels_last``."""
        return self.pixels(x).flatten(0, 1).permute(0, 3, 1, 2)

    def tile(self, values: Tensor) -> Tensor:
        """Return a value of each channel (K, 1, C padded) at each of its pixels, (K, 1, D)."""
        lanes = values[:, :, None, : self.lanes]
        return lanes.expand(-1, -1, self.n_pixels, -1).reshape(len(values), 1, self.room)

    def fold(self, values: Tensor, out: Tensor) -> Tensor:
        """Sum (K, 1, D) over the pixels into (K, 1, C padded), whose padding stays 0."""
        # As many pixels side by side as make whole rows of 32; then those few.
        n_beside = WIDTH // math.gcd(WIDTH, self.lanes)
        rows = values.view(len(values), -1, n_beside * self.lanes)
        if n_beside == 1:
            return sum_rows(rows, out)
        few = _same_channels(n_beside, self.lanes, values.dtype)
        return torch.bmm(sum_rows(rows), few.expand(len(values), -1, -1), out=out)

    def blank_(self, x: Tensor) -> Tensor:
        """Write 0 to the lanes beyond the channels, in place."""
        if self.lanes > self.channels:
            x.unflatten(2, (self.n_pixels, self.lanes))[..., self.channels :] = 0
        return x


@dataclass(frozen=True)
class Planes:
    """Images as the user has them, in rows of their own axes.

    Parameters
    ----------
    layout : ImageLayout
    """

    layout: ImageLayout

    @property
    def height(self) -> int:
        """Return pixels of a column."""
        return self.layout.height

    @property
    def width(self) -> int:
        """Return pixels of a row."""
        return self.layout.width

    @property
    def lanes(self) -> int:
        """Return channels of a pixel, which have no padding here."""
        return self.layout.n_channels

    @property
    def size(self) -> int:
        """Return numbers of an image."""
        return self.height * self.width * self.lanes

    def planes(self, x: Tensor) -> Tensor:
        """View (K, N, D) as (K, N, C, H, W)."""
        k, n, _ = x.shape
        n_channels, height, width = self.lanes, self.height, self.width
        last = self.layout.channels == "last"
        pixel, channel = (n_channels, 1) if last else (1, height * width)
        strides = (*x.stride()[:2], channel, width * pixel, pixel)
        return x.as_strided((k, n, n_channels, height, width), strides, x.storage_offset())


# What the features of a row are: so many numbers, or an image.
Features = int | Maps | Planes
