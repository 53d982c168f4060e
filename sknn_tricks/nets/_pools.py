"""Pooling by name, and what it leaves of an image."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from sknn_tricks._messages import lookup
from sknn_tricks.nets._fractional_pool import FractionalMaxPool

# "stride" is no layer: the convolution in front of it takes every second pixel.
POOLS: dict[str, Callable[[], nn.Module] | None] = {
    "avg": lambda: nn.AvgPool2d(2),
    "fractional": FractionalMaxPool,
    "max": lambda: nn.MaxPool2d(2),
    "stride": None,
}
HEADS: dict[str, Callable[[], nn.Module] | None] = {
    "avg": lambda: nn.AdaptiveAvgPool2d(1),
    "flatten": None,
    "max": lambda: nn.AdaptiveMaxPool2d(1),
}


def make_pool(name: str | None) -> nn.Module | None:
    """Return a new pooling layer; None where pooling is no layer.

    Examples
    --------
    >>> make_pool("max")
    MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    """
    make = None if name is None else lookup(name, POOLS, "pool")
    return None if make is None else make()


def make_global_pool(name: str) -> nn.Module | None:
    """Return a new layer that pools all pixels of a channel; None for "flatten".

    Examples
    --------
    >>> make_global_pool("avg")
    AdaptiveAvgPool2d(output_size=1)
    """
    make = lookup(name, HEADS, "head")
    return None if make is None else make()


def pooled_size(name: str | None, size: int) -> int:
    """Return the height or width that is left of one; 0 where there is too little to pool.

    Examples
    --------
    >>> [pooled_size(name, 7) for name in ("avg", "fractional", "max", "stride", None)]
    [3, 4, 3, 4, 7]
    """
    if name is None or size == 0:
        return size
    if name == "stride":
        return -(-size // 2)
    return FractionalMaxPool().pooled(size) if name == "fractional" else size // 2
