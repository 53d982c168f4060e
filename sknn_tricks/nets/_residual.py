"""The residual block."""

from __future__ import annotations

from torch import Tensor, nn


class Residual(nn.Sequential):
    """A residual block: the input plus what the layers make of it (He et al., 2016).

    Parameters
    ----------
    *layers : torch.nn.Module
        As in ``torch.nn.Sequential``; they keep the shape of their input.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> block = Residual(nn.Linear(3, 3, bias=False))
    >>> _ = nn.init.zeros_(block[0].weight)
    >>> block(torch.ones(1, 3)).tolist()
    [[1.0, 1.0, 1.0]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, D) to (N, D)."""
        return x + super().forward(x.clone())  # a layer may work in place
