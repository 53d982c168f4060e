"""Normalisation layers of K members as one, with settings of each member's own."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from sknn_tricks._padding import WIDTH, padded
from sknn_tricks.fused.stacks._layers import Layer, of_each, pad_last, register, sum_rows


def _signature(name: str, module: Any) -> Hashable:
    """Return the same for all settings but what is learnt."""
    return name, module.weight is not None, module.bias is not None


def _shifted(layer: Layer, normal: Tensor, scale: Tensor | None, out: Tensor) -> Tensor:
    """Write ``normal * scale + bias``, with what a layer has of both, to `out` and return it."""
    bias = layer.tensors.get("bias")
    if scale is None:  # `out` may be overwritten by the next layer, but not `normal`
        return out.copy_(normal) if bias is None else torch.add(normal, bias, out=out)
    if bias is None:
        return torch.mul(normal, scale, out=out)
    return torch.addcmul(bias, normal, scale, out=out)


@register
class BatchNorm(Layer):
    """Normalise each feature over the member's rows of the batch (Ioffe and Szegedy, 2015)."""

    stands_for = (nn.BatchNorm1d,)
    trained = ("weight", "bias")
    buffers = ("running_mean", "running_var", "num_batches_tracked")

    def __init__(self, modules: Sequence[Any], width: int) -> None:
        super().__init__(modules, width)
        for name in ("eps", "momentum"):
            each = of_each([getattr(module, name) for module in modules])
            self.settings[name] = each.to(self.tensors["running_var"].dtype)

    @classmethod
    def signature(cls, module: nn.Module) -> Hashable:
        """Return the same for all settings but what is learnt."""
        return _signature("BatchNorm1d", module)

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse what has no running statistics, or cumulative ones."""
        usual = module.track_running_stats and module.momentum is not None
        return None if usual else "a BatchNorm1d without running statistics or momentum"

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        eps, momentum = self.settings["eps"], self.settings["momentum"]
        if not training:
            scale = self._scaled((self.tensors["running_var"] + eps).rsqrt())
            shift = self.tensors["running_mean"] * scale
            bias = self.tensors.get("bias")
            return torch.addcmul(-shift if bias is None else bias - shift, x, scale)
        n_rows = x.shape[1]
        mean = sum_rows(x).div_(n_rows)
        self._centred = x.sub_(mean) if self.in_place else x - mean
        product = self.lent(x)
        squares = sum_rows(torch.mul(self._centred, self._centred, out=product))
        self.tensors["running_mean"].lerp_(mean, momentum)
        self.tensors["running_var"].lerp_(squares / (n_rows - 1), momentum)
        self.tensors["num_batches_tracked"].add_(1)
        self._rstd = squares.div_(n_rows).add_(eps).rsqrt_()
        self._scale = self._scaled(self._rstd)
        return _shifted(self, self._centred, self._scale, self.own("output", x, x.shape[2]))

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D): through the mean and the variance as well."""
        n_rows = grad.shape[1]
        product = self.lent(grad)
        along = sum_rows(torch.mul(grad, self._centred, out=product)).mul_(self._rstd)
        if "weight" in self.grads:
            self.grads["weight"].copy_(along)
        total = sum_rows(grad, out=self.grads.get("bias"))
        slope = along.mul_(self._rstd).div_(-n_rows)
        return grad.addcmul_(self._centred, slope).sub_(total / n_rows).mul_(self._scale)

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

    def __init__(self, modules: Sequence[Any], width: int) -> None:
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
        self._normal = self._without_padding(centred)
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
        return self._without_padding(grad.mul_(self._rstd))

    def _mean(self, x: Tensor) -> Tensor:
        return x.sum(dim=2, keepdim=True).div_(self.width)

    def _without_padding(self, x: Tensor) -> Tensor:
        if self.width % WIDTH:
            x[..., self.width :] = 0
        return x


@register
class GroupNorm(Layer):
    """Normalise each row over groups of its features (Wu and He, 2018).

    Means over groups, and what puts them back in their features' places, are matrix products.
    """

    stands_for = (nn.GroupNorm,)
    trained = ("weight", "bias")

    def __init__(self, modules: Sequence[Any], width: int) -> None:
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
        return _shifted(self, self._normal, self.tensors.get("weight"), output)

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
        return _groups(self._n_groups, self.width, x.dtype).expand(len(x), -1, -1)


@lru_cache(maxsize=64)
def _groups(n_groups: int, width: int, dtype: torch.dtype) -> Tensor:
    places = torch.zeros(1, padded(n_groups), padded(width), dtype=dtype)
    for group in range(n_groups):
        size = width // n_groups
        places[0, group, group * size : (group + 1) * size] = 1
    return places


def _through_scale(layer: Layer, normal: Tensor, grad: Tensor) -> Tensor:
    """Write the gradients of scale and shift; return that of the normalised numbers."""
    if "weight" in layer.grads:
        sum_rows(torch.mul(grad, normal, out=layer.lent(grad)), out=layer.grads["weight"])
    if "bias" in layer.grads:
        sum_rows(grad, out=layer.grads["bias"])
    weight = layer.tensors.get("weight")
    return grad if weight is None else grad.mul_(weight)
