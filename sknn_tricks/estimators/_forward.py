"""A trained net's outputs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from sknn_tricks.estimators._precision import in_float64
from sknn_tricks.fused._cpu import is_small, one_thread
from sknn_tricks.fused._net import PREDICT_BATCH


def outputs_of(net: Any, x: Tensor, n_rows: int, foreign: bool) -> Tensor:
    """Return the outputs of a net for some of so many rows.

    Parameters
    ----------
    net : Net
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
    module = net.module_.eval()
    forward = module if foreign else in_float64(module)
    device = torch.device(net.device)
    # A foreign module may work in place, and the memory may be the user's.
    rows = (batch.to(device, copy=foreign) for batch in x.split(PREDICT_BATCH))
    with one_thread() if is_small(module, n_rows) else nullcontext():
        return torch.cat([forward(batch).cpu() for batch in rows]).double()
