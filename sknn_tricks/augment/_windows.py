"""Pieces of images at whole pixels."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks._messages import message
from sknn_tricks.augment._checks import scaled_length

MODES = {"edge": "replicate", "reflect": "reflect"}


def shifted(x: Tensor, down: NDArray[Any], right: NDArray[Any], fill: Any) -> Tensor:
    """Return images moved by whole pixels.

    Parameters
    ----------
    x : Tensor of shape (N, C, H, W)
    down, right : ndarray of int, shape (N,)
        Below 0 for up and left.
    fill : float, "edge" or "reflect"
        What comes in.

    Returns
    -------
    Tensor of shape (N, C, H, W)
    """
    height, width = (int(abs(moved).max(initial=0)) for moved in (down, right))
    x = _framed(x, height, width, fill)
    return _pieces(x, height - down, width - right, (2 * height, 2 * width))


def _framed(x: Tensor, height: int, width: int, fill: Any) -> Tensor:
    """Return images with a frame of so many pixels above and below, left and right."""
    frame = (width, width, height, height)
    if fill in MODES:
        return F.pad(x, frame, mode=MODES[fill])
    return F.pad(x, frame, value=float(fill))


def _pieces(x: Tensor, top: NDArray[Any], left: NDArray[Any], less: tuple[int, int]) -> Tensor:
    """Return a piece of each image, from its top left corner on, smaller by `less`."""
    n, n_channels, height, width = x.shape
    height_out, width_out = height - less[0], width - less[1]
    # All runs of numbers that are as long as a line of a piece: a piece consists of some of them.
    flat = x.contiguous().view(-1)
    runs = flat.as_strided((len(flat) - width_out + 1, width_out), (1, 1))
    planes = torch.arange(n * n_channels).view(n, n_channels, 1) * (height * width)
    lines = torch.arange(height_out) * width
    corners = torch.from_numpy(top * width + left)[:, None, None]
    index = (planes + corners + lines).view(-1).to(x.device)
    return runs.index_select(0, index).view(n, n_channels, height_out, width_out)


def scaled_move(owner: Any, name: str, strength: float, layout: ImageLayout) -> float:
    """Return how far a transform moves images, times a strength: as far as they are long at most.

    Parameters
    ----------
    owner : Transform
        Has a `fill`.
    name : str
        Its parameter that is the length.
    strength : float
    layout : ImageLayout
    """
    sides = (layout.height, layout.width)
    longest = max(min(sides) - 1, 0) if owner.fill == "reflect" else max(sides)
    return scaled_length(getattr(owner, name), strength, max(sides), longest)


def check_reflects(owner: Any, name: str, length: int, layout: ImageLayout) -> None:
    """Raise if an image is too small to be reflected in a frame of that length."""
    if owner.fill == "reflect" and length >= min(layout.height, layout.width):
        raise ValueError(
            message(
                f"{name} of {type(owner).__name__} is too large for these images",
                expected=f"less than their side, {min(layout.height, layout.width)} pixels, "
                'with fill="reflect"',
                got=f"{name}={getattr(owner, name)!r}",
                todo='Take less, or fill="edge"',
            )
        )
