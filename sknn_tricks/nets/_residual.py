"""Residual blocks."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)
NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
# What never changes its input in place, so that no copy of it is needed.
SAFE = (nn.Linear, nn.Conv2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)


class Residual(nn.Sequential):
    """A residual block: the input plus what the layers make of it (He et al., 2016).

    Parameters
    ----------
    *layers : torch.nn.Module or OrderedDict
        As in ``torch.nn.Sequential``; they keep the shape of their input.
    starts_at_zero : bool, default=False
        The last layer with weights starts with weights of 0, which it keeps under any
        `sknn_tricks.init.initialize`: the block starts as the identity, so that a deep net starts
        as a shallow one. That layer is linear, convolutional, or a normalisation with a scale.
        Source: Goyal et al., 2017; Zhang et al. (Fixup), 2019.

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
        zero_last(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, ...) to the same shape."""
        return x + super().forward(_for_layers(x, self))


class ProjectedResidual(nn.Module):
    """A residual block that changes the shape: what a shortcut plus what the layers make of it.

    Parameters
    ----------
    branch : torch.nn.Sequential
        The layers.
    shortcut : torch.nn.Sequential
        Gives the input the shape that the branch gives it, as a 1x1 convolution does.
    starts_at_zero : bool, default=False
        The last layer with weights of the branch starts with weights of 0, as in `Residual`: the
        block starts as its shortcut.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR
       2016: projection shortcuts, option B.

    Examples
    --------
    >>> import torch
    >>> block = ProjectedResidual(
    ...     branch=nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)),
    ...     shortcut=nn.Sequential(nn.Linear(3, 2)),
    ...     starts_at_zero=True,
    ... )
    >>> x = torch.ones(1, 3)
    >>> torch.equal(block(x), block.shortcut(x))
    True
    """

    def __init__(
        self, branch: nn.Sequential, shortcut: nn.Sequential, starts_at_zero: bool = False
    ) -> None:
        super().__init__()
        # First, as the activation behind the block is then that behind the branch's last layer.
        self.shortcut = shortcut
        self.branch = branch
        self.starts_at_zero = starts_at_zero
        if starts_at_zero:
            self.zero_()

    def zero_(self) -> None:
        """Let the weights and the bias of the branch's last layer be 0."""
        zero_last(self.branch)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, ...) to the shape that both make of it."""
        return self.shortcut(_for_layers(x, self.shortcut)) + self.branch(
            _for_layers(x, self.branch)
        )


def zero_last(module: nn.Module) -> None:
    """Let the weights and the bias of the last layer that has weights be 0."""
    parts = [part for part in module.modules() if isinstance(part, (*WEIGHTED, *NORMS))]
    for layer in [part for part in parts if part.weight is not None][-1:]:
        nn.init.zeros_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _for_layers(x: Tensor, layers: nn.Sequential) -> Tensor:
    """Return what the layers may have: a copy, if the first of them may work in place."""
    return x if not len(layers) or type(layers[0]) in SAFE else x.clone()
