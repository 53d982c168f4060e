"""A pretrained module taken apart: its layers in their order, and where its head begins."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sknn_tricks.transfer import _refusals as refusals

# What may stand behind the last linear layer of a head.
BEHIND_A_HEAD = (nn.Flatten, nn.Identity, nn.LogSoftmax, nn.Sigmoid, nn.Softmax)
# Of its output, where the parts in a row are compared with the whole.
RTOL, ATOL = 1e-4, 1e-5


@dataclass(frozen=True)
class Layers:
    """Layers whose outputs are each other's inputs.

    Parameters
    ----------
    by_name : mapping of str to torch.nn.Module
        In their order.
    n_body : int
        How many of them come before the head.
    """

    by_name: Mapping[str, nn.Module]
    n_body: int

    @property
    def names(self) -> list[str]:
        """The names in their order."""
        return list(self.by_name)

    def first(self, n: int) -> dict[str, nn.Module]:
        """Return the first n of them."""
        return {name: self.by_name[name] for name in self.names[:n]}

    def earlier_cuts(self) -> list[int]:
        """Return how many layers may be kept, but for all of the body: whole blocks."""
        starts = [i for i, layer in enumerate(self.by_name.values()) if is_weighted(layer)]
        return [i for i in starts[1:] if i < self.n_body]

    def depths(self, n: int) -> list[int]:
        """Return how far each of the first n is from a head behind them, in weighted layers."""
        depth, found = 1, []
        for name in reversed(self.names[:n]):
            found.append(depth)
            depth += is_weighted(self.by_name[name])
        # What comes before the first weighted layer is as far away as that.
        return [min(each, max(depth - 1, 1)) for each in reversed(found)]

    def place(self, cut: Any) -> int:
        """Return how many layers a cut keeps.

        Parameters
        ----------
        cut : None, str or int
            None: the body, all in front of the head. A name: all up to that layer. A number: as
            in a slice of the children at the top.

        Raises
        ------
        ValueError
            If there is no such layer, or nothing is left.
        """
        if cut is None:
            if not self.n_body:
                raise ValueError(refusals.only_a_head(self.names))
            return self.n_body
        if isinstance(cut, str):
            kept = [i + 1 for i, name in enumerate(self.names) if f"{name}.".startswith(f"{cut}.")]
            if not kept:
                raise ValueError(refusals.no_layer(cut, self.names))
            return kept[-1]
        tops = list(dict.fromkeys(name.split(".")[0] for name in self.names))
        wanted = tops[:cut]
        if not wanted:
            raise ValueError(refusals.nothing_left(cut, len(tops)))
        return sum(name.split(".")[0] in wanted for name in self.names)


@torch.no_grad()
def take_apart(module: nn.Module, x: Tensor) -> Layers:
    """Return the layers of a module.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode. A Sequential is taken apart, and those in it; so is another module
        whose forward is its parts in a row, which is tried, and a net that is the last part, behind
        some that prepare its rows. Of any other one, the linear layer that makes its output is
        taken off; the rest is one layer.
    x : Tensor of shape (N, ...)
        Some rows that it takes.

    Returns
    -------
    Layers

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> layers = take_apart(net.eval(), torch.zeros(2, 3))
    >>> layers.names, layers.n_body
    (['0', '1', '2'], 2)
    """
    outputs = _outputs(module, x)
    layers = _in_a_row(module, x, outputs) or _body_and_head(module, x)
    n_body = _n_body(list(layers.values()))
    *front, last = layers
    if n_body < len(layers) or not _has_linear(layers[last]) or layers[last] is module:
        return Layers(layers, n_body)
    for name in front:
        x = layers[name](x.clone())
    inner = take_apart(layers.pop(last), x)
    layers |= {f"{last}.{name}": layer for name, layer in inner.by_name.items()}
    return Layers(layers, len(front) + inner.n_body)


def is_weighted(layer: nn.Module) -> bool:
    """Whether a layer has weights, and not only scales and biases."""
    return any(parameter.ndim >= 2 for parameter in layer.parameters())


def _outputs(module: nn.Module, x: Tensor) -> Tensor:
    try:
        outputs = module(x.clone())  # it may work in place
    except Exception as error:  # whatever a module of the user's own complains with
        raise ValueError(refusals.cannot_take(module, tuple(x.shape), error)) from error
    if not isinstance(outputs, Tensor) or outputs.ndim < 2 or len(outputs) != len(x):
        raise ValueError(refusals.no_outputs(module, outputs))
    return outputs


def _in_a_row(module: nn.Module, x: Tensor, outputs: Tensor) -> dict[str, nn.Module] | None:
    """Return parts that, one after the other, do what the module does; None if they do not."""
    if _is_row(module):
        return _flat(module._modules)
    try:
        parts, found = _run_in_a_row(module, x.clone())
    except Exception:  # the parts are for something else than for each other's outputs
        return None
    same = isinstance(found, Tensor) and found.shape == outputs.shape
    return _flat(parts) if same and torch.allclose(found, outputs, RTOL, ATOL) else None


def _run_in_a_row(module: nn.Module, x: Tensor) -> tuple[dict[str, nn.Module], Tensor]:
    """Return the parts of a module, and what they make of rows one after the other.

    Modules often flatten their features in front of a linear layer, without a layer for it.
    """
    parts: dict[str, nn.Module] = {}
    for name, part in module.named_children():
        if isinstance(part, nn.Linear) and x.ndim > 2:
            parts[_new_name("flatten", parts)] = nn.Flatten()
            x = x.flatten(1)
        parts[name] = part
        x = part(x)
    return parts, x


def _is_row(part: nn.Module) -> bool:
    return type(part).forward is nn.Sequential.forward


def _flat(parts: Mapping[str, nn.Module | None]) -> dict[str, nn.Module]:
    """Return the layers of a Sequential, and of those within it, by their dotted names."""
    found: dict[str, nn.Module] = {}
    for name, part in parts.items():  # not children(), which leaves out repetitions
        if part is not None and _is_row(part):
            found |= {f"{name}.{inner}": layer for inner, layer in _flat(part._modules).items()}
        elif part is not None:
            found[name] = part
    return found


def _body_and_head(module: nn.Module, x: Tensor) -> dict[str, nn.Module]:
    """Return a module without the linear layer that makes its output, and that layer."""
    for name, head in module.named_modules():
        if isinstance(head, nn.Linear) and _makes(head, module, x):
            body = copy.deepcopy(module)
            owner, _, last = name.rpartition(".")
            setattr(body.get_submodule(owner), last, nn.Identity())
            return {"body": body, "head": head}
    return {"body": module}


def _makes(head: nn.Linear, module: nn.Module, x: Tensor) -> bool:
    """Return whether what a layer in a module makes is what the module makes."""
    made: list[Tensor] = []
    handle = head.register_forward_hook(lambda layer, given, output: made.append(output))
    try:
        outputs = module(x.clone())
    finally:
        handle.remove()
    # Where it is called twice, the body would have to end in two places.
    return len(made) == 1 and torch.equal(made[0], outputs)


def _has_linear(layer: nn.Module) -> bool:
    """Return whether there are linear layers in a layer that is none itself."""
    return not isinstance(layer, nn.Linear) and any(
        isinstance(part, nn.Linear) for part in layer.modules()
    )


def _n_body(layers: list[nn.Module]) -> int:
    """Return how many layers come before the head, a linear layer at the end."""
    for i in reversed(range(len(layers))):
        if isinstance(layers[i], nn.Linear):
            return i
        if not isinstance(layers[i], BEHIND_A_HEAD):
            break
    return len(layers)


def _new_name(name: str, taken: Mapping[str, Any]) -> str:
    """Return a name that a module may have and that is not taken."""
    name = name.replace(".", "_")
    while name in taken:
        name += "_"
    return name


def joined(*groups: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """Return all layers under names that a module may give its parts.

    Examples
    --------
    >>> list(joined({"a.0": nn.ReLU(), "flatten": nn.Flatten()}, {"flatten": nn.Flatten()}))
    ['a_0', 'flatten', 'flatten_']
    """
    found: dict[str, nn.Module] = {}
    for group in groups:
        for name, layer in group.items():
            found[_new_name(name, found)] = layer
    return found
