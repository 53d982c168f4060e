"""What nets for images are made of: convolutions with what follows them, and the head."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from sknn_tricks.nets._activations import make_activation
from sknn_tricks.nets._drop_connect import DropConnect2d
from sknn_tricks.nets._mlp import MLP
from sknn_tricks.nets._pools import make_global_pool

Named = tuple[str, nn.Module]


@dataclass(frozen=True)
class Convs:
    """Makes convolutions, each with a norm and an activation behind it.

    Parameters
    ----------
    norm : callable (n_channels) -> torch.nn.Module, or None
        Convolutions in front of a norm have no bias: it has its own.
    activation : str, class or torch.nn.Module
    drop_connect : float, default=0.0
        Share of the weights that are dropped in a step.
    """

    norm: Callable[[int], nn.Module] | None
    activation: Any
    drop_connect: float = 0.0

    def conv(self, n_in: int, n_out: int, kernel_size: int, stride: int = 1) -> nn.Conv2d:
        """Make a convolution that keeps height and width, divided by the stride."""
        sizes = (n_in, n_out, kernel_size, stride, kernel_size // 2)
        if self.drop_connect:
            return DropConnect2d(*sizes, bias=self.norm is None, p=self.drop_connect)
        return nn.Conv2d(*sizes, bias=self.norm is None)

    def normed(self, name: str, *sizes: int) -> Iterator[Named]:
        """Yield a convolution of that name and its norm."""
        yield name, self.conv(*sizes)
        yield from self.norm_of(name, sizes[1])

    def activated(self, name: str, *sizes: int) -> Iterator[Named]:
        """Yield a convolution of that name, its norm and its activation."""
        yield from self.normed(name, *sizes)
        yield self.activation_of(name, sizes[1])

    def norm_of(self, name: str, n_channels: int) -> Iterator[Named]:
        """Yield a norm, if there are norms."""
        if self.norm is not None:
            yield name.replace("conv", "norm"), self.norm(n_channels)

    def activation_of(self, name: str, n_channels: int) -> Named:
        """Return an activation."""
        return name.replace("conv", "activation"), make_activation(self.activation, n_channels)


def head_layers(
    head: str,
    n_channels: int,
    n_pixels: int,
    n_outputs: int,
    hidden: int | Sequence[int] = (),
    dropout: float = 0.0,
    **of_hidden: Any,
) -> Iterator[Named]:
    """Yield the layers from the last convolution's channels to the outputs.

    Parameters
    ----------
    head : {"avg", "max", "flatten"}
        What becomes of the pixels.
    n_channels, n_pixels, n_outputs : int
    hidden : int or sequence of int, default=()
        Widths of linear layers in between.
    dropout : float, default=0.0
        Rate in front of each linear layer.
    **of_hidden : dict
        Activation and norm of the layers in between.
    """
    if (pool := make_global_pool(head)) is not None:
        yield "global_pool", pool
        n_pixels = 1
    yield "flatten", nn.Flatten()
    dense = MLP(hidden, dropout=dropout, input_dropout=dropout, **of_hidden)
    yield from dense.build((n_channels * n_pixels,), n_outputs).named_children()
