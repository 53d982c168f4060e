"""Tensors, and modules taken apart: no constructor of theirs runs when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from sknn_tricks.fused.cache._digest import OF_ANY_MODULE
from sknn_tricks.nets._seeded import Seeded
from sknn_tricks.saving import _refusals as refusals
from sknn_tricks.saving._form import Form
from sknn_tricks.saving._refusals import Damaged, Refused
from sknn_tricks.saving._registry import known, name_of

if TYPE_CHECKING:
    from sknn_tricks.saving._reader import Reader
    from sknn_tricks.saving._writer import Place, Writer

HOOKS = frozenset(name for name in OF_ANY_MODULE if name.endswith("_hooks"))


class TensorForm(Form):
    """A tensor or parameter; wherever it was, it is read to the CPU."""

    kind = "tensor"
    shared = True

    def fits(self, value: Any) -> bool:
        return type(value) in (Tensor, nn.Parameter)

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        try:
            array = value.detach().cpu().numpy()
        except (RuntimeError, TypeError, ValueError) as error:
            raise Refused(refusals.no_array(place.what, value.dtype)) from error
        node: dict[str, Any] = {"name": writer.array(array, place)}
        if isinstance(value, nn.Parameter):
            node["trained"] = value.requires_grad
        return node

    def read(self, reader: Reader, node: dict[str, Any]) -> Tensor:
        # A clone: torch aligns its own memory, on which the last digits of a product depend.
        tensor = torch.from_numpy(reader.array(node["name"])).clone()
        return nn.Parameter(tensor, bool(node["trained"])) if "trained" in node else tensor


class Device(Form):
    """A device, which may not be there when it is read."""

    kind = "device"

    def fits(self, value: Any) -> bool:
        return isinstance(value, torch.device)

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        return {"device": str(value)}

    def read(self, reader: Reader, node: dict[str, Any]) -> torch.device:
        return torch.device(node["device"])


class ModuleForm(Form):
    """A torch module: its class by name, its attributes, parameters, buffers and parts."""

    kind = "module"
    shared = True

    def fits(self, value: Any) -> bool:
        return isinstance(value, nn.Module)

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        owner = type(value).__name__
        for hooks in sorted(HOOKS):
            if vars(value)[hooks]:
                raise Refused(refusals.hooked(place.what, hooks))
        left_out = OF_ANY_MODULE | _made_anew(value)
        own = {name: v for name, v in vars(value).items() if name not in left_out}
        return {
            **_class_node(writer, type(value)),
            "training": value.training,
            "attributes": writer.attributes(own, owner, place),
            "parameters": writer.attributes(value._parameters, owner, place),
            "buffers": writer.attributes(value._buffers, owner, place),
            "passing": sorted(value._non_persistent_buffers_set),
            "parts": writer.attributes(value._modules, owner, place),
        }

    def read(self, reader: Reader, node: dict[str, Any]) -> nn.Module:
        cls = _class_of(reader, node)
        module = cls.__new__(cls)
        nn.Module.__init__(module)
        attributes = reader.attributes(node["attributes"])
        if clash := OF_ANY_MODULE & attributes.keys():
            raise Damaged(f"a module has an attribute {min(clash)!r}")
        vars(module).update(attributes)
        module._parameters.update(_all(reader, node["parameters"], nn.Parameter))
        module._buffers.update(_all(reader, node["buffers"], Tensor))
        module._modules.update(_all(reader, node["parts"], nn.Module))
        module._non_persistent_buffers_set.update(node["passing"])
        module.training = bool(node["training"])
        if isinstance(module, nn.RNNBase):
            module._init_flat_weights()
        return module


class OwnClass(Form):
    """A class of modules of the user's, by its name: the code is not in the file."""

    kind = "own class"

    def fits(self, value: Any) -> bool:
        return isinstance(value, type) and issubclass(value, nn.Module) and not name_of(value)

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        return {"name": writer.own_class(value)}

    def read(self, reader: Reader, node: dict[str, Any]) -> type[nn.Module]:
        return reader.own_class(node["name"])


def _made_anew(module: nn.Module) -> set[str]:
    """Return the attributes that a module makes anew."""
    streams = {"_generator"} if isinstance(module, Seeded) else set()  # they begin with a training
    lists = {"_flat_weights", "_flat_weight_refs"} if isinstance(module, nn.RNNBase) else set()
    return streams | lists


def _class_node(writer: Writer, cls: type) -> dict[str, Any]:
    name = name_of(cls)
    return {"own class": writer.own_class(cls)} if name is None else {"class": name}


def _class_of(reader: Reader, node: dict[str, Any]) -> type[nn.Module]:
    cls = reader.own_class(node["own class"]) if "own class" in node else known(node["class"])
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        raise Damaged(f"{node['class']!r} is no class of modules")
    return cls


def _all(reader: Reader, nodes: dict[str, Any], kind: type) -> dict[str, Any]:
    """Return what nodes stand for, all of them of that kind or None."""
    values = reader.attributes(nodes)
    for name, value in values.items():
        if not (value is None or isinstance(value, kind)):
            raise Damaged(f"{name!r} is no {kind.__name__}")
    return values
