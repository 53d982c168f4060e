"""Pooling of K members as one: to torch's kernels they are just more images.

What becomes of an image does not depend on those beside it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from sknn_tricks.fused.stacks._layers import Layer, register
from sknn_tricks.fused.stacks._maps import Features, Maps

aten = torch.ops.aten


class Pool(Layer):
    """Base of layers that make one pixel of several."""

    takes_images = True

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self._input = cast(Maps, width)
        self._arguments = self.arguments(modules[0])
        pooled = modules[0](torch.zeros(1, 1, self._input.height, self._input.width))
        height, width_out = pooled.shape[2:]
        self.maps = Maps(height, width_out, self._input.channels)
        self.width = self.maps.size

    @abstractmethod
    def arguments(self, module: Any) -> list[Any]:
        """Return what torch's kernel wants to know."""

    @abstractmethod
    def pool(self, images: Tensor) -> Tensor:
        """Pool images (K * N, lanes, H, W)."""

    @abstractmethod
    def unpool(self, grad: Tensor) -> Tensor:
        """Return the gradient of the images, from that of what was made of them."""

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, H)."""
        pooled = self.pool(self._input.images(x))
        return self._as_rows(pooled, self.features, x)

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, H) to (K, N, D)."""
        maps = cast(Maps, self.maps)
        images = maps.images(grad)
        if maps.lanes != self._input.lanes:
            n, _, height, width = images.shape
            wide = grad.new_zeros(n, height, width, self._input.lanes)
            wide[..., : maps.channels] = images.permute(0, 2, 3, 1)[..., : maps.channels]
            images = wide.permute(0, 3, 1, 2)
        return self._as_rows(self.unpool(images), self._input, grad)

    def _as_rows(self, images: Tensor, features: Features, like: Tensor) -> Tensor:
        """Return images as rows of those features."""
        maps, pixels = cast(Maps, features), images.permute(0, 2, 3, 1)
        if pixels.shape[3] == maps.lanes:
            return pixels.reshape(*like.shape[:2], maps.room)
        rows = self.zeros("rows", like, maps.room)
        maps.pixels(rows).flatten(0, 1)[..., : maps.channels] = pixels[..., : maps.channels]
        return rows


@register
class MaxPool(Pool):
    """The largest of each window, or of all pixels."""

    stands_for = (nn.AdaptiveMaxPool2d, nn.MaxPool2d)

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse what gives more than the images, or several pixels of adapted windows."""
        if module.return_indices:
            return f"a {type(module).__name__} that returns indices"
        return _refuses_adapted(module)

    def arguments(self, module: Any) -> list[Any]:
        """Return the kernel's size, stride, padding, dilation and what it does at the end."""
        if isinstance(module, nn.AdaptiveMaxPool2d):
            size = [self._input.height, self._input.width]
            return [size, size, [0, 0], [1, 1], False]
        pairs = (module.kernel_size, module.stride, module.padding, module.dilation)
        return [*(list(_pair(pair)) for pair in pairs), module.ceil_mode]

    def pool(self, images: Tensor) -> Tensor:
        """Return the largest, and keep where they are."""
        self._images = images
        pooled, self._places = aten.max_pool2d_with_indices(images, *self._arguments)
        return pooled

    def unpool(self, grad: Tensor) -> Tensor:
        """Give the gradient to where the largest were."""
        return aten.max_pool2d_with_indices_backward(
            grad, self._images, *self._arguments, self._places
        )


@register
class AvgPool(Pool):
    """The mean of each window, or of all pixels."""

    stands_for = (nn.AdaptiveAvgPool2d, nn.AvgPool2d)

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse several pixels of adapted windows."""
        return _refuses_adapted(module)

    def arguments(self, module: Any) -> list[Any]:
        """Return the kernel's size, stride, padding, and what it does at the borders."""
        if isinstance(module, nn.AdaptiveAvgPool2d):
            size = [self._input.height, self._input.width]
            return [size, size, [0, 0], False, True, None]
        pairs = (module.kernel_size, module.stride, module.padding)
        borders = (module.ceil_mode, module.count_include_pad, module.divisor_override)
        return [*(list(_pair(pair)) for pair in pairs), *borders]

    def pool(self, images: Tensor) -> Tensor:
        """Return the means."""
        self._images = images
        return aten.avg_pool2d(images, *self._arguments)

    def unpool(self, grad: Tensor) -> Tensor:
        """Give each pixel its share of the gradient."""
        return aten.avg_pool2d_backward(grad, self._images, *self._arguments)


def _refuses_adapted(module: Any) -> str | None:
    adapted = isinstance(module, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d)
    fits = not adapted or _pair(module.output_size) == (1, 1)
    return None if fits else f"a {type(module).__name__} to more than one pixel"
