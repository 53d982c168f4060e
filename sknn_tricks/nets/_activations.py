"""Activations by name."""

from __future__ import annotations

import copy

from torch import nn

from sknn_tricks._messages import lookup
from sknn_tricks.nets._rrelu import RReLU

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "mish": nn.Mish,
    "prelu": nn.PReLU,
    "prelu_per_feature": nn.PReLU,
    "relu": nn.ReLU,
    "rrelu": RReLU,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "swish": nn.SiLU,
    "tanh": nn.Tanh,
}


def make_activation(activation: str | type[nn.Module] | nn.Module, width: int = 1) -> nn.Module:
    """Return a new activation module.

    Parameters
    ----------
    activation : str, class or torch.nn.Module
        One of the names in ``ACTIVATIONS``, a ``torch.nn.Module`` class without required
        arguments, or a module with settings of its own, which is copied. "swish" is another name
        of "silu"; "prelu" learns one slope for the layer, "prelu_per_feature" one for each of its
        features; "rrelu" is `RReLU`.
    width : int, default=1
        Features of the layer, D.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If the name is not known.

    References
    ----------
    .. [1] A. Maas, A. Hannun, A. Ng, "Rectifier nonlinearities improve neural network acoustic
       models", 2013: leaky_relu.
    .. [2] K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015: prelu.
    .. [3] B. Xu, N. Wang, T. Chen, M. Li, "Empirical evaluation of rectified activations in
       convolutional network", 2015: rrelu.
    .. [4] D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning
       by exponential linear units", ICLR 2016: elu.
    .. [5] G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-normalizing neural
       networks", NeurIPS 2017: selu.
    .. [6] P. Ramachandran, B. Zoph, Q. Le, "Searching for activation functions", 2017: silu.
    .. [7] D. Hendrycks, K. Gimpel, "Gaussian error linear units", 2016: gelu.
    .. [8] D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020: mish.

    Examples
    --------
    >>> make_activation("leaky_relu")
    LeakyReLU(negative_slope=0.01)
    >>> make_activation(nn.LeakyReLU(0.2))
    LeakyReLU(negative_slope=0.2)
    >>> make_activation("prelu_per_feature", width=8)
    PReLU(num_parameters=8)
    """
    if isinstance(activation, nn.Module):
        return copy.deepcopy(activation)
    if isinstance(activation, type) and issubclass(activation, nn.Module):
        return activation()
    make = lookup(activation, ACTIVATIONS, "activation")
    return nn.PReLU(width) if activation == "prelu_per_feature" else make()
