"""The precision of a trained module."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


def dtype_name(module: nn.Module) -> str:
    """Return the precision that a module was trained in, "float32" or "float64"."""
    dtypes = {parameter.dtype for parameter in module.parameters()}
    return "float64" if torch.float64 in dtypes else "float32"


def predicts_in(module: nn.Module, foreign: bool) -> str:
    """Return the precision that a module predicts in.

    float64, where the rows beside a row change its last digits only. A foreign module keeps its
    own, and so does one with convolutions: these take three to four times as long in float64.
    Other rows beside a row then change its outputs by about 1e-7 of the largest.
    """
    convolves = any(isinstance(part, nn.modules.conv._ConvNd) for part in module.modules())
    return dtype_name(module) if foreign or convolves else "float64"


def to_predict(module: nn.Module) -> nn.Module:
    """Return one of our modules as it predicts, a twin in that precision."""
    if predicts_in(module, foreign=False) == "float64":
        return in_float64(module)
    return _with(module, lambda name, tensor: tensor.detach())


def in_float64(module: nn.Module) -> nn.Module:
    """Return the module computing in float64, from its weights as they are.

    The module itself stays: several threads may predict at once. What is no tensor is shared
    with it, which is ten times as fast as a deep copy.
    """
    return _with(module, lambda name, tensor: _double(tensor))


def with_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """Return the module with other weights, those of its ``state_dict``; it itself stays."""
    return _with(module, lambda name, tensor: weights.get(name, tensor))


def _with(module: nn.Module, change: Callable[[str, Tensor], Tensor], at: str = "") -> nn.Module:
    """Return a twin with other tensors, from what each is called and was."""
    twin = copy.copy(module)
    for kind in ("_parameters", "_buffers"):
        vars(twin)[kind] = {
            name: None if tensor is None else change(at + name, tensor)
            for name, tensor in vars(module)[kind].items()
        }
    vars(twin)["_modules"] = {
        name: None if child is None else _with(child, change, f"{at}{name}.")
        for name, child in module._modules.items()
    }
    return twin


def _double(tensor: Tensor) -> Tensor:
    return tensor.detach().double() if tensor.is_floating_point() else tensor
