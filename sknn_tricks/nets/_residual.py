"""The residual block."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class Residual(nn.Sequential):
    """A residual block: the input plus what the layers make of it (He et al., 2016).

    Parameters
    ----------
    *layers : torch.nn.Module or OrderedDict
        As in ``torch.nn.Sequential``; they keep the shape of their input.
    starts_at_zero : bool, default=False
        The last linear or convolutional layer starts with weights of 0 and keeps them under any
        `sknn_tricks.init.initialize`: the block starts as the identity, so that a deep net starts
        as a shallow one. Source: Goyal et al., 2017; Zhang et al. (Fixup), 2019.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> block = Residual(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), starts_at_zero=True)
    >>> block(torch.ones(1, 3)).tolist()
    [[1.0, 1.0, 1.0]]
    """

    def __init__(self, *layers: Any, starts_at_zero: bool = False) -> None:
        super().__init__(*layers)
        self.starts_at_zero = starts_at_zero
        if starts_at_zero:
            self.zero_()

    def zero_(self) -> None:
        """Let the weights and the bias of the last layer be 0."""
        weighted = (nn.Linear, nn.modules.conv._ConvNd)
        last = [part for part in self.modules() if isinstance(part, weighted)][-1:]
        for layer in last:
            nn.init.zeros_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, D) to (N, D)."""
        return x + super().forward(x.clone())  # a layer may work in place
