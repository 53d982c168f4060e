"""How much an activation shrinks a signal, as a factor to make good for it."""

from __future__ import annotations

from typing import Any

from torch import nn

from sknn_tricks.nets._rrelu import RReLU

# tanh and selu: torch.nn.init.calculate_gain; relu and what comes near it far from 0: He et al.,
# 2015; those whose slope at 0 is at most 1 and which saturate: 1.
GAINS: dict[type[nn.Module], float] = {
    nn.CELU: 2**0.5,
    nn.ELU: 2**0.5,
    nn.GELU: 2**0.5,
    nn.Hardsigmoid: 1.0,
    nn.Hardswish: 2**0.5,
    nn.Hardtanh: 5 / 3,
    nn.LeakyReLU: 2**0.5,  # less what the slope lets through
    nn.LogSigmoid: 2**0.5,
    nn.Mish: 2**0.5,
    nn.PReLU: 2**0.5,  # the same
    nn.ReLU: 2**0.5,
    nn.ReLU6: 2**0.5,
    nn.RReLU: 2**0.5,  # the same
    nn.SELU: 1.0,
    nn.SiLU: 2**0.5,
    nn.Sigmoid: 1.0,
    nn.Softplus: 2**0.5,
    nn.Softsign: 1.0,
    nn.Tanh: 5 / 3,
    RReLU: 2**0.5,  # the same
}


def gain_of(activation: nn.Module | None) -> float:
    """Return by which factor an activation wants the standard deviation of its input enlarged.

    Parameters
    ----------
    activation : torch.nn.Module or None

    Returns
    -------
    float
        Of a leaky ReLU by the mean square of its slopes; 1 for None and for what is not known.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015, eq. 15.

    Examples
    --------
    >>> f"{gain_of(nn.ReLU()):.3f} {gain_of(nn.LeakyReLU(0.5)):.3f} {gain_of(None)}"
    '1.414 1.265 1.0'
    """
    if activation is None:
        return 1.0
    return GAINS.get(type(activation), 1.0) / (1 + _squared_slope(activation)) ** 0.5


def _squared_slope(activation: Any) -> float:
    """Return the mean square of the slopes below 0 of a leaky ReLU, else 0."""
    if isinstance(activation, nn.PReLU):
        return activation.weight.detach().square().mean().item()
    if isinstance(activation, RReLU | nn.RReLU):
        lower, upper = activation.lower, activation.upper
        return (lower**2 + lower * upper + upper**2) / 3
    return getattr(activation, "negative_slope", 0.0) ** 2
