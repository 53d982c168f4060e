"""An average of a module's weights, beside the weights themselves."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Average:
    """Average the weights of a module while something else trains them.

    Parameters, and buffers such as BatchNorm's running statistics, are averaged; buffers of whole
    numbers are copied. The average begins as the weights are now.

    Parameters
    ----------
    module : torch.nn.Module

    Examples
    --------
    >>> import torch
    >>> from sknn_tricks.averaging import Average, ema
    >>> layer = torch.nn.Linear(1, 1, bias=False)
    >>> average, rule = Average(layer), ema(decay=0.9)
    >>> for n in range(1, 4):
    ...     _ = torch.nn.init.constant_(layer.weight, float(n))  # a step of training
    ...     average.update(rule.share(n))
    >>> average.exchange()
    >>> round(layer.weight.item(), 3)
    2.8
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._tensors = [tensor.detach().clone() for tensor in tensors_of(module)]

    @torch.no_grad()
    def update(self, share: float) -> None:
        """Move the average towards the weights.

        Parameters
        ----------
        share : float in [0, 1]
            ``average += share * (weights - average)``.
        """
        for mean, tensor in zip(self._tensors, tensors_of(self.module), strict=True):
            if mean.is_floating_point():
                mean.lerp_(tensor, share)
            else:
                mean.copy_(tensor)

    @torch.no_grad()
    def exchange(self) -> None:
        """Let the module have the average, and keep its weights here; the second time, back."""
        for mean, tensor in zip(self._tensors, tensors_of(self.module), strict=True):
            held = tensor.clone()
            tensor.copy_(mean)
            mean.copy_(held)

    def state(self) -> dict[str, Tensor]:
        """Return what is kept here, as ``load_state_dict`` takes it."""
        self.exchange()
        state = copied(self.module)
        self.exchange()
        return state


def tensors_of(module: nn.Module) -> list[Tensor]:
    """Return the parameters and buffers, each once."""
    return [*(parameter.data for parameter in module.parameters()), *module.buffers()]


def copied(module: nn.Module) -> dict[str, Tensor]:
    """Return copies of a module's weights, as ``load_state_dict`` takes them."""
    # Not deepcopy: the weights of a member of a stack are views of all members' weights.
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}
