"""The residual blocks of nets for images."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from sknn_tricks.nets._conv_parts import Convs, Named
from sknn_tricks.nets._drop_path import DropPath
from sknn_tricks.nets._residual import ProjectedResidual, Residual


@dataclass(frozen=True)
class BlockMaker:
    """Makes residual blocks of convolutions, and what stands before and behind all of them.

    Parameters
    ----------
    convs : Convs
    reduction : int or None
        By what 1x1 convolutions divide the channels; None for two convolutions of 3x3.
    pre_activation : bool
        Whether norm and activation stand in front of each convolution.
    starts_at_zero : bool
    mode : {"row", "batch"}
        Of stochastic depth.
    """

    convs: Convs
    reduction: int | None
    pre_activation: bool
    starts_at_zero: bool
    mode: str

    def stem(self, n_in: int, n_out: int, kernel_size: int, stride: int) -> Iterator[Named]:
        """Yield the layers in front of the blocks."""
        if self.pre_activation:
            yield "conv", self.convs.conv(n_in, n_out, kernel_size, stride)
        else:
            yield from self.convs.activated("conv", n_in, n_out, kernel_size, stride)

    def end(self, n_channels: int) -> Iterator[Named]:
        """Yield the layers behind the blocks."""
        if self.pre_activation:
            yield from self._front("conv_end", n_channels)

    def layers(self, at: str, n_in: int, n_out: int, stride: int, rate: float) -> Iterator[Named]:
        """Yield a block, with the layers that its branch and its shortcut have in common.

        Parameters
        ----------
        at : str
            Its number.
        n_in, n_out : int
            Channels of its input and of its output.
        stride : int
            By what it divides height and width.
        rate : float
            At which it is left out in training.
        """
        is_projected = stride > 1 or n_in != n_out
        branch = OrderedDict(self._branch(n_in, n_out, stride, is_projected))
        if rate:
            branch["drop_path"] = DropPath(rate, self.mode)
        if is_projected:
            if self.pre_activation:
                yield from self._front(f"conv_{at}", n_in)
            shortcut = OrderedDict(self._shortcut(n_in, n_out, stride))
            ways = nn.Sequential(branch), nn.Sequential(shortcut)
            yield f"block_{at}", ProjectedResidual(*ways, starts_at_zero=self.starts_at_zero)
        else:
            yield f"block_{at}", Residual(branch, starts_at_zero=self.starts_at_zero)
        if not self.pre_activation:
            yield self.convs.activation_of(f"conv_{at}", n_out)

    def _branch(self, n_in: int, n_out: int, stride: int, is_projected: bool) -> Iterator[Named]:
        """Yield the layers of a branch."""
        sizes = self._sizes(n_in, n_out, stride)
        for i, size in enumerate(sizes):
            name = f"conv_{i}"
            if not self.pre_activation:
                of_last = i == len(sizes) - 1  # whose activation is behind the addition
                yield from (self.convs.normed if of_last else self.convs.activated)(name, *size)
                continue
            if i > 0 or not is_projected:
                yield from self._front(name, size[0])
            yield name, self.convs.conv(*size)

    def _sizes(self, n_in: int, n_out: int, stride: int) -> list[tuple[int, int, int, int]]:
        """Return the channels before and behind each convolution, its kernel and its step."""
        if self.reduction is None:
            return [(n_in, n_out, 3, stride), (n_out, n_out, 3, 1)]
        n = max(n_out // self.reduction, 1)
        return [(n_in, n, 1, 1), (n, n, 3, stride), (n, n_out, 1, 1)]

    def _shortcut(self, n_in: int, n_out: int, stride: int) -> Iterator[Named]:
        """Yield the layers of a shortcut."""
        if self.pre_activation:
            yield "conv", self.convs.conv(n_in, n_out, 1, stride)
        else:
            yield from self.convs.normed("conv", n_in, n_out, 1, stride)

    def _front(self, name: str, n_channels: int) -> Iterator[Named]:
        """Yield the norm and the activation in front of a convolution of that name."""
        yield from self.convs.norm_of(name, n_channels)
        yield self.convs.activation_of(name, n_channels)
