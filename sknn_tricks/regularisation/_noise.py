"""Noise on the features."""

from __future__ import annotations

import torch
from torch import Tensor

from sknn_tricks._messages import message


def add_noise(x: Tensor, std: float, generator: torch.Generator | None = None) -> Tensor:
    """Return the rows with normal noise on each feature, for training.

    For squared error and little noise it is a penalty on the slope of the net (Bishop, 1995).
    Features should be of one scale, such as that of ``StandardScaler``.

    Parameters
    ----------
    x : Tensor of shape (N, ...)
    std : float
        Standard deviation of the noise, in the units of `x`; 0 or more.
    generator : torch.Generator, default=None
        On the device of `x`. Default is torch's global one.

    Returns
    -------
    Tensor of the shape of x

    Raises
    ------
    ValueError
        If `std` is negative.

    References
    ----------
    C. M. Bishop (1995). Training with noise is equivalent to Tikhonov regularization. Neural
    Computation 7.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> noisy = add_noise(torch.ones(1000, 4), 0.1, generator)
    >>> round(noisy.mean().item(), 2), round(noisy.std().item(), 2)
    (1.0, 0.1)
    """
    if not std >= 0:
        raise ValueError(
            message(
                "std is negative",
                expected="a number of 0 or more",
                got=f"std={std!r}",
                todo="Try std=0.1 for standardised features",
            )
        )
    return x + torch.empty_like(x).normal_(generator=generator).mul_(std)
