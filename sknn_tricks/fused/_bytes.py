"""Images whose numbers are bytes: they stay bytes in memory and are shares of 255 in a batch."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks._messages import message

# What a byte is a share of.
MOST = 255
# Numbers beyond these are no shares, even if something was added to the images.
LOWEST, HIGHEST = -0.5, 1.5


def shares(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return bytes as shares of 255, and other numbers as they are, in a precision.

    Examples
    --------
    >>> shares(torch.tensor([0, 51, 255], dtype=torch.uint8), torch.float32)
    tensor([0.0000, 0.2000, 1.0000])
    """
    return x.to(dtype).div_(MOST) if x.dtype == torch.uint8 else x.to(dtype)


def check_shares(x: NDArray[Any]) -> None:
    """Raise if numbers are none that a net may take that was fitted on bytes.

    Raises
    ------
    ValueError
        If integers are no bytes, or other numbers are no shares of 255. NaN is let through.
    """
    if not x.size or x.dtype == "uint8":
        return
    least, most = x.min(), x.max()
    if x.dtype.kind in "iu":
        if least < 0 or most > MOST:
            raise ValueError(_no_bytes(int(least), int(most)))
    elif least < LOWEST or most > HIGHEST:
        raise ValueError(_no_shares(float(least), float(most)))


def _no_bytes(least: int, most: int) -> str:
    return message(
        "The net was fitted on images of bytes, and X has integers that are none",
        expected=f"integers from 0 to {MOST}",
        got=f"{least} to {most}",
        todo="Give the images as uint8, or as floats from 0 to 1",
    )


def _no_shares(least: float, most: float) -> str:
    return message(
        "The net was fitted on images of bytes, which it sees as numbers from 0 to 1",
        expected="uint8, or floats from 0 to 1",
        got=f"floats from {least:.3g} to {most:.3g}",
        todo=f"Give the images as uint8, or divide them by {MOST}",
    )
