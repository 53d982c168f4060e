"""K nets as one stack of layers, and back."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Self, cast

from torch import Tensor, nn

from sknn_tricks.fused._net import own_memory
from sknn_tricks.fused.stacks._convs import StackedImageInput
from sknn_tricks.fused.stacks._layers import LAYERS, Flatten, Layer, Linear, Relu, register
from sknn_tricks.fused.stacks._maps import Features
from sknn_tricks.fused.stacks._masks import StackedDropout
from sknn_tricks.fused.stacks._norms import BatchNorm
from sknn_tricks.fused.stacks._pools import Pool as Pool  # registers itself
from sknn_tricks.fused.stacks._rrelu import StackedRReLU as StackedRReLU  # registers itself
from sknn_tricks.nets._image_input import ImageInput
from sknn_tricks.nets._residual import ProjectedResidual, Residual

# What has no meaning without images.
OF_IMAGES = (
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.AvgPool2d,
    nn.BatchNorm2d,
    nn.Conv2d,
    nn.MaxPool2d,
)


class Stack(nn.Module):
    """K members, layer by layer.

    Made by `stack`. It holds no ``nn.Parameter``: gradients are written by its own `backward`.

    Parameters
    ----------
    layers : sequence of Layer
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = list(layers)
        scratch: dict[str, Tensor] = {}
        for layer in self.flat():
            layer.scratch = scratch

    def forward(self, x: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, O), each axis of features padded."""
        for layer in self.layers:
            x = layer.forward(x, self.training)
        return x

    def backward(self, grad: Tensor) -> Tensor:
        """Write the gradients of all parameters, from the gradient of the output."""
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
            if layer.is_first:
                break
        return grad

    def of(self, members: slice) -> Stack:
        """Return the stack of some members only, on the same memory."""
        part = Stack([layer.of(members) for layer in self.layers])
        return part.train(self.training)

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        for layer in self.layers:
            layer.keep(index)

    def point(self, module: nn.Module, k: int) -> None:
        """Let the parameters and buffers of a plain module be views of member k's."""
        for layer, plain in zip(self.layers, plain_layers(module), strict=True):
            layer.point(plain, k)

    def flat(self) -> Iterator[Layer]:
        """Yield the layers, those within blocks as well."""
        for layer in self.layers:
            if isinstance(layer, Block):
                for part in layer.parts:
                    yield from part.flat()
            else:
                yield layer

    def unstack(self, k: int, module: nn.Module) -> nn.Module:
        """Return a copy of a plain module of this structure, with the weights of member k."""
        plain = copy.deepcopy(module)
        self.point(plain, k)
        own_memory(plain)
        return plain


def stack(modules: Sequence[nn.Module], width: Features) -> Stack:
    """Stack modules of equal structure.

    Parameters
    ----------
    modules : sequence of torch.nn.Module
        ``torch.nn.Sequential`` of known layers, all with the same `signature`.
    width : int, or Maps
        Features of the flat input, D; of images within a net, where they lie.

    Returns
    -------
    Stack
        With copies of their weights.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> nets = [nn.Sequential(nn.Linear(3, 2), nn.Tanh()) for _ in range(5)]
    >>> both = stack(nets, 3)
    >>> x = torch.randn(5, 7, 32)
    >>> x[..., 3:] = 0
    >>> both(x).shape
    torch.Size([5, 7, 32])
    >>> torch.allclose(both(x)[4, :, :2], nets[4](x[4, :, :3]), atol=1e-6)
    True
    """
    layers: list[Layer] = []
    for same in zip(*(plain_layers(module) for module in modules), strict=True):
        layer = LAYERS[type(same[0])](same, width)
        width = layer.features
        layers.append(layer)
    for before, layer in pairwise(layers):
        passes_on = isinstance(before, Flatten | StackedImageInput)
        layer.in_place = not before.reads_output and not passes_on
        if isinstance(before, Relu) and isinstance(layer, StackedDropout):
            layer.in_place = layer.follows_relu = True
            layer.reads_output = True  # it is the ReLU's
        if isinstance(before, Linear) and isinstance(layer, BatchNorm):
            before.is_normalised = True
    first = next((layer for layer in layers if layer.trained or isinstance(layer, Block)), None)
    if isinstance(first, Linear):
        first.is_first = True
    return Stack(layers)


def signature(module: nn.Module) -> Hashable:
    """Return what modules that share a stack have in common."""
    return tuple(LAYERS[type(plain)].signature(plain) for plain in plain_layers(module))


def refuses(module: nn.Module) -> str | None:
    """Return why a module cannot be stacked, or None.

    An unknown layer is refused, never shared between members.

    Examples
    --------
    >>> from torch import nn
    >>> refuses(nn.Sequential(nn.Linear(3, 2)))
    >>> refuses(nn.Sequential(nn.Linear(3, 2), nn.Bilinear(1, 1, 1)))
    'there is no stacked Bilinear'
    """
    parameters = list(module.named_parameters(remove_duplicate=False))
    if len({id(parameter) for _, parameter in parameters}) < len(parameters):
        return "layers share their weights"
    if not all(parameter.requires_grad for _, parameter in parameters):
        return "some parameters are not trained"
    return _refuses(module) or _refuses_images(module)


def _refuses(module: nn.Module) -> str | None:
    if type(module) not in (nn.Sequential, Residual, ProjectedResidual):
        return f"{type(module).__name__} is no Sequential"
    if _has_hooks(module):
        return f"a {type(module).__name__} has hooks"
    parts = module.children() if isinstance(module, ProjectedResidual) else module
    reasons = (_refuses_part(plain) for plain in cast(nn.Sequential, parts))
    return next((reason for reason in reasons if reason is not None), None)


def _refuses_images(module: nn.Module) -> str | None:
    """Return which layer of known ones cannot take the images that it is given, or None."""
    before, of_images = None, False
    for plain in plain_layers(module, blocks=False):
        if isinstance(before, ImageInput) and not isinstance(plain, nn.Conv2d):
            return "its images do not go to a convolution first"
        if of_images and not LAYERS[type(plain)].takes_images:
            return f"there is no stacked {type(plain).__name__} of images"
        if not of_images and isinstance(plain, OF_IMAGES):
            return f"a {type(plain).__name__} comes without an ImageInput"
        of_images = (of_images or isinstance(plain, ImageInput)) and not isinstance(
            plain, nn.Flatten
        )
        before = plain
    return None


def _refuses_part(plain: nn.Module) -> str | None:
    if type(plain) is nn.Sequential:
        return _refuses(plain)
    if type(plain) not in LAYERS:
        return f"there is no stacked {type(plain).__name__}"
    if _has_hooks(plain):
        return f"a {type(plain).__name__} has hooks"
    return LAYERS[type(plain)].refuses(plain)


def plain_layers(module: nn.Module, blocks: bool = True) -> Iterator[nn.Module]:
    """Yield the layers of a Sequential, those of a Sequential within it in its place.

    A residual block is one of them, or without `blocks` its layers are.
    """
    for plain in cast(nn.Sequential, module):  # not children(), which leaves out repetitions
        if type(plain) is nn.Sequential or (type(plain) is Residual and not blocks):
            yield from plain_layers(plain, blocks)
        elif type(plain) is ProjectedResidual and not blocks:
            yield from plain_layers(plain.shortcut, blocks)
            yield from plain_layers(plain.branch, blocks)
        else:
            yield plain


def _has_hooks(module: nn.Module) -> bool:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(module, name, None) for name in hooks)


@register
class Block(Layer):
    """A residual block: the input plus what its layers make of it."""

    stands_for: ClassVar[tuple[type[nn.Module], ...]] = (Residual,)
    takes_images = True

    def __init__(self, modules: Sequence[nn.Module], width: Features) -> None:
        super().__init__(modules, width)
        self.stack = _part([nn.Sequential(*cast(nn.Sequential, each)) for each in modules], width)

    @property
    def parts(self) -> tuple[Stack, ...]:
        """Return the stacks that it is made of, in the order of the plain block's."""
        return (self.stack,)

    @classmethod
    def signature(cls, module: nn.Module) -> Hashable:
        """Return those of its layers."""
        return "Residual", signature(module)

    @classmethod
    def refuses(cls, module: nn.Module) -> str | None:
        """Refuse what one of its layers refuses."""
        return _refuses(module)

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        return x + self.stack.train(training).forward(x)

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        return self.stack.backward(grad.clone()).add_(grad)

    def of(self, members: slice) -> Self:
        """Return the block of some members only."""
        part = super().of(members)
        part.stack = self.stack.of(members)
        return part

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self.stack.keep(index)

    def point(self, module: nn.Module, k: int) -> None:
        """Let the plain block's tensors be views of member k's."""
        self.stack.point(module, k)


@register
class ProjectedBlock(Block):
    """A residual block that changes the shape: its shortcut has layers too."""

    stands_for = (ProjectedResidual,)

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        Layer.__init__(self, modules, width)
        self.shortcut = _part([module.shortcut for module in modules], width)
        self.stack = _part([module.branch for module in modules], width)
        last = self.stack.layers[-1]
        self.maps, self.width = last.maps, last.width

    @property
    def parts(self) -> tuple[Stack, ...]:
        """Return the shortcut and the branch."""
        return self.shortcut, self.stack

    @classmethod
    def signature(cls, module: Any) -> Hashable:
        """Return those of its layers."""
        return "ProjectedResidual", signature(module.shortcut), signature(module.branch)

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, H)."""
        beside = self.shortcut.train(training).forward(x)
        return beside + self.stack.train(training).forward(x)

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, H) to (K, N, D)."""
        beside = self.shortcut.backward(grad.clone())
        return self.stack.backward(grad).add_(beside)

    def of(self, members: slice) -> Self:
        """Return the block of some members only."""
        part = super().of(members)
        part.shortcut = self.shortcut.of(members)
        return part

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        super().keep(index)
        self.shortcut.keep(index)

    def point(self, module: Any, k: int) -> None:
        """Let the plain block's tensors be views of member k's."""
        self.shortcut.point(module.shortcut, k)
        self.stack.point(module.branch, k)


def _part(modules: Sequence[nn.Module], width: Features) -> Stack:
    """Return the stack of a part of nets, whose input wants its gradient."""
    part = stack(modules, width)
    for layer in part.layers:
        layer.is_first = False
    return part
