"""Predictions with dropout: a net as a sample of nets (Gal and Ghahramani, 2016)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from sknn_tricks.estimators import _refusals as refusals
from sknn_tricks.estimators._forward import batches
from sknn_tricks.estimators._precision import to_predict
from sknn_tricks.fused._cpu import is_small, one_thread
from sknn_tricks.fused._random import borrowed_global_state, stream_seed
from sknn_tricks.nets import ChannelDropout, DropConnect, DropConnect2d, DropPath

DROPPING = (nn.modules.dropout._DropoutNd, ChannelDropout, DropConnect, DropConnect2d, DropPath)


class DroppingNet:
    """A copy of a trained module that drops as in training, but else is in evaluation mode.

    Parameters
    ----------
    module : torch.nn.Module
        Stays as it is.
    foreign : bool
        The module is the user's own: it keeps its precision.
    device : torch.device
    seed : int
        Of what is dropped.

    Raises
    ------
    ValueError
        If there is nothing that drops.
    """

    def __init__(self, module: nn.Module, foreign: bool, device: torch.device, seed: int) -> None:
        self._trained = module
        self._module = (copy.deepcopy(module) if foreign else to_predict(module)).eval()
        self._foreign, self._device, self._seed, self._n_calls = foreign, device, seed, 0
        layers: list[Any] = [e for e in self._module.modules() if isinstance(e, DROPPING)]
        if not any(layer.p > 0 for layer in layers):
            raise ValueError(refusals.no_dropout())
        for i, layer in enumerate(layers):
            layer.train()
            if hasattr(layer, "seed_"):
                layer.seed_(stream_seed(seed, "dropout", i), device)

    def __call__(self, x: Tensor, n_draws: int, n_rows: int) -> Tensor:
        """Return outputs as float64 (n_draws, N, O) on the CPU.

        Parameters
        ----------
        x : Tensor of shape (N, ...)
        n_draws : int
        n_rows : int
            Of the whole prediction; on it depends how many threads compute it.
        """
        small = is_small(self._module, n_rows)
        threads = one_thread() if small else nullcontext()
        # torch's own dropout knows no other random state.
        seed = stream_seed(self._seed, "module", self._n_calls)
        self._n_calls += 1
        with threads, borrowed_global_state(seed, self._device):
            return torch.stack([self._draw(x) for _ in range(n_draws)])

    def _draw(self, x: Tensor) -> Tensor:
        rows = batches(x, self._trained, self._device, self._foreign)
        return torch.cat([self._module(batch).cpu() for batch in rows]).double()


def dropping_nets(
    modules: Sequence[tuple[Any, nn.Module]], foreign: bool, seed: int
) -> list[DroppingNet]:
    """Return what draws from each module, which comes with the net that it is of."""
    return [
        DroppingNet(module, foreign, torch.device(net.device), stream_seed(seed, "member", i))
        for i, (net, module) in enumerate(modules)
    ]
