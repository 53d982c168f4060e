"""Activations by name."""

from __future__ import annotations

from torch import nn

from sknn_tricks._messages import lookup

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


def make_activation(activation: str | type[nn.Module]) -> nn.Module:
    """Return a new activation module.

    Parameters
    ----------
    activation : str or class
        One of the names in ``ACTIVATIONS``, or a ``torch.nn.Module`` class without required
        arguments.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If the name is not known.

    Examples
    --------
    >>> make_activation("leaky_relu")
    LeakyReLU(negative_slope=0.01)
    """
    if isinstance(activation, type) and issubclass(activation, nn.Module):
        return activation()
    return lookup(activation, ACTIVATIONS, "activation")()
