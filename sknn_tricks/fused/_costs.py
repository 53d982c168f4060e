"""What a row costs a net."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sknn_tricks.fused._job import Job
from sknn_tricks.fused._random import borrowed_global_state


@dataclass(frozen=True)
class Costs:
    """What a row costs a net, forwards.

    Parameters
    ----------
    products : int
        Multiply-adds.
    numbers : int
        Activations that layers with weights give.
    n_convs : int
        Convolutions.
    """

    products: int
    numbers: int
    n_convs: int = 0


def costs_of(module: nn.Module, job: Job) -> Costs:
    """Return what a row costs; where weights are used at several pixels, some rows are tried.

    Parameters
    ----------
    module : torch.nn.Module
    job : Job
        Has the rows, of which `build` tried as many.

    Returns
    -------
    Costs
    """
    parameters = list(module.parameters())
    convs = [part for part in module.modules() if isinstance(part, nn.modules.conv._ConvNd)]
    if not convs:
        products = sum(parameter.numel() for parameter in parameters)
        return Costs(products, sum(p.shape[0] for p in parameters if p.ndim == 2))
    weighted = [*convs, *(part for part in module.modules() if isinstance(part, nn.Linear))]
    products, numbers = _tried(module, weighted, job)
    return Costs(products, numbers, len(convs))


def _tried(module: nn.Module, weighted: list[Any], job: Job) -> tuple[int, int]:
    """Return the multiply-adds and the outputs of those layers, for a row."""
    seen: list[tuple[int, int]] = []

    def note(layer: Any, _: Any, output: Any) -> None:
        if isinstance(output, Tensor):  # a layer of the user's own may return more
            seen.append((output.numel() * layer.weight[0].numel(), output.numel()))

    hooks = [layer.register_forward_hook(note) for layer in weighted]
    was_training = module.training
    # As many as the module was tried with: one row may be too few for a module of the user's own.
    x, _ = job.train.take(slice(0, 2))
    try:
        with torch.no_grad(), borrowed_global_state(0, job.device):
            module.eval()(x.clone())  # it may work in place
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()
    products, numbers = (sum(column) for column in zip(*seen, strict=True)) if seen else (0, 0)
    return products // len(x), numbers // len(x)
