"""The schemes: how one weight matrix is drawn.

A scheme is any callable ``scheme(weight, gain, generator)`` that fills `weight` in place, where
`gain` is the factor by which the activation behind the layer wants its input enlarged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sknn_tricks._messages import lookup

Scheme = Callable[[Tensor, float, torch.Generator], object]


@dataclass(frozen=True)
class normal:
    """Normal with mean 0 and a fixed standard deviation, whatever the size of the layer.

    Examples
    --------
    >>> normal(0.05)
    normal(std=0.05)
    """

    std: float = 0.01

    def __call__(self, weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
        """Fill `weight` in place."""
        return nn.init.normal_(weight, std=self.std, generator=generator)


@dataclass(frozen=True)
class constant:
    """Every weight the same.

    Examples
    --------
    >>> constant(0.5)
    constant(value=0.5)
    """

    value: float = 0.1

    def __call__(self, weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
        """Fill `weight` in place."""
        return nn.init.constant_(weight, self.value)


def _fan_in(weight: Tensor) -> int:
    return weight[0].numel()


def xavier_uniform(weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
    """Draw with variance 2 / (fan_in + fan_out), whatever the activation (Glorot, Bengio, 2010)."""
    return nn.init.xavier_uniform_(weight, 1.0, generator)


def xavier_normal(weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
    """Draw with variance 2 / (fan_in + fan_out), whatever the activation (Glorot, Bengio, 2010)."""
    return nn.init.xavier_normal_(weight, 1.0, generator)


def kaiming_uniform(weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
    """Draw with variance gain^2 / fan_in (He et al., 2015)."""
    bound = gain * (3 / _fan_in(weight)) ** 0.5
    return nn.init.uniform_(weight, -bound, bound, generator)


def kaiming_normal(weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
    """Draw with variance gain^2 / fan_in (He et al., 2015)."""
    return nn.init.normal_(weight, 0.0, gain / _fan_in(weight) ** 0.5, generator)


def lecun_uniform(weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
    """Draw with variance 1 / fan_in, whatever the activation (LeCun et al., 1998)."""
    return kaiming_uniform(weight, 1.0, generator)


def lecun_normal(weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
    """Draw with variance 1 / fan_in, whatever the activation (LeCun et al., 1998)."""
    return kaiming_normal(weight, 1.0, generator)


def orthogonal(weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
    """Draw orthonormal rows or columns, times the gain (Saxe et al., 2014)."""
    return nn.init.orthogonal_(weight, gain, generator)


SCHEMES: dict[str, Scheme] = {
    "constant": constant(),
    "kaiming_normal": kaiming_normal,
    "kaiming_uniform": kaiming_uniform,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "normal": normal(),
    "orthogonal": orthogonal,
    "xavier_normal": xavier_normal,
    "xavier_uniform": xavier_uniform,
    "zeros": constant(0.0),
}


def make_scheme(init: str | Scheme) -> Scheme | None:
    """Return the scheme of that name; None for "auto", which looks at each layer.

    Parameters
    ----------
    init : str or callable
        A name in ``SCHEMES``, "auto", or a callable ``scheme(weight, gain, generator)``.

    Returns
    -------
    callable or None

    Raises
    ------
    ValueError
        If the name is not known.

    Examples
    --------
    >>> make_scheme("zeros")
    constant(value=0.0)
    """
    if callable(init):
        return init
    return lookup(init, {**SCHEMES, "auto": None}, "init")
