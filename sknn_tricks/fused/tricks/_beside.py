"""Weights of K members beside those of their stack: averages, or the weights of an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from sknn_tricks.fused.stacks._layers import Layer
from sknn_tricks.fused.stacks._stack import Stack, plain_layers

# The tensors of each layer, by name.
Weights = list[dict[str, Tensor]]


class Beside:
    """Second weights of all members, which begin as a copy of the stack's.

    Parameters
    ----------
    stack : Stack
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.weights = [
            {name: tensor.clone() for name, tensor in tensors_of(layer)} for layer in stack.flat()
        ]
        self._pairs: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}

    def pairs(self, part: Stack, members: slice) -> list[tuple[Tensor, Tensor]]:
        """Return the second and the stack's tensors of some members."""
        span = members.start, members.stop
        if span not in self._pairs:
            both = zip(self.weights, part.flat(), strict=True)
            self._pairs[span] = [
                (held[name][members], tensor)
                for held, layer in both
                for name, tensor in tensors_of(layer)
            ]
        return self._pairs[span]

    def move(self, pairs: Sequence[tuple[Tensor, Tensor]], share: Tensor) -> None:
        """Move the second weights towards the stack's, by a share of each member (K, 1, 1)."""
        for held, tensor in pairs:
            if held.is_floating_point():
                held.lerp_(tensor, share)
            else:
                held.copy_(tensor)

    def exchange(self, members: Sequence[int]) -> None:
        """Give these members their second weights, and keep here what they have."""
        if not members:
            return
        n_members = next((len(t) for held in self.weights for t in held.values()), 0)
        index = slice(None) if len(members) == n_members else torch.tensor(members)
        for held, layer in zip(self.weights, self._stack.flat(), strict=True):
            for name, tensor in tensors_of(layer):
                mine = tensor[index].clone()
                tensor[index] = held[name][index]
                held[name][index] = mine

    def load(self, k: int, module: nn.Module) -> None:
        """Take over member k's second weights from a plain module."""
        plain_ones = plain_layers(module, blocks=False)
        for held, layer, plain in zip(self.weights, self._stack.flat(), plain_ones, strict=True):
            for name, tensor in held.items():
                tensor[k] = layer.pack(name, getattr(plain, name).detach())

    def state(self, k: int, module: nn.Module) -> dict[str, Tensor]:
        """Return member k's second weights as its plain module's ``load_state_dict`` takes them."""
        mine = [{name: tensor[k] for name, tensor in held.items()} for held in self.weights]
        return state_of(mine, self._stack, module)

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self.weights = [
            {name: tensor[index] for name, tensor in held.items()} for held in self.weights
        ]
        self._pairs.clear()


def tensors_of(layer: Layer) -> Iterator[tuple[str, Tensor]]:
    """Yield the parameters and buffers of a layer, by name."""
    for name in (*layer.trained, *layer.buffers):
        if name in layer.tensors:
            yield name, layer.tensors[name]


def weights_of(stack: Stack, k: int) -> Weights:
    """Return a copy of member k's weights."""
    return [{name: t[k].clone() for name, t in tensors_of(layer)} for layer in stack.flat()]


def state_of(weights: Weights, stack: Stack, module: nn.Module) -> dict[str, Tensor]:
    """Return a member's weights as its plain module's ``load_state_dict`` takes them."""
    prefixes = {plain: f"{name}." for name, plain in module.named_modules()}
    state = {}
    plain_ones = plain_layers(module, blocks=False)
    for held, layer, plain in zip(weights, stack.flat(), plain_ones, strict=True):
        for name, tensor in held.items():
            view = layer.unpack(name, tensor, getattr(plain, name))
            state[prefixes[plain] + name] = view.clone(memory_format=torch.contiguous_format)
    return state
