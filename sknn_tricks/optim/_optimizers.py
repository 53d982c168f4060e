"""torch's optimisers by name, each in its fastest form, with weight decay where it belongs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import torch
from torch import nn

from sknn_tricks._messages import lookup, message
from sknn_tricks.nets._layered import Layered

MakeOptimizer = Callable[..., torch.optim.Optimizer]
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)

# The fused forms update all parameters in one call: on a CPU five to ten times as fast.
OPTIMIZERS: dict[str, MakeOptimizer] = {
    "adagrad": torch.optim.Adagrad,
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
    "momentum": partial(torch.optim.SGD, momentum=0.9, fused=True),
    "nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True, fused=True),
    "rmsprop": torch.optim.RMSprop,
    "sgd": partial(torch.optim.SGD, fused=True),
}


def make_optimizer(
    optimizer: str | MakeOptimizer,
    module: nn.Module,
    *,
    lr: float,
    weight_decay: float = 0.0,
    momentum: float = 0.9,
    betas: tuple[float, float] = (0.9, 0.999),
    decay_biases: bool = False,
) -> torch.optim.Optimizer:
    """Return an optimiser of the module's parameters.

    Parameters
    ----------
    optimizer : str or callable
        A name in ``OPTIMIZERS``, or a ``torch.optim.Optimizer`` class (or a partial of one, whose
        own ``lr`` and ``weight_decay`` give way to the ones here).
        "momentum" and "nesterov" are SGD with `momentum`.
    module : torch.nn.Module
        Parameters that do not require gradients are left out.
    lr : float
        Learning rate; of a module with `sknn_tricks.nets.Layered` parts, that of layers whose
        factor is 1.
    weight_decay : float, default=0.0
        L2 penalty on weights with two axes or more, without `decay_biases` on nothing else.
        "adamw" decouples it from the gradient (Loshchilov and Hutter, 2019), the others add it to
        the gradient, as torch does.
    momentum : float, default=0.9
        Of "momentum" and "nesterov".
    betas : pair of float, default=(0.9, 0.999)
        Of "adam" and "adamw": decay of the running means of gradients and of their squares.
    decay_biases : bool, default=False
        Whether the penalty is also for biases and the parameters of normalisation layers.

    Returns
    -------
    torch.optim.Optimizer

    Raises
    ------
    ValueError
        If the name is not known, or the class has no weight decay and one is asked for.

    Examples
    --------
    >>> net = nn.Linear(3, 2)
    >>> [group["weight_decay"] for group in
    ...  make_optimizer("adamw", net, lr=1e-3, weight_decay=0.1).param_groups]
    [0.1, 0.0]
    """
    make = optimizer if callable(optimizer) else _named(optimizer, momentum, betas)
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not _takes_weight_decay(make):
        if weight_decay:
            raise ValueError(_knows_no_decay(make, weight_decay))
        return make(_by_factor([{"params": trained}], module, lr), lr=lr)
    weights = decayed(module)
    of_others = weight_decay if decay_biases else 0.0
    held = {id(weight) for weight in weights}
    others = [parameter for parameter in trained if id(parameter) not in held]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": weight_decay, "decays": True, "biases": False},
        {"params": others, "weight_decay": of_others, "decays": decay_biases, "biases": True},
    ]
    return make(_by_factor([group for group in groups if group["params"]], module, lr), lr=lr)


def set_rates(
    optimizer: torch.optim.Optimizer,
    *,
    lr: float,
    weight_decay: float,
    decay_biases: bool = False,
    **others: Any,
) -> None:
    """Change the settings of an optimiser that goes on; it keeps its moments."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group.get("lr_factor", 1.0)
        if "decays" in group:
            group["decays"] = decay_biases or not group["biases"]
            group["weight_decay"] = weight_decay if group["decays"] else 0.0
        group.update({name: value for name, value in others.items() if name in group})


def decayed(module: nn.Module, biases: bool = False) -> list[nn.Parameter]:
    """Return the parameters that L1 and L2 penalties are for: the weights of layers.

    With `biases`, they are for all that are trained.
    """
    if biases:
        return [parameter for parameter in module.parameters() if parameter.requires_grad]
    norms = (part for part in module.modules() if isinstance(part, NORMS))
    exempt = {id(parameter) for norm in norms for parameter in norm.parameters()}
    return [
        parameter
        for parameter in module.parameters()
        if parameter.requires_grad and parameter.ndim >= 2 and id(parameter) not in exempt
    ]


def _by_factor(groups: list[dict[str, Any]], module: nn.Module, lr: float) -> list[dict[str, Any]]:
    """Return the groups, cut so that the learning rate of a layer is that of its group."""
    layered = [part for part in module.modules() if isinstance(part, Layered)]
    if not layered:
        return groups
    factors = {id(weight): factor for part in layered for weight, factor in part.factors()}
    cut = []
    for group in groups:
        of_factor: dict[float, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            of_factor.setdefault(factors.get(id(parameter), 1.0), []).append(parameter)
        for factor, same in of_factor.items():
            cut.append({**group, "params": same, "lr": lr * factor, "lr_factor": factor})
    return cut


def _named(name: str, momentum: float, betas: tuple[float, float]) -> MakeOptimizer:
    make = lookup(name, OPTIMIZERS, "optimizer")
    if name in ("momentum", "nesterov"):
        return partial(make, momentum=momentum) if momentum else OPTIMIZERS["sgd"]
    return partial(make, betas=betas) if name in ("adam", "adamw") else make


def _takes_weight_decay(make: MakeOptimizer) -> bool:
    if isinstance(make, partial):
        return _takes_weight_decay(make.func)
    return _class_takes_weight_decay(make)


@lru_cache
def _class_takes_weight_decay(make: MakeOptimizer) -> bool:
    parameters = inspect.signature(make).parameters
    return "weight_decay" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _knows_no_decay(make: MakeOptimizer, weight_decay: float) -> str:
    return message(
        f"{make} knows no weight decay",
        expected="weight_decay=0",
        got=f"weight_decay={weight_decay!r}",
        todo="Choose another optimizer, such as 'adamw'",
    )
