"""The randomised leaky ReLU of K members as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from sknn_tricks.fused.stacks._activations import through_slopes
from sknn_tricks.fused.stacks._layers import of_each, register
from sknn_tricks.fused.stacks._seeded import SeededLayer
from sknn_tricks.nets import RReLU
from sknn_tricks.nets._rrelu import slopes


@register
class StackedRReLU(SeededLayer):
    """RReLU (Xu et al., 2015), with bounds and a random stream of each member."""

    stands_for = (RReLU,)

    def __init__(self, modules: Sequence[Any], width: int) -> None:
        super().__init__(modules, width)
        each = [slopes(module.lower, module.upper) for module in modules]
        named = zip(("step", "middle"), zip(*each, strict=True), strict=True)
        self.settings |= {name: of_each(values) for name, values in named}
        means = [(module.lower + module.upper) / 2 for module in modules]
        self.settings["mean"] = of_each(means)

    def drawn(self, n_rows: int) -> tuple[int, int]:
        """Return (N, D): each entry has a draw."""
        return n_rows, self.width

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        below = torch.clamp(x, max=0, out=self.own("below", x, x.shape[2]))
        above = torch.clamp(x, min=0, out=self.own("output", x, x.shape[2]))
        if not training:
            return above.addcmul_(self.settings["mean"], below)
        slope = self.own("slope", x, x.shape[2]).copy_(next(self.steps))
        slope.mul_(self.settings["step"]).add_(self.settings["middle"])
        self._x, self._slope, self._below = x, slope, below
        return above.addcmul_(slope, below)

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        return through_slopes(grad, self._x, self._slope, self._below)
