"""Rotated, scaled, stretched and sheared images: all of them at once, resampled only once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._checks import FILLS, check_fill
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._transform import Transform, each, where

MODES = {"edge": "border", "reflect": "reflection"}


class Affine(Transform):
    """Base of the transforms that move each pixel to a linear function of its place.

    A subclass writes `inverses`.
    """

    fill: Any

    def check(self, layout: ImageLayout) -> None:
        """Raise if a parameter is out of range."""
        super().check(layout)
        check_fill(self, *FILLS)

    def inverses(self, draws: Draws, layout: ImageLayout) -> NDArray[np.float64]:
        """Return where the pixels of the new images come from.

        Parameters
        ----------
        draws : Draws
            Of N images.
        layout : ImageLayout
            What they are.

        Returns
        -------
        ndarray of shape (N, 2, 3)
            Maps (x, y, 1), from the centre to the right and down in pixels, to (x, y).
        """
        raise NotImplementedError

    def change(self, x: Tensor, draws: Draws) -> Tensor:
        """Return the images resampled."""
        layout = ImageLayout("first", *x.shape[1:])
        return resampled(x, self.inverses(draws, layout), self.fill)


class Affines:
    """Transforms that follow each other, as one: their maps are multiplied.

    Parameters
    ----------
    placed : sequence of (int, Affine)
        The transforms, all with the same fill, and their places in the list.
    """

    unit_range = False

    def __init__(self, placed: Sequence[tuple[int, Any]]) -> None:
        self._placed = placed

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """Return the images, resampled where one of the transforms was drawn."""
        layout = ImageLayout("first", *x.shape[1:])
        whole = np.tile(np.eye(3), (len(x), 1, 1))
        changed = np.zeros(len(x), bool)
        for place, transform in self._placed:
            mine = draws.at(place)
            chosen = mine.uniform() < transform.p
            inverse = transform.inverses(mine, layout)[chosen]
            # The last image is looked up in the one before it, that one in the one before...
            whole[chosen, :2] = _product(inverse, whole[chosen, :2])
            changed |= chosen
        return where(
            changed, x, draws, lambda some, _: resampled(some, whole[changed, :2], self._fill)
        )

    @property
    def _fill(self) -> Any:
        return self._placed[0][1].fill


def _product(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Return maps (N, 2, 3) that do first what `a` says, then what `b` does.

    Written out, as a product by BLAS might depend on how many images there are.
    """
    linear = b[:, :, 0, None] * a[:, None, 0] + b[:, :, 1, None] * a[:, None, 1]
    linear[:, :, 2] += b[:, :, 2]
    return linear


def linear_maps(xx: Any, xy: Any, yx: Any, yy: Any) -> NDArray[np.float64]:
    """Return the maps (N, 2, 3) that have these coefficients (N,) and move no centre."""
    parts = np.broadcast_arrays(xx, xy, 0.0, yx, yy, 0.0)
    return np.stack(parts, axis=-1).reshape(-1, 2, 3)


def resampled(x: Tensor, inverses: NDArray[Any], fill: Any) -> Tensor:
    """Return images whose pixels come from elsewhere, between pixels by bilinear interpolation.

    Parameters
    ----------
    x : Tensor of shape (N, C, H, W)
    inverses : ndarray of shape (N, 2, 3)
        See `Affine.inverses`.
    fill : float, "edge" or "reflect"
        What is outside.

    Returns
    -------
    Tensor of shape (N, C, H, W)
    """
    grid = _grid(x, inverses)
    if fill in MODES:
        return _sample(x, grid, MODES[fill])
    if not fill:
        return _sample(x, grid, "zeros")
    return _sample(x - fill, grid, "zeros").add_(fill)


def _sample(x: Tensor, grid: Tensor, mode: str) -> Tensor:
    return F.grid_sample(x, grid, mode="bilinear", padding_mode=mode, align_corners=False)


def _grid(x: Tensor, inverses: NDArray[Any]) -> Tensor:
    """Return where pixels come from, (N, H, W, 2), as torch counts: from -1 to 1."""
    height, width = x.shape[2:]
    grid = x.new_empty(len(x), height, width, 2)
    columns, lines = (
        torch.arange(side, device=x.device, dtype=x.dtype) - (side - 1) / 2
        for side in (width, height)
    )
    for i, side in enumerate((width, height)):
        # Products and sums apart: nothing is rounded in another way at the end of a vector.
        of_x, of_y, move = (each(part, x)[:, 0] for part in inverses[:, i].T * (2 / side))
        torch.add(columns * of_x, lines[:, None] * of_y + move, out=grid[..., i])
    return grid
