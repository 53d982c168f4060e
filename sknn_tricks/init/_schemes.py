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


@dataclass(frozen=True)
class truncated_normal:
    """Normal with a fixed standard deviation, without what is more than two of them from 0.

    Parameters
    ----------
    std : float, default=0.02
        Of the normal distribution before it is cut.

    Examples
    --------
    >>> weight = truncated_normal(0.1)(torch.empty(100, 100), 1.0, torch.Generator())
    >>> f"{weight.abs().max():.2f}"
    '0.20'
    """

    std: float = 0.02

    def __call__(self, weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
        """Fill `weight` in place."""
        return _cut_normal(weight, self.std, generator)


@dataclass(frozen=True)
class variance_scaling:
    """The variance goes with the size of the layer: ``(scale * gain^2) / fan``.

    Parameters
    ----------
    fan : {"in", "out", "average"}, default="in"
        The terms that are summed in one output (keeps the variance of signals), the outputs that
        one input reaches (keeps that of gradients), or the mean of both.
    distribution : {"normal", "uniform", "truncated_normal"}, default="normal"
        All of the same variance.
    with_gain : bool, default=True
        Whether the gain of the activation counts; without, it is 1.
    scale : float, default=1.0
        A further factor.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
       networks", AISTATS 2010.
    .. [2] K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    >>> variance_scaling("out", "truncated_normal")
    variance_scaling(fan='out', distribution='truncated_normal', with_gain=True, scale=1.0)
    """

    fan: str = "in"
    distribution: str = "normal"
    with_gain: bool = True
    scale: float = 1.0

    def __post_init__(self) -> None:
        lookup(self.fan, _FANS, "fan")
        lookup(self.distribution, _DISTRIBUTIONS, "distribution")

    def __call__(self, weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
        """Fill `weight` in place."""
        squared_gain = gain**2 if self.with_gain else 1.0
        std = (self.scale * squared_gain / _FANS[self.fan](weight)) ** 0.5
        return _DISTRIBUTIONS[self.distribution](weight, std, generator)


@dataclass(frozen=True)
class sparse:
    """Each unit has a few weights that are not 0, however wide the layer before is.

    Meant for tanh and sigmoids; for a ReLU, ``std=(2 / n_weights) ** 0.5`` keeps the variance.

    Parameters
    ----------
    n_weights : int, default=15
        How many of each unit's weights are drawn; all, where it has fewer.
    std : float, default=1.0
        Of these.

    References
    ----------
    .. [1] J. Martens, "Deep learning via Hessian-free optimization", ICML 2010.

    Examples
    --------
    >>> weight = sparse(3)(torch.empty(2, 100), 1.0, torch.Generator())
    >>> (weight != 0).sum(dim=1)
    tensor([3, 3])
    """

    n_weights: int = 15
    std: float = 1.0

    def __call__(self, weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
        """Fill `weight` in place."""
        order = torch.empty_like(weight).uniform_(generator=generator).flatten(1)
        n_weights = min(self.n_weights, order.shape[1])
        drawn = torch.zeros_like(order).scatter_(1, order.topk(n_weights).indices, 1.0)
        nn.init.normal_(weight, std=self.std, generator=generator)
        return weight.mul_(drawn.view_as(weight))


def _fan_in(weight: Tensor) -> int:
    return weight[0].numel()


def _fan_out(weight: Tensor) -> int:
    return weight[:, 0].numel()


def _uniform(weight: Tensor, std: float, generator: torch.Generator) -> Tensor:
    return nn.init.uniform_(weight, -std * 3**0.5, std * 3**0.5, generator)


def _normal(weight: Tensor, std: float, generator: torch.Generator) -> Tensor:
    return nn.init.normal_(weight, 0.0, std, generator)


def _cut_normal(weight: Tensor, std: float, generator: torch.Generator) -> Tensor:
    return nn.init.trunc_normal_(weight, 0.0, std, -2 * std, 2 * std, generator)


# Standard deviation of the standard normal distribution between -2 and 2.
_OF_CUT = 0.8796256610342398
_FANS: dict[str, Callable[[Tensor], float]] = {
    "in": _fan_in,
    "out": _fan_out,
    "average": lambda weight: (_fan_in(weight) + _fan_out(weight)) / 2,
}
_DISTRIBUTIONS: dict[str, Callable[[Tensor, float, torch.Generator], Tensor]] = {
    "normal": _normal,
    "uniform": _uniform,
    "truncated_normal": lambda weight, std, source: _cut_normal(weight, std / _OF_CUT, source),
}


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


def identity(weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
    """Pass the inputs through, as far as there are outputs (Le, Jaitly, Hinton, 2015).

    A convolution has the identity in its middle.
    """
    return nn.init.eye_(weight) if weight.ndim == 2 else nn.init.dirac_(weight)


def orthogonal(weight: Tensor, gain: float, generator: torch.Generator) -> Tensor:
    """Draw orthonormal rows or columns, times the gain (Saxe et al., 2014)."""
    return nn.init.orthogonal_(weight, gain, generator)
