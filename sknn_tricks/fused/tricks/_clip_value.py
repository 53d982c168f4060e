"""Each entry of the gradient is kept within bounds."""

from __future__ import annotations

import torch
from torch import nn

from sknn_tricks.fused.stacks._stack import Stack
from sknn_tricks.fused.tricks._bound import Bound, StackedBound


class ClipValue(Bound):
    """A bound on each entry of the gradient."""

    setting = "clip_value"

    def on_grads(self) -> None:
        """Clip the gradient."""
        nn.utils.clip_grad_value_(self._module.parameters(), self._bound)


class StackedClipValue(StackedBound):
    """A bound of each member's own."""

    setting = "clip_value"

    def on_grads(self, part: Stack, members: slice) -> None:
        """Clip each member's gradient."""
        bounds = self._bounds[members]
        lowest = bounds.neg()
        for layer in part.flat():
            for grad in layer.grads.values():
                torch.clamp(grad, lowest, bounds, out=grad)
