"""What a forward pass costs."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from torch import nn

from sknn_tricks.nets._fractional_pool import FractionalMaxPool
from sknn_tricks.nets._image_input import ImageInput
from sknn_tricks.nets._residual import ProjectedResidual

Size: TypeAlias = tuple[int, int]


def count_products(module: nn.Module) -> int | None:
    """Return how many multiply-adds of weights a row takes, if one can tell.

    A linear layer's are its weights; a convolution's are its weights at each pixel that it makes.

    Parameters
    ----------
    module : torch.nn.Module

    Returns
    -------
    int or None
        None for convolutions in a net that does not begin with an `ImageInput`, as ours do.

    Examples
    --------
    >>> count_products(nn.Linear(10, 5))
    50
    >>> from sknn_tricks.nets import ConvNet
    >>> net = ConvNet((8,), n_convs=1).build((32, 32, 3), n_outputs=2)
    >>> count_products(net) == 8 * 3 * 3**2 * 32**2 + 8 * 2
    True
    """
    weights = [each for each in module.parameters() if each.ndim >= 2]
    if all(weight.ndim == 2 for weight in weights):
        return sum(weight.numel() for weight in weights)
    first: nn.Module | None = module
    while isinstance(first, nn.Sequential):  # a body with a head is one of others
        first = next(first.children(), None)
    if not isinstance(first, ImageInput):
        return None
    return _pass(module, (first.layout.height, first.layout.width))[0]


def _pass(module: Any, size: Size) -> tuple[int, Size]:
    """Return the products of a module for an image of that size, and the size that it makes."""
    if isinstance(module, nn.Conv2d):
        size = _made(module, size)
        return module.weight.numel() * math.prod(size), size
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return 0, _made(module, size)
    if isinstance(module, FractionalMaxPool):
        return 0, (module.pooled(size[0]), module.pooled(size[1]))
    if isinstance(module, nn.Linear):
        return module.weight.numel(), size
    total = 0
    # Of a block with a shortcut the branch is the last part; both begin at the same size.
    begin = size
    for part in module.children():
        products, size = _pass(part, begin if isinstance(module, ProjectedResidual) else size)
        total += products
    return total, size


def _made(layer: Any, size: Size) -> Size:
    """Return the size that a convolution or a pooling makes."""
    if layer.padding == "same":
        return size
    padding = 0 if layer.padding == "valid" else layer.padding
    settings = (layer.kernel_size, layer.stride, padding, getattr(layer, "dilation", 1))
    height, width = (
        (n + 2 * around - apart * (kernel - 1) - 1) // stride + 1
        for n, kernel, stride, around, apart in zip(size, *map(_pair, settings), strict=True)
    )
    return height, width


def _pair(value: Any) -> Size:
    return (value, value) if isinstance(value, int) else value
