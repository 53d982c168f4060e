"""A bound on the weights into each unit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sknn_tricks._messages import message

Transposed = nn.modules.conv._ConvTransposeNd
BOUNDED = (nn.Linear, nn.modules.conv._ConvNd)


@torch.no_grad()
def max_norm_(module: nn.Module, bound: float) -> None:
    """Scale the weights into each unit down to a norm of at most `bound`, in place.

    Called after each step of the optimiser. A unit is a feature of a linear layer's output or a
    channel of a convolution's; all such layers of the module are bounded, but biases, and weights
    that are frozen, are not.

    Parameters
    ----------
    module : torch.nn.Module
    bound : float
        Above 0; 2 to 4 are usual.

    Raises
    ------
    ValueError
        If `bound` is not above 0.

    References
    ----------
    N. Srebro and A. Shraibman (2005). Rank, trace-norm and max-norm. COLT.

    G. E. Hinton, N. Srivastava, A. Krizhevsky, I. Sutskever and R. Salakhutdinov (2012). Improving
    neural networks by preventing co-adaptation of feature detectors. arXiv:1207.0580.

    Examples
    --------
    >>> layer = nn.Linear(2, 2, bias=False)
    >>> _ = layer.weight.data.copy_(torch.tensor([[3.0, 4.0], [0.5, 0.0]]))
    >>> max_norm_(layer, 1.0)
    >>> layer.weight.tolist()
    [[0.6..., 0.8...], [0.5, 0.0]]
    """
    if not bound > 0:
        raise ValueError(
            message(
                "bound is no norm of weights",
                expected="a number above 0",
                got=f"bound={bound!r}",
                todo="Try bound=3.0",
            )
        )
    for part in module.modules():
        if isinstance(part, BOUNDED) and part.weight.requires_grad:
            weight, inputs = _by_unit(part)
            norm = torch.linalg.vector_norm(weight, dim=inputs, keepdim=True)
            weight.mul_((bound / norm).clamp_(max=1.0))


def _by_unit(layer: Any) -> tuple[Tensor, tuple[int, ...]]:
    """Return a view of the weight, and the axes that a unit sums over."""
    weight = layer.weight.detach()
    if not isinstance(layer, Transposed):
        return weight, tuple(range(1, weight.ndim))
    # The input's channels come first, group by group; then the output's of a group.
    weight = weight.unflatten(0, (layer.groups, -1))
    return weight, (1, *range(3, weight.ndim))
