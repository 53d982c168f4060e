"""Normalisation layers of K members as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sknn_tricks._padding import WIDTH
from sknn_tricks.fused.stacks._layers import Layer, pad_last, register, sum_rows


@register
class BatchNorm(Layer):
    """Normalise each feature over the member's rows of the batch (Ioffe and Szegedy, 2015)."""

    stands_for = (nn.BatchNorm1d,)
    trained = ("weight", "bias")
    buffers = ("running_mean", "running_var", "num_batches_tracked")

    def __init__(self, modules: Sequence[Any], width: int) -> None:
        super().__init__(modules, width)
        self._eps, self._momentum = modules[0].eps, modules[0].momentum

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse what has no parameters, no running statistics, or cumulative ones."""
        usual = module.affine and module.track_running_stats and module.momentum is not None
        return None if usual else "a BatchNorm1d without affine, running statistics or momentum"

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        weight, bias = self.tensors["weight"], self.tensors["bias"]
        if not training:
            scale = weight * (self.tensors["running_var"] + self._eps).rsqrt()
            shift = bias - self.tensors["running_mean"] * scale
            return torch.addcmul(shift, x, scale)
        n_rows = x.shape[1]
        mean = sum_rows(x).div_(n_rows)
        self._centred = x.sub_(mean) if self.in_place else x - mean
        product = self.lent(x)
        squares = sum_rows(torch.mul(self._centred, self._centred, out=product))
        self.tensors["running_mean"].lerp_(mean, self._momentum)
        self.tensors["running_var"].lerp_(squares / (n_rows - 1), self._momentum)
        self.tensors["num_batches_tracked"].add_(1)
        self._rstd = squares.div_(n_rows).add_(self._eps).rsqrt_()
        self._scale = weight * self._rstd
        output = self.own("output", x, x.shape[2])
        return torch.addcmul(bias, self._centred, self._scale, out=output)

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D): through the mean and the variance as well."""
        n_rows = grad.shape[1]
        product = self.lent(grad)
        along = sum_rows(torch.mul(grad, self._centred, out=product)).mul_(self._rstd)
        self.grads["weight"].copy_(along)
        total = sum_rows(grad, out=self.grads["bias"])
        slope = along.mul_(self._rstd).div_(-n_rows)
        return grad.addcmul_(self._centred, slope).sub_(total / n_rows).mul_(self._scale)

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
        self._eps = modules[0].eps

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse what has no parameters or several axes."""
        usual = module.weight is not None and module.bias is not None
        if usual and len(module.normalized_shape) == 1:
            return None
        return "a LayerNorm of several axes or without weight and bias"

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        self._normal = self._without_padding(x - self._mean(x))
        self._rstd = (self._mean(self._normal.square()) + self._eps).rsqrt_()
        self._normal *= self._rstd
        return torch.addcmul(self.tensors["bias"], self._normal, self.tensors["weight"])

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        sum_rows(grad * self._normal, out=self.grads["weight"])
        sum_rows(grad, out=self.grads["bias"])
        grad *= self.tensors["weight"]
        along = self._mean(grad * self._normal)
        grad = grad.sub_(self._mean(grad)).addcmul_(self._normal, along, value=-1)
        return self._without_padding(grad.mul_(self._rstd))

    def _mean(self, x: Tensor) -> Tensor:
        return x.sum(dim=2, keepdim=True).div_(self.width)

    def _without_padding(self, x: Tensor) -> Tensor:
        if self.width % WIDTH:
            x[..., self.width :] = 0
        return x
