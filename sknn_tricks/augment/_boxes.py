"""Boxes in images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def box_mask(x: Tensor, box: Sequence[NDArray[Any]]) -> Tensor:
    """Return 1 within a box of each image and 0 elsewhere, of shape (N, 1, H, W).

    Parameters
    ----------
    x : Tensor of shape (N, C, H, W)
    box : top, bottom, left and right, each an ndarray of int of shape (N,)
        Bottom and right are the first line and column outside; the box may reach out of the image.
    """
    top, bottom, left, right = (torch.from_numpy(edge).to(x.device)[:, None] for edge in box)
    y, along = (torch.arange(side, device=x.device) for side in x.shape[2:])
    within = ((y >= top) & (y < bottom)).to(x.dtype)
    beside = ((along >= left) & (along < right)).to(x.dtype)
    return (within[:, :, None] * beside[:, None, :])[:, None]


def filled(x: Tensor, mask: Tensor, fill: Any) -> Tensor:
    """Return images with other numbers where a mask (N, 1, H, W) is 1.

    Elsewhere they stay as they are to the last bit.
    """
    kept = x * (1 - mask)
    if isinstance(fill, Tensor):
        return kept.add_(fill * mask)
    return kept.add_(mask, alpha=fill) if fill else kept
