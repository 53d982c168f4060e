"""The weights into each unit are kept within a norm."""

from __future__ import annotations

import torch

from sknn_tricks.fused.stacks._layers import Linear, sum_rows
from sknn_tricks.fused.stacks._stack import Stack
from sknn_tricks.fused.tricks._bound import Bound, StackedBound
from sknn_tricks.regularisation import max_norm_


class MaxNorm(Bound):
    """A bound on the norm of the weights into each unit."""

    setting = "max_norm"

    def on_update(self) -> None:
        """Scale the weights."""
        max_norm_(self._module, self._bound)


class StackedMaxNorm(StackedBound):
    """A bound of each member's own."""

    setting = "max_norm"

    def on_update(self, part: Stack, members: slice) -> None:
        """Scale each member's weights (K, D, H)."""
        bounds = self._bounds[members]
        for layer in part.flat():
            if isinstance(layer, Linear):
                weight = layer.tensors["weight"]
                squares = layer.own("squares", weight, weight.shape[2])
                norm = sum_rows(torch.mul(weight, weight, out=squares)).sqrt_()
                weight.mul_(torch.div(bounds, norm, out=norm).clamp_(max=1.0))
