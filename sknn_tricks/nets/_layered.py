"""A Sequential whose layers learn at rates of their own, each from an epoch of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from torch import nn


class Layered(nn.Sequential):
    """A ``torch.nn.Sequential`` for fine-tuning: its layers may learn slowly, late or never.

    A layer that does not learn yet is frozen: its weights get no gradient, and it is in evaluation
    mode, so that normalisation keeps its running averages and nothing is dropped.

    Parameters
    ----------
    layers : mapping of str to torch.nn.Module
        The layers by name, in their order.
    lr_factors : sequence of float
        By how much the learning rate of each layer is multiplied.
    first_epochs : sequence of float
        The epoch, from 0, in which each layer begins to learn; ``math.inf`` for never.

    References
    ----------
    .. [1] J. Howard, S. Ruder, "Universal language model fine-tuning for text classification",
       ACL 2018: rates that fall from layer to layer, and gradual unfreezing.

    Examples
    --------
    >>> net = Layered({"body": nn.Linear(3, 4), "head": nn.Linear(4, 2)}, (0.1, 1.0), (5, 0))
    >>> net.begin_epoch(0).body.weight.requires_grad
    False
    >>> net.begin_epoch(5).body.weight.requires_grad
    True
    """

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        lr_factors: Sequence[float],
        first_epochs: Sequence[float],
    ) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.lr_factors = tuple(lr_factors)
        self.first_epochs = tuple(first_epochs)
        for layer, first in zip(self, self.first_epochs, strict=True):
            if first == math.inf:
                layer.requires_grad_(False)  # so that no optimiser has its weights
        self._epoch = 0
        self.train()  # whatever mode the layers were in

    @property
    def changes(self) -> bool:
        """Whether a layer begins to learn later than another."""
        return any(0 < first < math.inf for first in self.first_epochs)

    def begin_epoch(self, epoch: int) -> Self:
        """Let the layers learn that learn in an epoch, and no others."""
        self._epoch = epoch
        for layer, first in zip(self, self.first_epochs, strict=True):
            layer.requires_grad_(first <= epoch)
        return self.train(self.training)

    def thaw(self) -> None:
        """Let all layers have gradients again that are ever to learn."""
        self.begin_epoch(int(max(first for first in self.first_epochs if first < math.inf)))

    def train(self, mode: bool = True) -> Self:
        """Set the mode, of frozen layers to evaluation."""
        super().train(mode)
        for layer, first in zip(self, self.first_epochs, strict=True):
            if first > self._epoch:
                layer.eval()
        return self

    def factors(self) -> Iterator[tuple[nn.Parameter, float]]:
        """Yield each parameter with the factor of its learning rate."""
        for layer, factor in zip(self, self.lr_factors, strict=True):
            for parameter in layer.parameters():
                yield parameter, factor
