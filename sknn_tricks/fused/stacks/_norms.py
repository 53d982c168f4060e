"""Normalisation layers of K members as one, with settings of each member's own."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor, nn

from sknn_tricks._padding import padded
from sknn_tricks.fused.stacks._layers import Layer, of_each, pad_last, register
from sknn_tricks.fused.stacks._maps import Features, Maps


def _signature(name: str, module: Any) -> Hashable:
    """Return the same for all settings but what is learnt."""
    return name, module.weight is not None, module.bias is not None


def _shifted(layer: Layer, normal: Tensor, scale: Tensor | None, out: Tensor) -> Tensor:
    """Write ``normal * scale + bias``, with what a layer has of both, to `out` and return it."""
    bias = layer.tensors.get("bias")
    bias = None if bias is None else layer.tile(bias)
    if scale is None:  # `out` may be overwritten by the next layer, but not `normal`
        return out.copy_(normal) if bias is None else torch.add(normal, bias, out=out)
    if bias is None:
        return torch.mul(normal, scale, out=out)
    return torch.addcmul(bias, normal, scale, out=out)


@register
class BatchNorm(Layer):
    """Normalise each feature over the member's rows of the batch (Ioffe and Szegedy, 2015).

    Each channel of images, over their pixels as well.
    """

    stands_for = (nn.BatchNorm1d, nn.BatchNorm2d)
    takes_images = True
    trained = ("weight", "bias")
    buffers = ("running_mean", "running_var", "num_batches_tracked")

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        for name in ("eps", "momentum"):
            each = of_each([getattr(module, name) for module in modules])
            self.settings[name] = each.to(self.tensors["running_var"].dtype)

    @classmethod
    def signature(cls, module: nn.Module) -> Hashable:
        """Return the same for all settings but what is learnt."""
        return _signature(type(module).__name__, module)

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse what has no running statistics, or cumulative ones."""
        usual = module.track_running_stats and module.momentum is not None
        return (
            None if usual else f"a {type(module).__name__} without running statistics or momentum"
        )

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        eps, momentum = self.settings["eps"], self.settings["momentum"]
        if not training:
            scale = self._scaled((self.tensors["running_var"] + eps).rsqrt())
            shift = self.tensors["running_mean"] * scale
            bias = self.tensors.get("bias")
            shift = self.tile(-shift if bias is None else bias - shift)
            return torch.addcmul(shift, x, self.tile(scale))
        n_rows = self._n_rows(x)
        mean = self.sum_rows(x).div_(n_rows)
        every = self.tile(mean)
        self._centred = x.sub_(every) if self.in_place else x - every
        product = self.lent(x)
        squares = self.sum_rows(torch.mul(self._centred, self._centred, out=product))
        self.tensors["running_mean"].lerp_(mean, momentum)
        self.tensors["running_var"].lerp_(squares / (n_rows - 1), momentum)
        self.tensors["num_batches_tracked"].add_(1)
        self._rstd = squares.div_(n_rows).add_(eps).rsqrt_()
        self._scale = self.tile(self._scaled(self._rstd))
        return _shifted(self, self._centred, self._scale, self.own("output", x, x.shape[2]))

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D): through the mean and the variance as well."""
        n_rows = self._n_rows(grad)
        product = self.lent(grad)
        along = self.sum_rows(torch.mul(grad, self._centred, out=product)).mul_(self._rstd)
        if "weight" in self.grads:
            self.grads["weight"].copy_(along)
        total = self.sum_rows(grad, out=self.grads.get("bias"))
        slope = self.tile(along.mul_(self._rstd).div_(-n_rows))
        mean = self.tile(total / n_rows)
        return grad.addcmul_(self._centred, slope).sub_(mean).mul_(self._scale)

    def _n_rows(self, x: Tensor) -> int:
        """Return how many numbers of a feature, or channel, there are."""
        return x.shape[1] * (1 if self.maps is None else self.maps.n_pixels)

    def _scaled(self, rstd: Tensor) -> Tensor:
        weight = self.tensors.get("weight")
        return rstd if weight is None else weight * rstd

    def pack(self, name: str, tensor: Tensor) -> Tensor:
        """Pad, the running variance with 1."""
        if name == "num_batches_tracked":
            return tensor
        return pad_last(tensor, value=float(name == "running_var"))[None]

    def unpack(self, name: str, packed: Tensor, plain: Tensor) -> Tensor:
        """Return the view without padding."""
        return packed if name == "num_batches_tracked" else super().unpack(name, packed, plain)


@register
class LayerNorm(Layer):
    """Normalise each row over its features (Ba et al., 2016)."""

    stands_for = (nn.LayerNorm,)
    trained = ("weight", "bias")

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self.settings["eps"] = of_each([module.eps for module in modules])

    @classmethod
    def signature(cls, module: nn.Module) -> Hashable:
        """Return the same for all settings but what is learnt."""
        return _signature("LayerNorm", module)

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse what has several axes."""
        return None if len(module.normalized_shape) == 1 else "a LayerNorm of several axes"

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        centred = torch.sub(x, self._mean(x), out=self.own("normal", x, x.shape[2]))
        self._normal = self.blank_(centred)
        variance = self._mean(torch.mul(centred, centred, out=self.lent(x)))
        self._rstd = variance.add_(self.settings["eps"].to(x.dtype)).rsqrt_()
        self._normal *= self._rstd
        output = self.own("output", x, x.shape[2])
        return _shifted(self, self._normal, self.tensors.get("weight"), output)

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        grad = _through_scale(self, self._normal, grad)
        along = self._mean(torch.mul(grad, self._normal, out=self.lent(grad)))
        grad = grad.sub_(self._mean(grad)).addcmul_(self._normal, along, value=-1)
        return self.blank_(grad.mul_(self._rstd))

    def _mean(self, x: Tensor) -> Tensor:
        return x.sum(dim=2, keepdim=True).div_(self.width)


@register
class GroupNorm(Layer):
    """Normalise each row over groups of its features (Wu and He, 2018).

    Means over groups, and what puts them back in their features' places, are matrix products.
    """

    stands_for = (nn.GroupNorm,)
    takes_images = True
    trained = ("weight", "bias")

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self.settings["eps"] = of_each([module.eps for module in modules])
        self._n_groups = modules[0].num_groups

    @classmethod
    def signature(cls, module: Any) -> Hashable:
        """Return the same for all settings but the groups and what is learnt."""
        return _signature("GroupNorm", module), module.num_groups

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        places = self._places(x)
        centred = torch.baddbmm(
            x, self._means(x), places, alpha=-1, out=self.own("normal", x, x.shape[2])
        )
        variance = self._means(torch.mul(centred, centred, out=self.lent(x)))
        rstd = variance.add_(self.settings["eps"].to(x.dtype)).rsqrt_()
        self._rstd = torch.bmm(rstd, places, out=self.own("rstd", x, x.shape[2]))
        self._normal = centred.mul_(self._rstd)
        output = self.own("output", x, x.shape[2])
        weight = self.tensors.get("weight")
        scale = None if weight is None else self.tile(weight)
        return _shifted(self, self._normal, scale, output)

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        grad = _through_scale(self, self._normal, grad)
        places = self._places(grad)
        memory = self.lent(grad)
        along = self._means(torch.mul(grad, self._normal, out=memory))
        mean = self._means(grad)
        grad = grad.addcmul_(self._normal, torch.bmm(along, places, out=memory), value=-1)
        return grad.baddbmm_(mean, places, alpha=-1).mul_(self._rstd)

    def _means(self, x: Tensor) -> Tensor:
        """Return the means of the groups, (K, N, groups)."""
        places = self._places(x)
        return torch.bmm(x, places.mT).div_(self.width // self._n_groups)

    def _places(self, x: Tensor) -> Tensor:
        """Return 1 where a feature is in a group, (K, groups, D)."""
        return _groups(self._n_groups, self.features, x.dtype).expand(len(x), -1, -1)


@lru_cache(maxsize=64)
def _groups(n_groups: int, features: Features, dtype: torch.dtype) -> Tensor:
    if isinstance(features, Maps):
        n_pixels, width, room = features.n_pixels, features.channels, features.lanes
    else:
        n_pixels, width, room = 1, cast(int, features), padded(cast(int, features))
    places = torch.zeros(1, padded(n_groups), n_pixels, room, dtype=dtype)
    for group in range(n_groups):
        size = width // n_groups
        places[0, group, :, group * size : (group + 1) * size] = 1
    return places.flatten(2)


def _through_scale(layer: Layer, normal: Tensor, grad: Tensor) -> Tensor:
    """Write the gradients of scale and shift; return that of the normalised numbers."""
    if "weight" in layer.grads:
        layer.sum_rows(torch.mul(grad, normal, out=layer.lent(grad)), out=layer.grads["weight"])
    if "bias" in layer.grads:
        layer.sum_rows(grad, out=layer.grads["bias"])
    weight = layer.tensors.get("weight")
    return grad if weight is None else grad.mul_(layer.tile(weight))
