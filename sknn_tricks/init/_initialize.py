"""Apply a scheme to all layers of a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import torch
from torch import Tensor, nn

from sknn_tricks._messages import message
from sknn_tricks.init._data_driven import WEIGHTED, DataDriven
from sknn_tricks.init._gains import GAINS, gain_of
from sknn_tricks.init._names import make_scheme
from sknn_tricks.init._schemes import Scheme, lecun_normal
from sknn_tricks.nets._residual import ProjectedResidual, Residual

Weighted: TypeAlias = nn.Linear | nn.modules.conv._ConvNd


def initialize(
    module: nn.Module,
    init: str | Scheme,
    generator: torch.Generator,
    *,
    bias: float = 0.0,
    batch: Tensor | None = None,
) -> None:
    """Draw the weights of every linear and convolutional layer anew; biases become `bias`.

    Normalisation layers and everything else keep what they have. The last layers with weights of
    residual blocks that start at zero become 0.

    Parameters
    ----------
    module : torch.nn.Module
        Any module; changed in place.
    init : str or callable
        A name in ``SCHEMES`` or a callable ``scheme(weight, gain, generator)``. "auto" looks at
        the activation behind each layer: LeCun normal in front of a SELU, which needs it; else
        uniform with variance gain^2 * 2 / (fan_in + fan_out), which is Kaiming's where layers
        are equally wide and gentler where they are not. A callable with a method
        ``rescale(module, batch)`` is shown a batch when all weights are drawn, as "lsuv" and
        "unit_variance" are.
    generator : torch.Generator
        Where all random numbers come from.
    bias : float, default=0.0
        What biases become.
    batch : Tensor of shape (N, ...), default=None
        Some hundred rows as they come in training, for inits that look at data.

    Raises
    ------
    ValueError
        If the name is not known, or the init looks at data and there are none.

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
    if isinstance(scheme, DataDriven) and batch is None:
        raise ValueError(
            message(
                f"init={init!r} looks at data",
                expected="batch=<some hundred rows>",
                got="batch=None",
                todo="Give rows as they come in training",
            )
        )
    with torch.no_grad():
        for layer, activation in layers_with_activation(module):
            _fill(layer, scheme or _auto_scheme(activation), gain_of(activation), generator)
            if layer.bias is not None:
                layer.bias.fill_(bias)
        for part in module.modules():
            if isinstance(part, Residual | ProjectedResidual) and part.starts_at_zero:
                part.zero_()
        if isinstance(scheme, DataDriven) and batch is not None:
            scheme.rescale(module, batch)


def needs_batch(init: str | Scheme) -> bool:
    """Say whether an init looks at data.

    Examples
    --------
    >>> needs_batch("lsuv"), needs_batch("orthogonal")
    (True, False)
    """
    return isinstance(make_scheme(init), DataDriven)


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
    """Fill the weight of a layer, group by group: the groups of a convolution are layers."""
    transposed = isinstance(layer, nn.modules.conv._ConvTransposeNd)
    for part in layer.weight.chunk(getattr(layer, "groups", 1)):
        if transposed:
            # The input's axis is first; schemes count on the output's.
            weight = part.transpose(0, 1).contiguous()
            scheme(weight, gain, generator)
            part.copy_(weight.transpose(0, 1))
        else:
            scheme(part, gain, generator)


def _auto_scheme(activation: nn.Module | None) -> Scheme:
    return lecun_normal if isinstance(activation, nn.SELU) else nn.init.xavier_uniform_
