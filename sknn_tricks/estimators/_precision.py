"""The precision of a trained module."""

from __future__ import annotations

import copy

import torch
from torch import nn


def dtype_name(module: nn.Module) -> str:
    """Return the precision that a module was trained in, "float32" or "float64"."""
    dtypes = {parameter.dtype for parameter in module.parameters()}
    return "float64" if torch.float64 in dtypes else "float32"


def in_float64(module: nn.Module) -> nn.Module:
    """Return the module computing in float64, from its weights as they are."""
    # A copy: several threads may predict at once.
    return copy.deepcopy(module).double()
