"""Convolutions of K members as one: matrix products with what each kernel sees, in columns.

torch's convolution of K groups is faster for some shapes, but a member's bits depend on who is
beside it. Columns times weights are the dense layer's product, for which its rules hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from sknn_tricks._padding import WIDTH, padded
from sknn_tricks.fused.stacks._layers import Layer, Linear, pad_last, register
from sknn_tricks.fused.stacks._maps import Features, Maps, Planes
from sknn_tricks.fused.stacks._windows2d import Window, window_of
from sknn_tricks.nets._image_input import ImageInput

# Numbers of columns that are made at once, 1 MB of them: they are read while they are in the cache.
COLUMNS = 2**18


@register
class StackedImageInput(Layer):
    """Nothing to do: the convolution behind it takes images as the user has them."""

    stands_for = (ImageInput,)
    takes_images = True

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self._planes = Planes(modules[0].layout)

    @property
    def features(self) -> Features:
        """Return where the numbers of the images lie."""
        return self._planes

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Return the input (K, N, D)."""
        return x

    def backward(self, grad: Tensor) -> Tensor:
        """Return the gradient."""
        return grad


@register
class Conv2d(Linear):
    """A convolution, with the weight as (K, kernel pixels * channels, channels of the output).

    The columns, what the kernel sees at each pixel, are copied for a few members at a time, and
    again for the gradient: kept for all, they would not fit the cache.
    """

    stands_for: ClassVar[tuple[type[nn.Module], ...]] = (nn.Conv2d,)
    takes_images = True

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        first = modules[0]
        self._input, self._window = cast(Maps | Planes, width), window_of(first)
        self._output = self._window.positions(self._input, first.out_channels)
        super().__init__(modules, width)
        self.maps, self.width = self._output, self._output.size
        self.filter_shape = first.weight.shape[1:]
        self.n_weights, self.n_filters = self.filter_shape.numel(), first.out_channels

    @staticmethod
    def width_of(module: Any) -> int:
        """Return the channels of a plain layer's output."""
        return module.out_channels

    @classmethod
    def refuses(cls, module: Any) -> str | None:
        """Refuse what the columns are not made for."""
        usual = (
            module.groups == 1
            and module.dilation == (1, 1)
            and module.padding_mode == "zeros"
            and not isinstance(module.padding, str)
        )
        return None if usual else f"a {type(module).__name__} of groups, dilation or such a padding"

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, H)."""
        self._frame = self._framed_input(x)
        weight = self._used = self.weights(training)
        output = self.own("output", x, self._output.room)
        for some, rows in self._few(x, self._output.n_pixels * self._n_rows):
            columns, pixels = self._columns(some, rows), pixels_of(output, self._output, some, rows)
            if self._adds_bias:
                bias = self.tensors["bias"][some, :, : self._output.lanes]
                torch.baddbmm(bias, columns, weight[some], out=pixels)
            else:
                torch.bmm(columns, weight[some], out=pixels)
        return output

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, H) to (K, N, D)."""
        for some, rows in self._few(grad, self._output.n_pixels * self._n_rows):
            gradient, columns = self.grads["weight"][some], self._columns(some, rows)
            pixels = pixels_of(grad, self._output, some, rows)
            if rows.start == 0:
                torch.bmm(columns.mT, pixels, out=gradient)
            else:
                gradient.baddbmm_(columns.mT, pixels)
        if "bias" in self.grads:
            if self.is_normalised:
                self.grads["bias"].zero_()  # penalties may have been added to it
            else:
                self.sum_rows(grad, out=self.grads["bias"])
        return grad if self.is_first else self._below(grad)

    @property
    def _n_seen(self) -> int:
        """Numbers that the kernel sees at a position."""
        return self._window.n_pixels * self._input.lanes

    @property
    def _n_rows(self) -> int:
        """Rows of the weight, as many as make the members' weights whole rows of 32 numbers."""
        step = WIDTH // math.gcd(WIDTH, self._output.lanes)
        return -(-self._n_seen // step) * step

    # --- columns --------------------------------------------------------------------------------

    def _framed_input(self, x: Tensor) -> Tensor:
        """Return the images with zeros around them: (K, N, H, W, lanes), or (K, N, C, H, W)."""
        if isinstance(self._input, Maps):
            return self._framed("frame", x, self._input, self._window)
        images, (top, left) = self._input.planes(x), self._window.margin
        n_channels, height, width = images.shape[2:]
        shape = (n_channels, height + 2 * top, width + 2 * left)
        frame = self.zeros("frame", x, math.prod(shape)).unflatten(2, shape)
        frame[..., top : top + height, left : left + width] = images
        return frame

    def _framed(self, name: str, x: Tensor, maps: Maps, window: Window) -> Tensor:
        """Return images (K, N, H, W, lanes) with zeros around them."""
        top, left = window.margin
        if not top + left:
            return maps.pixels(x)
        shape = (maps.height + 2 * top, maps.width + 2 * left, maps.lanes)
        frame = self.zeros(name, x, math.prod(shape)).unflatten(2, shape)
        frame[:, :, top : top + maps.height, left : left + maps.width] = maps.pixels(x)
        return frame

    def _few(self, like: Tensor, n_numbers: int) -> Iterator[tuple[slice, slice]]:
        """Yield members and rows whose columns fit the cache, of so many numbers for each row.

        Rows are parted the same way whoever is there: sums over them depend on it.
        """
        n_members, n_rows, _ = like.shape
        k, n = max(COLUMNS // (n_rows * n_numbers), 1), max(COLUMNS // n_numbers, 1)
        for member in range(0, n_members, k):
            for row in range(0, n_rows, n):
                yield slice(member, member + k), slice(row, min(row + n, n_rows))

    def _columns(self, some: slice, rows: slice) -> Tensor:
        """Return what the kernel sees at each position in some rows, (k, n * pixels, seen)."""
        frame = self._frame[some, rows]
        if isinstance(self._input, Planes):
            return self._columns_of_planes(frame)
        if self._window.sees_one_pixel():
            return frame.flatten(1, 3)
        return self._copied(self._window.of_pixels(frame, self._output))

    def _copied(self, windows: Tensor) -> Tensor:
        """Return a copy of windows of pixels, (k, n * pixels, seen)."""
        columns = self.borrowed("columns", windows, windows.shape)
        return columns.copy_(windows).flatten(4, 5).flatten(1, 3)

    def _columns_of_planes(self, images: Tensor) -> Tensor:
        """Return the columns, one pixel and channel of the kernel after another in memory."""
        windows = self._window.of_planes(images, self._output)
        n_pixels = windows.shape[4:].numel()
        columns = self.borrowed("columns", images, (len(images), self._n_rows, padded(n_pixels)))
        columns[:, self._n_seen :] = 0
        seen = columns[:, : self._n_seen, :n_pixels]
        seen.unflatten(1, windows.shape[1:4]).unflatten(4, windows.shape[4:]).copy_(windows)
        return columns[..., :n_pixels].mT

    # --- the gradient of the input --------------------------------------------------------------

    def _below(self, grad: Tensor) -> Tensor:
        """Return the gradient of the input."""
        maps = cast(Maps, self._input)
        below = self.own("grad", grad, maps.room)
        if self._window.sees_one_pixel():
            pixels = grad.view(len(grad), -1, self._output.lanes)
            torch.bmm(pixels, self._used.mT, out=below.view(len(grad), -1, maps.lanes))
            return below
        turned = self._window.turned()
        return self._scattered(grad, below) if turned is None else self._turned(grad, turned, below)

    def _turned(self, grad: Tensor, window: Window, below: Tensor) -> Tensor:
        """Convolve the gradient with the kernel, turned by half a circle."""
        maps, lanes, k = cast(Maps, self._input), self._output.lanes, len(grad)
        frame = self._framed("frame of grad", grad, self._output, window)
        weight = self._used.view(k, -1, maps.lanes, lanes)
        turned = self.own("turned", weight, lanes * maps.lanes).view(k, -1, lanes, maps.lanes)
        turned = turned.copy_(weight.flip(1).mT).flatten(1, 2)
        for some, rows in self._few(grad, maps.n_pixels * turned.shape[1]):
            columns = self._copied(window.of_pixels(frame[some, rows], maps))
            torch.bmm(columns, turned[some], out=pixels_of(below, maps, some, rows))
        return below

    def _scattered(self, grad: Tensor, below: Tensor) -> Tensor:
        """Add the gradient of each column to the pixels that it was taken from."""
        maps, output, (height, width) = cast(Maps, self._input), self._output, self._window.size
        pixels = grad.view(len(grad), -1, output.lanes)
        shape = (output.height, output.width, height, width, maps.lanes)
        columns = torch.bmm(pixels, self._used.mT).view(*grad.shape[:2], *shape)
        top, left = self._window.margin
        size = (maps.height + 2 * top, maps.width + 2 * left, maps.lanes)
        frame = grad.new_zeros(*grad.shape[:2], *size)
        for i in range(height):
            for j in range(width):
                rows, across = self._window.at(i, j, output)
                frame[:, :, rows, across] += columns[..., i, j, :]
        maps.pixels(below).copy_(frame[:, :, top : top + maps.height, left : left + maps.width])
        return below

    # --- plain and packed -----------------------------------------------------------------------

    def pack(self, name: str, tensor: Tensor) -> Tensor:
        """Turn the weight (C', C, height, width) to (kernel pixels * C, C'), padded."""
        if name == "bias":
            return pad_last(tensor)[None]
        packed = tensor.new_zeros(self._n_rows, self._output.lanes)
        self.unpack(name, packed, tensor).copy_(tensor)
        return packed

    def unpack(self, name: str, packed: Tensor, plain: Tensor) -> Tensor:
        """Return the weight's view, turned back."""
        if name == "bias":
            return packed[0, : plain.shape[0]]
        kernel = packed[: self._n_seen].unflatten(0, (*self._window.size, self._input.lanes))
        return kernel[:, :, : plain.shape[1], : plain.shape[0]].permute(3, 2, 0, 1)


def pixels_of(x: Tensor, maps: Maps, some: slice, rows: slice) -> Tensor:
    """View some rows (K, N, D) of images as (k, n * pixels, lanes)."""
    return x[some, rows].unflatten(2, (maps.n_pixels, maps.lanes)).flatten(1, 2)
