"""A trained net's outputs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from sknn_tricks.estimators._precision import dtype_name, predicts_in, to_predict, with_weights
from sknn_tricks.fused._bytes import shares
from sknn_tricks.fused._cpu import is_small, one_thread
from sknn_tricks.fused._rows import predict_batch


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
        One of its `modules_of`, which may see a view of the rows.
    x : Tensor of shape (N, ...)
        Floats, or bytes, which are shares of 255.
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
    forward = module if foreign else to_predict(module)
    rows = batches(x, module, torch.device(net.device), foreign)
    small = is_small(net.module_, n_rows)  # each view as the rows themselves
    with one_thread() if small else nullcontext():
        return torch.cat([forward(batch).cpu() for batch in rows]).double()


def batches(x: Tensor, module: nn.Module, device: torch.device, foreign: bool) -> Iterator[Tensor]:
    """Yield rows as a module takes them that predicts.

    Parameters
    ----------
    x : Tensor of shape (N, ...)
        Bytes become shares in the precision that the module was trained in, as they were then.
    module : torch.nn.Module
        As it was trained.
    device : torch.device
    foreign : bool
        The module is the user's own. It may work in place, and the memory may be the user's.
    """
    own, dtype = (
        getattr(torch, name) for name in (dtype_name(module), predicts_in(module, foreign))
    )
    for batch in x.split(predict_batch(tuple(x.shape[1:]))):
        batch = batch.to(device)
        if batch.dtype == torch.uint8:
            batch = shares(batch, own)
        yield batch.to(dtype, copy=foreign)
