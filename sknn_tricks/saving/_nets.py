"""The skorch net of an estimator: its module, and what it needs to go on training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from skorch.history import History
from torch import Tensor, nn

from sknn_tricks.fused import Job, Rows
from sknn_tricks.fused._make import net_around
from sknn_tricks.fused._net import Net
from sknn_tricks.fused._packed import RECORD
from sknn_tricks.nets import ModuleInstance
from sknn_tricks.saving._refusals import Damaged

if TYPE_CHECKING:
    from sknn_tricks.saving._reader import Reader
    from sknn_tricks.saving._writer import Place, Writer

CPU = torch.device("cpu")
# What a net was told of its latest training.
SETTINGS = ("balance", "batch_size", "label_smoothing", "lr", "max_epochs", "seed", "verbose")


def write_net(writer: Writer, net: Net, place: Place) -> dict[str, Any]:
    """Return a net, written, without what follows from the parameters of its estimator."""
    optimizer = net.optimizer_
    parts = {
        "module": net.module_,
        "settings": {name: getattr(net, name) for name in SETTINGS},
        "optimizer": {"name": net.optimizer.args[0], **net.optimizer.keywords},
        "rates": [_without(group, "params") for group in optimizer.param_groups],
        "memory": [dict(optimizer.state.get(each, {})) for each in net.module_.parameters()],
        "record": {name: getattr(net, name) for name in RECORD if name != "history_"},
        "history": list(net.history_),
        "last": net.last_,
        "snapshots": list(net.snapshots_),
    }
    return writer.attributes(parts, type(net).__name__, place)


def read_net(reader: Reader, nodes: dict[str, Any], estimator: Any) -> Net:
    """Return the net of an estimator, whose attributes are read already.

    Raises
    ------
    Damaged
        If parts of it do not fit each other, or the estimator.
    """
    parts = reader.attributes(nodes)
    net = net_around(parts["module"], _job(parts, estimator))
    for name in SETTINGS:
        setattr(net, name, parts["settings"][name])
    net.of_bytes_ = estimator._of_bytes
    _put_record(net, parts)
    _put_memory(net, parts)
    if not estimator._foreign:  # nobody knows what a module of the user's own does
        _check_output(net.module_, estimator.input_shape_, estimator._n_outputs)
    return net


def _job(parts: Mapping[str, Any], estimator: Any) -> Job:
    """Return a job that has what a net is made from; its rows are none."""
    settings, optimizer = parts["settings"], dict(parts["optimizer"])
    return Job(
        spec=ModuleInstance(parts["module"]),
        input_shape=estimator.input_shape_,
        n_outputs=estimator._n_outputs,
        train=Rows(torch.empty(0), None),
        valid=None,
        max_epochs=settings["max_epochs"],
        task=estimator._task(),
        init="auto",
        optimizer=optimizer.pop("name"),
        lr=settings["lr"],
        l1=0.0,
        batch_size=settings["batch_size"],
        stopping=None,
        seed=settings["seed"],
        device=CPU,
        dtype=getattr(torch, estimator.dtype),
        verbose=settings["verbose"],
        **optimizer,
    )


def _put_record(net: Net, parts: Mapping[str, Any]) -> None:
    net.history_ = History(parts["history"])
    for name in RECORD:
        if name != "history_":
            setattr(net, name, parts["record"][name])
    kept = [*parts["snapshots"], *([] if parts["last"] is None else [parts["last"]])]
    wanted = _shapes(net.module_.state_dict())
    if any(_shapes(weights) != wanted for weights in kept):
        raise Damaged("weights beside those of the net are of another net")
    net.last_, net.snapshots_ = parts["last"], tuple(parts["snapshots"])


def _put_memory(net: Net, parts: Mapping[str, Any]) -> None:
    """Give the optimiser its rates and what it remembers."""
    optimizer, parameters = net.optimizer_, list(net.module_.parameters())
    for group, rates in zip(optimizer.param_groups, parts["rates"], strict=True):
        if rates.keys() != _without(group, "params").keys():
            raise Damaged("the rates are of another optimiser")
        group.update(rates)
    for parameter, held in zip(parameters, parts["memory"], strict=True):
        _check_memory(parameter, held)
        if held:
            optimizer.state[parameter] = held


def _check_memory(parameter: nn.Parameter, held: Mapping[str, Any]) -> None:
    for name, value in held.items():
        if isinstance(value, Tensor) and value.ndim and value.shape != parameter.shape:
            raise Damaged(f"what the optimiser remembers as {name!r} is of another parameter")


@torch.no_grad()
def _check_output(module: nn.Module, input_shape: Sequence[int], n_outputs: int) -> None:
    """Raise if a row does not become outputs, before anybody relies on it."""
    dtype = next((each.dtype for each in module.parameters()), torch.float32)
    # Expanded: a file may declare a row that fills the memory.
    row = torch.zeros((), dtype=dtype).expand(1, *input_shape)
    shape = tuple(module(row).shape)
    if shape != (1, n_outputs):
        raise Damaged(f"the net maps a row to {shape}, not to its {n_outputs} outputs")


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def _without(group: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in group.items() if key != name}
