"""Transforms ready to be used on images of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Protocol

import torch
from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks._messages import message
from sknn_tricks.augment._affine import Affine, Affines
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._transform import Transform

# Numbers of images that are changed at once: what is made of them on the way stays in the cache.
NUMBERS = 2**19
# How far a number may be outside of [0, 1]: scalers in float32 round to 1.0000001.
SLACK = 1e-6


class Step(Protocol):
    """A transform, or several that are done as one."""

    unit_range: bool

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """Return changed images (N, C, H, W); `draws` are those of the whole chain."""


class Single:
    """A transform with draws of its own.

    Parameters
    ----------
    place : int
        Its place in the list, from 0: that is which draws it has.
    transform : Transform
    """

    def __init__(self, place: int, transform: Transform) -> None:
        self._place, self._transform = place, transform
        self.unit_range = transform.unit_range
        self.name = getattr(transform, "name", type(transform).__name__)

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """Return changed images."""
        return self._transform(x, draws.at(self._place))


class Chain:
    """Transforms, checked and in their order.

    Parameters
    ----------
    transforms : sequence of Transform
    layout : ImageLayout
        What the images are.
    of_bytes : bool
        Whether they were bytes.

    Raises
    ------
    ValueError
        If a transform has a setting that is out of range, or does not suit the images.
    """

    def __init__(
        self, transforms: Sequence[Transform], layout: ImageLayout, of_bytes: bool
    ) -> None:
        for transform in transforms:
            transform.check(layout)
        ready = [transform.ready(layout, of_bytes) for transform in transforms]
        self.layout, self.steps = layout, _steps(ready)
        self._for_unit_range = next((each.name for each in self.steps if each.unit_range), None)

    def check(self, x: Tensor) -> bool:
        """Raise if a transform is for images in [0, 1], and these are not.

        Returns
        -------
        bool
            Whether they need not be clipped: none of them is rounded beyond an end.
        """
        if self._for_unit_range is None or not x.numel():
            return True
        lowest, highest = (end.item() for end in x.aminmax())
        if lowest < -SLACK or highest > 1 + SLACK:
            raise ValueError(_out_of_range(self._for_unit_range, lowest, highest))
        return lowest >= 0 and highest <= 1

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """Return augmented images.

        Parameters
        ----------
        x : Tensor of shape (N, ...)
            With the axes of the layout, in floats; it stays as it is.
        draws : Draws
            Of the N images.

        Returns
        -------
        Tensor of shape (N, ...)

        Raises
        ------
        ValueError
            If a transform is for images in [0, 1], and these are not.
        """
        is_in_range = self.check(x)
        changed = torch.empty_like(x, memory_format=torch.contiguous_format)
        size = max(NUMBERS // max(torch.Size(x.shape[1:]).numel(), 1), 1)
        for start in range(0, len(x), size):
            some = slice(start, start + size)
            images = self.layout.to_nchw(x[some]).contiguous()
            images = self._change(images, draws.take(some), is_in_range)
            changed[some] = self.layout.from_nchw(images)
        return changed

    def _change(self, x: Tensor, draws: Draws, is_in_range: bool) -> Tensor:
        """Return some images (N, C, H, W) augmented."""
        for step in self.steps:
            if step.unit_range and not is_in_range:
                x = x.clamp(0, 1)  # only rounding, or what transforms before it did
            is_in_range = step.unit_range
            x = step(x, draws)
        return x


def _out_of_range(name: str, lowest: float, highest: float) -> str:
    return message(
        f"{name} is for images in [0, 1]",
        expected="bytes (uint8), or floats from 0 to 1",
        got=f"numbers from {lowest:.9g} to {highest:.9g}",
        todo="Give the images as bytes, and leave their scaling to the net",
    )


def _steps(transforms: Sequence[Transform]) -> list[Any]:
    """Return what is done, neighbours that can be done as one together."""
    steps: list[Any] = []
    placed = list(enumerate(transforms))
    for key, group in groupby(placed, key=lambda each: _kind(*each)):
        several = list(group)
        steps.append(Affines(several) if key[0] is Affine else Single(*several[0]))
    return steps


def _kind(place: int, transform: Transform) -> Any:
    """Return what transforms have in common that are done as one."""
    if isinstance(transform, Affine):
        return Affine, transform.fill
    return Single, place
