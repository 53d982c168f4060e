"""The precision of a trained module."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


def dtype_name(module: nn.Module) -> str:
    """Return the precision that a module was trained in, "float32" or "float64"."""
    dtypes = {parameter.dtype for parameter in module.parameters()}
    return "float64" if torch.float64 in dtypes else "float32"


def in_float64(module: nn.Module) -> nn.Module:
    """Return the module computing in float64, from its weights as they are.

    The module itself stays: several threads may predict at once. What is no tensor is shared
    with it, which is ten times as fast as a deep copy.
    """
    twin = copy.copy(module)
    vars(twin)["_parameters"] = {name: _double(p) for name, p in module._parameters.items()}
    vars(twin)["_buffers"] = {name: _double(b) for name, b in module._buffers.items()}
    vars(twin)["_modules"] = {
        name: None if child is None else in_float64(child)
        for name, child in module._modules.items()
    }
    return twin


def _double(tensor: Tensor | None) -> Tensor | None:
    if tensor is None or not tensor.is_floating_point():
        return tensor
    return tensor.detach().double()
