"""Dropout of K members as one: a rate and a random stream for each."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from sknn_tricks._padding import padded
from sknn_tricks.fused.stacks._layers import Layer, register
from sknn_tricks.nets import Dropout
from sknn_tricks.nets._dropout import draw_bits


@register
class StackedDropout(Layer):
    """Dropout (Srivastava et al., 2014), with a rate and a random stream of each member.

    Random bits are drawn for several steps at once. `draw` must be told how many will use them, so
    that a member draws the same bits in any company.
    """

    stands_for = (Dropout, nn.Dropout)
    follows_relu = False

    def __init__(self, modules: Sequence[Any], width: int) -> None:
        super().__init__(modules, width)
        self.generators: list[np.random.SFC64] = []
        rates = torch.tensor([[[module.p]] for module in modules], dtype=torch.float64)
        self.tensors = {"threshold": rates * 2**16 - 2**15, "scale": 1 / (1 - rates)}

    @classmethod
    def signature(cls, module: nn.Module) -> Hashable:
        """Return the same for all rates."""
        return "Dropout"

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse to drop everything."""
        return None if module.p < 1 else "a Dropout of rate 1"

    def start(self, seeds: Sequence[int], dtype: torch.dtype) -> None:
        """Start each member's random stream."""
        self.generators = [np.random.SFC64(seed) for seed in seeds]
        self.tensors = {name: tensor.to(dtype) for name, tensor in self.tensors.items()}

    def draw(self, n_steps: int, n_rows: int) -> None:
        """Draw the bits of the next steps."""
        shape = (n_steps, len(self.generators), n_rows, padded(self.width))
        bits = np.empty(shape, dtype=np.int16)
        for k, generator in enumerate(self.generators):
            bits[:, k] = draw_bits(generator, n_steps, n_rows, self.width)
        self._steps = iter(torch.from_numpy(bits))

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D), in training with some of the entries 0."""
        if not training:
            return x
        self._mask = self.lent(x) if self.follows_relu else self.own("mask", x, x.shape[2])
        self._mask.copy_(next(self._steps)).ge_(self.tensors["threshold"])
        self._mask.mul_(self.tensors["scale"])
        return x.mul_(self._mask) if self.in_place else x * self._mask

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        if self.follows_relu:
            # What was dropped is 0 in the ReLU's output, where the ReLU lets nothing through.
            return grad.mul_(self.tensors["scale"])
        return grad.mul_(self._mask)

    def of(self, members: slice) -> Self:
        """Return the layer of some members only, with their random streams."""
        part = super().of(members)
        part.generators = self.generators[members]
        return part

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        super().keep(index)
        self.generators = [self.generators[k] for k in index.tolist()]

    def point(self, module: nn.Module, k: int) -> None:
        """Do nothing: the plain layer has no tensors."""
