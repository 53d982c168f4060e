"""Apply a scheme to all layers of a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import torch
from torch import nn

from sknn_tricks.init._schemes import (
    Scheme,
    lecun_normal,
    make_scheme,
)

WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)
Weighted: TypeAlias = nn.Linear | nn.modules.conv._ConvNd

# How much an activation shrinks a signal of unit variance, as a factor to make good for it.
# tanh and selu: torch.nn.init.calculate_gain; relu and its smooth relatives: He et al., 2015.
GAINS: dict[type[nn.Module], float] = {
    nn.ReLU: 2**0.5,
    nn.LeakyReLU: 2**0.5,  # less what the slope lets through
    nn.ELU: 2**0.5,
    nn.GELU: 2**0.5,
    nn.SiLU: 2**0.5,
    nn.Mish: 2**0.5,
    nn.SELU: 1.0,
    nn.Tanh: 5 / 3,
    nn.Sigmoid: 1.0,
}


def initialize(module: nn.Module, init: str | Scheme, generator: torch.Generator) -> None:
    """Draw the weights of every linear and convolutional layer anew; biases become 0.

    Normalisation layers and everything else keep what they have.

    Parameters
    ----------
    module : torch.nn.Module
        Any module; changed in place.
    init : str or callable
        A name in ``SCHEMES`` or a callable ``scheme(weight, gain, generator)``. "auto" looks at
        the activation behind each layer: LeCun normal in front of a SELU, which needs it; else
        uniform with variance gain^2 * 2 / (fan_in + fan_out), which is Kaiming's where layers
        are equally wide and gentler where they are not.
    generator : torch.Generator
        Where all random numbers come from.

    Raises
    ------
    ValueError
        If the name is not known.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(500, 500), nn.ReLU(), nn.Linear(500, 1))
    >>> initialize(net, "kaiming_normal", torch.Generator().manual_seed(0))
    >>> f"{net[0].weight.detach().std() * 500 ** 0.5:.1f}"
    '1.4'
    """
    scheme = make_scheme(init)
    with torch.no_grad():
        for layer, activation in layers_with_activation(module):
            gain = _gain(activation)
            _fill(layer, scheme or _auto_scheme(activation), gain, generator)
            if layer.bias is not None:
                layer.bias.zero_()


def layers_with_activation(
    module: nn.Module,
) -> Iterator[tuple[Weighted, nn.Module | None]]:
    """Yield each weighted layer and the first activation between it and the next one, or None."""
    layer: Weighted | None = None
    activation: nn.Module | None = None
    seen: set[nn.Module] = set()
    # One activation may serve several layers; a layer that is used twice is drawn once.
    for _, part in module.named_modules(remove_duplicate=False):
        if isinstance(part, WEIGHTED):
            if layer is not None:
                yield layer, activation
            layer, activation = (None if part in seen else part), None
            seen.add(part)
        elif activation is None and type(part) in GAINS:
            activation = part
    if layer is not None:
        yield layer, activation


def _fill(layer: Weighted, scheme: Scheme, gain: float, generator: torch.Generator) -> None:
    if not isinstance(layer, nn.modules.conv._ConvTransposeNd):
        scheme(layer.weight, gain, generator)
        return
    # Transposed convolutions have the input's axis first, group by group; schemes count on the
    # output's.
    for part in layer.weight.chunk(layer.groups):
        weight = part.transpose(0, 1).contiguous()
        scheme(weight, gain, generator)
        part.copy_(weight.transpose(0, 1))


def _gain(activation: nn.Module | None) -> float:
    if activation is None:
        return 1.0
    slope = getattr(activation, "negative_slope", 0.0)
    return GAINS[type(activation)] / (1 + slope**2) ** 0.5


def _auto_scheme(activation: nn.Module | None) -> Scheme:
    return lecun_normal if isinstance(activation, nn.SELU) else nn.init.xavier_uniform_
