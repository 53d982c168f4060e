"""Schemes that look at data: each layer is scaled by what it makes of some rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from sknn_tricks.init._schemes import kaiming_normal, orthogonal

WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)
# Below this share of its mean size, the spread of an output is taken for rounding.
ROUNDING = 1e-5


@runtime_checkable
class DataDriven(Protocol):
    """A scheme with a second part, that is shown some rows."""

    def __call__(self, weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
        """Fill `weight` in place."""

    def rescale(self, module: nn.Module, batch: Tensor) -> None:
        """Change the weights of the module, all of which are filled, by a batch (N, ...)."""


@dataclass(frozen=True)
class lsuv:
    """Layer-sequential unit variance: orthogonal, then each layer scaled to outputs of variance 1.

    The variance is that of all outputs of a layer, in front of its activation, for a batch of
    data. A layer is linear in its weights, so one division is exact where [1]_ takes some.

    References
    ----------
    .. [1] D. Mishkin, J. Matas, "All you need is a good init", ICLR 2016.

    Examples
    --------
    >>> from sknn_tricks.init import initialize
    >>> source = torch.Generator().manual_seed(0)
    >>> net = nn.Sequential(nn.Linear(20, 50), nn.Tanh(), nn.Linear(50, 50))
    >>> x = 7 * torch.randn(100, 20, generator=source)
    >>> initialize(net, "lsuv", source, batch=x)
    >>> f"{net[0](x).std():.2f} {net(x).std():.2f}"
    '1.00 1.00'
    """

    def __call__(self, weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
        """Fill `weight` with orthonormal rows or columns, in place."""
        return orthogonal(weight, 1.0, generator)

    def rescale(self, module: nn.Module, batch: Tensor) -> None:
        """Scale each layer, in the order in which the rows pass through them."""
        _scale_layers(module, batch, by_unit=False)


@dataclass(frozen=True)
class unit_variance:
    """Kaiming normal, then each unit scaled to pre-activations of variance 1 for a batch of data.

    As `lsuv`, but unit by unit, so that none starts far more or less active than others. Shifts
    are left at the bias that was asked for.

    References
    ----------
    .. [1] P. Krähenbühl, C. Doersch, J. Donahue, T. Darrell, "Data-dependent initializations of
       convolutional neural networks", ICLR 2016.
    .. [2] T. Salimans, D. Kingma, "Weight normalization", NeurIPS 2016, section 3.

    Examples
    --------
    >>> from sknn_tricks.init import initialize
    >>> source = torch.Generator().manual_seed(0)
    >>> net = nn.Sequential(nn.Linear(20, 2))
    >>> x = torch.randn(100, 20, generator=source)
    >>> initialize(net, "unit_variance", source, batch=x)
    >>> net(x).std(dim=0, correction=0).tolist()
    [1.0, 1.0]
    """

    def __call__(self, weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
        """Fill `weight` in place."""
        return kaiming_normal(weight, gain, generator)

    def rescale(self, module: nn.Module, batch: Tensor) -> None:
        """Scale each unit, layer by layer in the order in which the rows pass through them."""
        _scale_layers(module, batch, by_unit=True)


@torch.no_grad()
def _scale_layers(module: nn.Module, batch: Tensor, by_unit: bool) -> None:
    """Pass a batch through, in evaluation mode, and scale each layer when its turn comes."""
    seen: set[nn.Module] = set()

    def scale(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        if layer in seen:
            return None
        seen.add(layer)
        _divide(layer, _spread(layer, output, by_unit))
        return layer.forward(*inputs)

    with ExitStack() as stack:
        stack.enter_context(_evaluating(module))
        for part in module.modules():
            if isinstance(part, WEIGHTED):
                stack.callback(part.register_forward_hook(scale).remove)
        module(batch)


def _spread(layer: nn.Module, output: Tensor, by_unit: bool) -> Tensor:
    """Return the standard deviation of a layer's output, or of each unit's; 1 if there is none."""
    units = output.movedim(-1 if isinstance(layer, nn.Linear) else 1, 0).flatten(1)
    units = units if by_unit else units.reshape(1, -1)
    std = units.std(dim=1, correction=0)
    return std.where(std > ROUNDING * units.abs().mean(dim=1), 1.0)


def _divide(layer: Any, std: Tensor) -> None:
    """Divide the weights of a layer by one number, or by one for each unit."""
    weight = layer.weight
    if len(std) == 1:
        weight.div_(std)
    elif isinstance(layer, nn.modules.conv._ConvTransposeNd):
        # The input's axis is first, group by group.
        parts = zip(weight.chunk(layer.groups), std.chunk(layer.groups), strict=True)
        for part, each in parts:
            part.div_(each.view(1, -1, *[1] * (weight.ndim - 2)))
    else:
        weight.div_(std.view(-1, *[1] * (weight.ndim - 1)))


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Set a module to evaluation for the block, and each part back after it."""
    before = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in before.items():
            part.training = training
