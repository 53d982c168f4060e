"""Images of any kind as floats, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks._messages import message


class Images:
    """Images as they were given, to be read and written as floats, some at a time.

    Parameters
    ----------
    images : array-like or Tensor of shape (N, ...)

    Attributes
    ----------
    shape : tuple of int
    of_bytes : bool
        Whether they are bytes, which as floats are in [0, 1].

    Raises
    ------
    ValueError
        If they are no numbers.
    """

    def __init__(self, images: Any) -> None:
        self._as_array = not isinstance(images, Tensor)
        rows = torch.from_numpy(_numbers(images)) if self._as_array else images
        self._rows = rows
        self._new = torch.empty_like(rows)
        self.shape = tuple(rows.shape)
        self.of_bytes = rows.dtype == torch.uint8

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: NDArray[Any]) -> Tensor:
        some = self._rows[torch.from_numpy(index)]
        if self.of_bytes:
            return some.float() / 255
        return some if some.dtype in (torch.float32, torch.float64) else some.float()

    def __setitem__(self, index: NDArray[Any], images: Tensor) -> None:
        if self.of_bytes:
            images = (images * 255).clamp(0, 255)
        if not self._new.is_floating_point():
            images = images.round()
        self._new[torch.from_numpy(index)] = images.to(self._new.dtype)

    def result(self) -> Any:
        """Return the images that were written, as they were given."""
        return self._new.numpy() if self._as_array else self._new


def _numbers(images: Any) -> NDArray[Any]:
    """Return images as an array that torch takes."""
    array = np.asarray(images)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            message(
                "These images are no numbers",
                expected="bytes (uint8), or other numbers",
                got=f"an array of {array.dtype}",
                todo="Give an array of shape (N, H, W), (N, H, W, C) or (N, C, H, W)",
            )
        )
    order = array.dtype.newbyteorder("=")
    return np.require(array, order, ["C", "W"])
