"""Gradients that are too long are scaled down (Pascanu, Mikolov and Bengio, 2013)."""

from __future__ import annotations

import torch
from torch import nn

from sknn_tricks.fused.stacks._stack import Stack
from sknn_tricks.fused.tricks._bound import Bound, StackedBound


class Clip(Bound):
    """A bound on the norm of the gradient of all parameters."""

    setting = "clip_norm"

    def on_grads(self) -> None:
        """Scale the gradient."""
        nn.utils.clip_grad_norm_(self._module.parameters(), self._bound)


class StackedClip(StackedBound):
    """A bound of each member's own."""

    setting = "clip_norm"

    def on_grads(self, part: Stack, members: slice) -> None:
        """Scale each member's gradient."""
        grads = [grad for layer in part.flat() for grad in layer.grads.values()]
        norms = [torch.linalg.vector_norm(grad.flatten(1), dim=1) for grad in grads]
        square = norms[0].square()
        for norm in norms[1:]:
            square += norm.square()
        scale = self._bounds[members, 0, 0].div(square.sqrt_().add_(1e-6)).clamp_(max=1.0)
        for grad in grads:
            grad.mul_(scale[:, None, None])
