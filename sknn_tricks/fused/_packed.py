"""A trained net as arrays and plain values: on its way between processes, or to the disk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sknn_tricks.fused._job import Job, Trained
from sknn_tricks.fused._make import blank_net

# What a net knows of its training.
RECORD = ("history_", "best_losses_", "kept_epoch_", "n_averaged_")


@dataclass
class Packed:
    """A trained net without what its job says.

    Parameters
    ----------
    trained : Trained
        Without its net.
    weights : list of ndarray
        Parameters and buffers of the module.
    memory : list of dict
        The optimiser's, of each parameter.
    record : dict
        What else the net knows of its training.
    beside : dict of list of ndarray
        Other weights of the module: "last", to go on from, and "snapshot 0", "snapshot 1"...
    """

    trained: Trained
    weights: list[NDArray[Any]]
    memory: list[dict[str, Any]]
    record: dict[str, Any]
    beside: dict[str, list[NDArray[Any]]] = field(default_factory=dict)


def pack(trained: Trained) -> Packed:
    """Return a trained net, or why there is none, in plain values that share its memory."""
    net = trained.net
    if net is None:
        return Packed(trained, [], [], {})
    weights = [tensor.numpy() for tensor in net.module_.state_dict().values()]
    memory = [
        {name: _as_array(value) for name, value in net.optimizer_.state[parameter].items()}
        for parameter in net.module_.parameters()
    ]
    record = {name: getattr(net, name) for name in RECORD}
    beside = {f"snapshot {i}": state for i, state in enumerate(net.snapshots_)}
    if net.last_ is not None:
        beside["last"] = net.last_
    arrays = {name: [t.numpy() for t in state.values()] for name, state in beside.items()}
    return Packed(replace(trained, net=None), weights, memory, record, arrays)


def unpack(packed: Packed, job: Job) -> Trained:
    """Make the net again, from the job that it was trained for."""
    if packed.trained.error is not None:
        return packed.trained
    net = blank_net(job)
    for tensor, weights in zip(net.module_.state_dict().values(), packed.weights, strict=True):
        tensor.copy_(torch.from_numpy(weights))
    for parameter, held in zip(net.module_.parameters(), packed.memory, strict=True):
        state = {name: _as_tensor(value) for name, value in held.items()}
        net.optimizer_.state[parameter] = state
    for name, value in packed.record.items():
        setattr(net, name, value)
    names = list(net.module_.state_dict())
    beside = {
        kept: dict(zip(names, map(torch.from_numpy, arrays), strict=True))
        for kept, arrays in packed.beside.items()
    }
    net.last_ = beside.pop("last", None)
    net.snapshots_ = tuple(beside[f"snapshot {i}"] for i in range(len(beside)))
    net.module_.eval()
    return replace(packed.trained, net=net)


def _as_array(value: Any) -> Any:
    return value.numpy() if isinstance(value, torch.Tensor) else value


def _as_tensor(value: Any) -> Any:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value
