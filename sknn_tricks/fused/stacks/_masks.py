"""What is dropped in training, of K members as one: a rate and a random stream for each."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from sknn_tricks.fused.stacks._convs import Conv2d
from sknn_tricks.fused.stacks._layers import Linear, of_each, register
from sknn_tricks.fused.stacks._maps import Features
from sknn_tricks.fused.stacks._seeded import SeededLayer
from sknn_tricks.nets import DropConnect, Dropout, DropPath
from sknn_tricks.nets._channel_dropout import ChannelDropout
from sknn_tricks.nets._drop_connect import DropConnect2d
from sknn_tricks.nets._seeded import LEVELS


def _rates(modules: Sequence[Any]) -> dict[str, Tensor]:
    """Return the settings of layers that drop something at a rate `p`."""
    p = of_each([module.p for module in modules])
    return {"p": p, **_levels(p)}


def _levels(p: Tensor) -> dict[str, Tensor]:
    """Return which bits are kept at rates of `p`, and what is made of those."""
    return {"threshold": p * LEVELS - LEVELS / 2, "scale": 1 / (1 - p)}


def _refuses(module: Any) -> str | None:
    """Refuse to drop everything."""
    return None if module.p < 1 else f"a {type(module).__name__} of rate 1"


def _masked(layer: SeededLayer, bits: Tensor) -> tuple[Tensor, Tensor]:
    """Turn a layer's random bits, in place, into 0 or the scale; return both."""
    levels = layer.settings
    if layer.factor is not None:
        changed = _levels(layer.settings["p"] * layer.factor)
        levels = {name: level.to(bits.dtype) for name, level in changed.items()}
    scale = levels["scale"]
    return bits.ge_(levels["threshold"]).mul_(scale), scale


@register
class StackedDropout(SeededLayer):
    """Dropout (Srivastava et al., 2014), with a rate and a random stream of each member."""

    stands_for = (Dropout, nn.Dropout)
    follows_relu = False

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self.settings |= _rates(modules)

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse to drop everything."""
        return _refuses(module)

    def drawn(self, n_rows: int) -> tuple[int, int]:
        """Return (N, D): each entry has a draw."""
        return n_rows, self.width

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D), in training with some of the entries 0."""
        if not training:
            return x
        memory = self.lent(x) if self.follows_relu else self.own("mask", x, x.shape[2])
        self._mask, self._scale = _masked(self, memory.copy_(next(self.steps)))
        return x.mul_(self._mask) if self.in_place else x * self._mask

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        if self.follows_relu:
            # What was dropped is 0 in the ReLU's output, where the ReLU lets nothing through.
            return grad.mul_(self._scale)
        return grad.mul_(self._mask)


@register
class StackedChannelDropout(SeededLayer):
    """Dropout of whole channels of images, with a rate and a random stream of each member."""

    stands_for = (ChannelDropout,)
    takes_images = True

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self.settings |= _rates(modules)

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse to drop everything."""
        return _refuses(module)

    def drawn(self, n_rows: int) -> tuple[int, int]:
        """Return (N, C): each channel of a row has a draw."""
        return n_rows, self.width if self.maps is None else self.maps.channels

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D), in training with some of the channels 0."""
        if not training:
            return x
        self._mask, _ = _masked(self, next(self.steps).to(x.dtype))
        return self._thinned(x if self.in_place else x.clone())

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        return self._thinned(grad)

    def _thinned(self, x: Tensor) -> Tensor:
        if self.maps is None:
            return x.mul_(self._mask)
        lanes = self.maps.lanes
        x.unflatten(2, (-1, lanes)).mul_(self._mask[:, :, None, :lanes])
        return x


@register
class StackedDropPath(SeededLayer):
    """Stochastic depth (Huang et al., 2016), with a rate and a random stream of each member."""

    stands_for = (DropPath,)
    takes_images = True

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self.settings |= _rates(modules)
        self._by_row = modules[0].by_row

    @classmethod
    def signature(cls, module: Any) -> Hashable:
        """Return the same for all rates."""
        return "DropPath", module.by_row

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse to drop everything."""
        return _refuses(module)

    def drawn(self, n_rows: int) -> tuple[int, int]:
        """Return (1, N): each row has a draw, or all rows of a batch have one."""
        return 1, n_rows if self._by_row else 1

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D), in training with some of the rows 0."""
        if not training:
            return x
        _, n = self.drawn(x.shape[1])
        mask, _ = _masked(self, next(self.steps).to(x.dtype))
        self._mask = mask[..., :n].mT
        return x.mul_(self._mask) if self.in_place else x * self._mask

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        return grad.mul_(self._mask)


@register
class StackedDropConnect(SeededLayer, Linear):
    """DropConnect (Wan et al., 2013), with a rate and a random stream of each member.

    One mask of the weights for all rows of a step, as the plain layer has it.
    """

    stands_for = (DropConnect,)

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self.settings |= _rates(modules)
        self._width_in = cast(int, width)

    @classmethod
    def signature(cls, module: Any) -> Hashable:
        """Return the same for all rates."""
        return "DropConnect", module.in_features, module.out_features, module.bias is not None

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse to drop everything."""
        return _refuses(module)

    def drawn(self, n_rows: int) -> tuple[int, int]:
        """Return (D, H): each weight has a draw."""
        return self._width_in, self.width

    def weights(self, training: bool) -> Tensor:
        """Return the weights (K, D, H), in training with some of them 0."""
        weight = self.tensors["weight"]
        if not training:
            return weight
        mask = self.own("mask", weight, weight.shape[2])
        mask[:, : self._width_in].copy_(next(self.steps))
        self._mask, _ = _masked(self, mask)
        return torch.mul(weight, self._mask, out=self.own("kept", weight, weight.shape[2]))

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, H) to (K, N, D)."""
        below = super().backward(grad)
        self.grads["weight"].mul_(self._mask)
        return below


@register
class StackedDropConnect2d(SeededLayer, Conv2d):
    """DropConnect of a convolution, with a rate and a random stream of each member.

    One mask of the weights for all rows of a step, as the plain layer has it.
    """

    stands_for = (DropConnect2d,)

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self.settings |= _rates(modules)

    @classmethod
    def signature(cls, module: Any) -> Hashable:
        """Return the same for all rates."""
        return "DropConnect2d", nn.Conv2d.extra_repr(module)

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse to drop everything, and what no convolution can be."""
        return _refuses(module) or Conv2d.refuses(module)

    def drawn(self, n_rows: int) -> tuple[int, int]:
        """Return (C * height * width, C'): each weight has a draw."""
        return self.n_weights, self.n_filters

    def weights(self, training: bool) -> Tensor:
        """Return the weights, in training with some of them 0."""
        weight = self.tensors["weight"]
        if not training:
            return weight
        bits = next(self.steps)[:, : self.n_weights, : self.n_filters]
        mask = self.zeros("mask", weight, weight.shape[2])
        for mine, drawn in zip(mask, bits, strict=True):
            plain = drawn.T.unflatten(1, self.filter_shape)
            self.unpack("weight", mine, plain).copy_(plain)
        self._mask, _ = _masked(self, mask)
        return torch.mul(weight, self._mask, out=self.own("kept", weight, weight.shape[2]))

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, H) to (K, N, D)."""
        below = super().backward(grad)
        self.grads["weight"].mul_(self._mask)
        return below
