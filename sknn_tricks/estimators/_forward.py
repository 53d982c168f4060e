"""A trained net's outputs."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from sknn_tricks.estimators._precision import in_float64, with_weights
from sknn_tricks.fused._cpu import is_small, one_thread
from sknn_tricks.fused._net import PREDICT_BATCH


def modules_of(net: Any, foreign: bool) -> list[nn.Module]:
    """Return the modules whose predictions are averaged: those of the snapshots, and the net's.

    Parameters
    ----------
    net : Net
    foreign : bool
        The module is the user's own, which may be more than its tensors.
    """
    if not foreign:
        return [*(with_weights(net.module_, each) for each in net.snapshots_), net.module_]
    twins = [copy.deepcopy(net.module_) for _ in net.snapshots_]
    for twin, weights in zip(twins, net.snapshots_, strict=True):
        twin.load_state_dict(weights)
    return [*twins, net.module_]


def outputs_of(net: Any, module: nn.Module, x: Tensor, n_rows: int, foreign: bool) -> Tensor:
    """Return the outputs of a net for some of so many rows.

    Parameters
    ----------
    net : Net
    module : torch.nn.Module
        One of its `modules_of`.
    x : Tensor of shape (N, ...)
        In float64, or for a foreign module in its own precision.
    n_rows : int
        Of the whole prediction; on it depends how many threads compute it.
    foreign : bool
        The module is the user's own.

    Returns
    -------
    Tensor of float64, shape (N, O)
        On the CPU.
    """
    module.eval()
    forward = module if foreign else in_float64(module)
    device = torch.device(net.device)
    # A foreign module may work in place, and the memory may be the user's.
    rows = (batch.to(device, copy=foreign) for batch in x.split(PREDICT_BATCH))
    with one_thread() if is_small(module, n_rows) else nullcontext():
        return torch.cat([forward(batch).cpu() for batch in rows]).double()
