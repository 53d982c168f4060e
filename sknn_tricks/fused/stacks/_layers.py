"""Layers of K members as one: a call computes all of them, and no member sees another.

Each layer has its gradient written out. For nets this small autograd's bookkeeping costs as much
as the arithmetic, and here gradients are written where the optimiser reads them.

A member's result must not depend on who trains beside it, to the bit. What was found to hold on
x86 with MKL: every feature axis is padded to a multiple of 32, so that no two members share a
vector register and every member lies in memory as it would alone; sums over rows are matrix
products; one thread computes a stack. All layers keep one promise in return: the padding is 0
in what they pass on, forwards and backwards.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sknn_tricks._padding import WIDTH, padded
from sknn_tricks.fused.stacks._maps import Features, Maps, sum_rows

threshold_backward = torch.ops.aten.threshold_backward.grad_input


def pad_last(tensor: Tensor, value: float = 0.0) -> Tensor:
    """Pad the last axis; a tensor that needs no padding is returned as it is."""
    missing = padded(tensor.shape[-1]) - tensor.shape[-1]
    return F.pad(tensor, (0, missing), value=value) if missing else tensor


def of_each(values: Sequence[float]) -> Tensor:
    """Return a setting of each member, as (K, 1, 1) in float64."""
    return torch.tensor(values, dtype=torch.float64)[:, None, None]


class Layer(ABC):
    """One layer of K members.

    A subclass names the plain layers it stands for and the tensors of theirs that it holds, and
    writes `forward` and `backward`; see `pack` for the shapes. It is entered in ``LAYERS`` by
    `register`.

    Parameters
    ----------
    modules : sequence of torch.nn.Module
        A plain layer of each member, all of the same signature.
    width : int, Maps or Planes
        Features of the input, D, without padding; of images, where which of them lies.

    Attributes
    ----------
    tensors : dict of str to Tensor
        What the layer holds, each with K as its first axis.
    grads : dict of str to Tensor
        Gradients of those that are trained, written by `backward`.
    settings : dict of str to Tensor
        What else members differ in, each with K as its first axis.
    width : int
        Features of the output, without padding.
    maps : Maps or None
        Where the features of the output lie, if they are images.
    is_first : bool
        Nothing before it is trained: nobody wants the gradient of the input.
    scratch : dict of str to Tensor
        Memory for what no layer needs for long, which the layers of a stack share.
    in_place : bool
        In training the input is nobody's any more: `forward` may overwrite it.
    """

    stands_for: ClassVar[tuple[type[nn.Module], ...]]
    trained: ClassVar[tuple[str, ...]] = ()
    # Those of `trained` that penalties are for.
    decays: ClassVar[tuple[str, ...]] = ()
    buffers: ClassVar[tuple[str, ...]] = ()
    # `backward` needs the output as it was.
    reads_output = False
    # It knows what to do with images too, not only with flat rows.
    takes_images = False
    is_first = False
    in_place = False

    def __init__(self, modules: Sequence[nn.Module], width: Features) -> None:
        self.maps = width if isinstance(width, Maps) else None
        self.width = width if isinstance(width, int) else width.size
        self._memory: dict[str, Tensor] = {}
        self.scratch: dict[str, Tensor] = {}
        self.settings: dict[str, Tensor] = {}
        self.tensors: dict[str, Tensor] = {}
        for name in (*self.trained, *self.buffers):
            if getattr(modules[0], name) is not None:
                each = [self.pack(name, getattr(module, name).detach()) for module in modules]
                self.tensors[name] = torch.stack(each)
        self.grads = {
            name: torch.zeros_like(self.tensors[name])
            for name in self.trained
            if name in self.tensors
        }

    @classmethod
    def signature(cls, module: nn.Module) -> Hashable:
        """Return what two plain layers must have in common to be stacked."""
        return type(module).__name__, module.extra_repr()

    @classmethod
    def refuses(cls, module: nn.Module) -> str | None:
        """Return why this one of the plain layers cannot be stacked, or None."""
        return None

    @abstractmethod
    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, H).

        The result is valid until the next call: its memory is used again, as fresh memory
        would cost more than the arithmetic.
        """

    @abstractmethod
    def backward(self, grad: Tensor) -> Tensor:
        """Map the gradient of the output to that of the input; `grad` may be overwritten."""

    def pack(self, name: str, tensor: Tensor) -> Tensor:
        """Return a plain layer's tensor, or the optimiser's memory of it, as the stack holds it."""
        return pad_last(tensor)[None]

    def unpack(self, name: str, packed: Tensor, plain: Tensor) -> Tensor:
        """Return the view of `packed` that has the shape of the `plain` tensor."""
        return packed[0, : plain.shape[0]]

    def of(self, members: slice) -> Self:
        """Return the layer of some members only, on the same weights."""
        part = copy.copy(self)
        part._memory = {}
        part.tensors = {name: tensor[members] for name, tensor in self.tensors.items()}
        part.settings = {name: tensor[members] for name, tensor in self.settings.items()}
        part.grads = {name: grad[members] for name, grad in self.grads.items()}
        return part

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self.tensors = {name: tensor[index] for name, tensor in self.tensors.items()}
        self.settings = {name: tensor[index] for name, tensor in self.settings.items()}
        self.grads = {name: grad[index] for name, grad in self.grads.items()}

    @property
    def features(self) -> Features:
        """Return what the next layer is to know of the features of the output."""
        return self.maps or self.width

    def sum_rows(self, x: Tensor, out: Tensor | None = None) -> Tensor:
        """Sum (K, N, D) over the rows, and over the pixels of images: (K, 1, D), (K, 1, C)."""
        if self.maps is None:
            return sum_rows(x, out)
        if out is None:
            out = x.new_zeros(len(x), 1, padded(self.maps.channels))
        return self.maps.fold(sum_rows(x), out)

    def tile(self, values: Tensor) -> Tensor:
        """Return the values of each feature (K, 1, D), of those of each channel for images."""
        return values if self.maps is None else self.maps.tile(values)

    def blank_(self, x: Tensor) -> Tensor:
        """Let the padding of (K, N, D) be 0, in place."""
        if self.maps is not None:
            return self.maps.blank_(x)
        if self.width % WIDTH:
            x[..., self.width :] = 0
        return x

    def own(self, name: str, like: Tensor, width: int) -> Tensor:
        """Return memory for a result of the rows of `like`, the same at each call."""
        return _reused(self._memory, name, (*like.shape[:2], width), like)

    def zeros(self, name: str, like: Tensor, width: int) -> Tensor:
        """Return memory as `own` does, which is 0 wherever nobody writes."""
        shape = (*like.shape[:2], width)
        if name not in self._memory or self._memory[name].shape != shape:
            self._memory[name] = like.new_zeros(shape)
        return self._memory[name]

    def lent(self, like: Tensor) -> Tensor:
        """Return memory of the shape of `like`, until the next layer borrows it."""
        return _reused(self.scratch, f"width {like.shape[2]}", tuple(like.shape), like)

    def borrowed(self, name: str, like: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return memory that all who borrow it by that name share, as large as any needs it."""
        n = math.prod(shape)
        if name not in self.scratch or len(self.scratch[name]) < n:
            self.scratch[name] = like.new_empty(n)
        return self.scratch[name][:n].view(shape)

    def point(self, module: nn.Module, k: int) -> None:
        """Let the plain layer's tensors be views of member k's."""
        for name, tensor in self.tensors.items():
            plain = getattr(module, name)
            plain.data = self.unpack(name, tensor[k], plain)


def _reused(held: dict[str, Tensor], name: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
    if name not in held or held[name].shape != shape:
        held[name] = like.new_empty(shape)
    return held[name]


LAYERS: dict[type[nn.Module], type[Layer]] = {}


def register(layer: type[Layer]) -> type[Layer]:
    """Let the stack know a layer by the plain layers that it stands for."""
    LAYERS.update(dict.fromkeys(layer.stands_for, layer))
    return layer


@register
class Linear(Layer):
    """``x @ weight + bias``, with the weight as (K, D, H).

    A bias in front of BatchNorm, which subtracts it again, is not trained: its gradient is 0 but
    for rounding.
    """

    stands_for: ClassVar[tuple[type[nn.Module], ...]] = (nn.Linear,)
    is_normalised = False
    trained = ("weight", "bias")
    decays = ("weight",)

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self.width = self.width_of(modules[0])
        # To add zeros that stay zeros changes nothing.
        self._has_bias = "bias" in self.tensors
        self._bias_is_zero = self._has_bias and not self.tensors["bias"].any()

    @staticmethod
    def width_of(module: Any) -> int:
        """Return the features of a plain layer's output."""
        return module.out_features

    @property
    def _adds_bias(self) -> bool:
        return self._has_bias and not (self.is_normalised and self._bias_is_zero)

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, H)."""
        self._x = x
        weight = self._used = self.weights(training)
        output = self.own("output", x, weight.shape[2])
        if self._adds_bias:
            return torch.baddbmm(self.tensors["bias"], x, weight, out=output)
        return torch.bmm(x, weight, out=output)

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, H) to (K, N, D)."""
        torch.bmm(self._x.mT, grad, out=self.grads["weight"])
        if "bias" in self.grads:
            if self.is_normalised:
                self.grads["bias"].zero_()  # penalties may have been added to it
            else:
                sum_rows(grad, out=self.grads["bias"])
        if self.is_first:
            return grad
        weight = self._used
        return torch.bmm(grad, weight.mT, out=self.own("grad", grad, weight.shape[1]))

    def weights(self, training: bool) -> Tensor:
        """Return the weights (K, D, H) to multiply with."""
        return self.tensors["weight"]

    def pack(self, name: str, tensor: Tensor) -> Tensor:
        """Pad both axes of the weight and turn it."""
        if name == "bias":
            return super().pack(name, tensor)
        turned = pad_last(tensor.mT)
        return F.pad(turned, (0, 0, 0, padded(len(turned)) - len(turned)))

    def unpack(self, name: str, packed: Tensor, plain: Tensor) -> Tensor:
        """Return the weight's view, turned back."""
        if name == "bias":
            return super().unpack(name, packed, plain)
        return packed[: plain.shape[1], : plain.shape[0]].mT


@register
class Relu(Layer):
    """``max(x, 0)``, the activation that is worth a gradient of its own."""

    stands_for = (nn.ReLU,)
    reads_output = True
    takes_images = True

    @classmethod
    def signature(cls, module: nn.Module) -> Hashable:
        """Return the same for all: whether it works in place does not matter here."""
        return "ReLU"

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        self._output = x.relu_() if self.in_place and training else x.relu()
        return self._output

    def backward(self, grad: Tensor) -> Tensor:
        """Let the gradient through where the output is above 0."""
        return threshold_backward(grad, self._output, 0, grad_input=grad)


@register
class Flatten(Layer):
    """Nothing to do: the rows of a stack are flat; but images are put in torch's order."""

    stands_for = (nn.Flatten,)
    takes_images = True

    def __init__(self, modules: Sequence[nn.Module], width: Features) -> None:
        super().__init__(modules, width)
        # One pixel is in order as it is.
        self._images, self.maps = self.maps, None
        if self._images is not None and self._images.n_pixels == 1:
            self._images = None

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse to flatten some axes only."""
        return None if (module.start_dim, module.end_dim) == (1, -1) else "a Flatten of some axes"

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Return the input, (K, N, D), or channel after channel of images."""
        if self._images is None:
            return x
        output = self.zeros("output", x, padded(self.width))
        self._planes(output).copy_(self._channels(x))
        return output

    def backward(self, grad: Tensor) -> Tensor:
        """Return the gradient."""
        if self._images is None:
            return grad
        below = self.zeros("grad", grad, self._images.room)
        self._channels(below).copy_(self._planes(grad))
        return below

    def _planes(self, x: Tensor) -> Tensor:
        """View flat rows as (K, N, C, pixels)."""
        maps = cast(Maps, self._images)
        return x[..., : self.width].unflatten(2, (maps.channels, maps.n_pixels))

    def _channels(self, x: Tensor) -> Tensor:
        """View images as (K, N, C, pixels)."""
        maps = cast(Maps, self._images)
        return maps.pixels(x).flatten(2, 3)[..., : maps.channels].mT
