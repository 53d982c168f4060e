"""The L1 penalty."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn


def add_l1(parameters: Iterable[nn.Parameter], rate: float) -> None:
    """Add the gradient of the L1 penalty ``rate * sum(|w|)`` to the gradients, in place.

    The loss stays as it is, so that losses of different penalties can be compared. With the
    optimiser's ``weight_decay`` beside it, it is an elastic net (Zou and Hastie, 2005).

    Parameters
    ----------
    parameters : iterable of torch.nn.Parameter
        Those without a gradient are left alone. `sknn_tricks.optim.decayed` gives the weights of
        a module without biases and normalisation parameters.
    rate : float
        Strength of the penalty.

    References
    ----------
    R. Tibshirani (1996). Regression shrinkage and selection via the lasso. JRSS B 58.

    H. Zou and T. Hastie (2005). Regularization and variable selection via the elastic net.
    JRSS B 67.

    Examples
    --------
    >>> import torch
    >>> weight = nn.Parameter(torch.tensor([3.0, 0.0, -2.0]))
    >>> weight.square().sum().backward()
    >>> add_l1([weight], 0.5)
    >>> weight.grad
    tensor([ 6.5000,  0.0000, -4.5000])
    """
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.add_(parameter.detach().sign(), alpha=rate)
