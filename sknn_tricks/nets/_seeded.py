"""Random layers with a stream of their own."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sknn_tricks._messages import message
from sknn_tricks._padding import padded

# Random bits are whole numbers from -LEVELS / 2 to LEVELS / 2 - 1.
LEVELS = 2**16


class Seeded(nn.Module):
    """Base of layers that draw from a generator of their own.

    Once `seed_` was called, torch's global random state is neither read nor changed. Four numbers
    of 16 bits come from one 64-bit draw, which is several times as fast as torch's masks on a CPU.

    Attributes
    ----------
    factor : float
        What a schedule multiplies the rate with.
    """

    factor = 1.0
    _generator: torch.Generator | np.random.SFC64 | None = None

    def seed_(self, seed: int, device: torch.device | str = "cpu") -> Self:
        """Start the layer's own random stream on `device` and return the layer."""
        on_cpu = torch.device(device).type == "cpu"
        self._generator = (
            np.random.SFC64(seed) if on_cpu else torch.Generator(device).manual_seed(seed)
        )
        return self

    def _bits(self, n_rows: int, width: int, like: Tensor) -> Tensor:
        """Return random bits (N, D) as numbers of the dtype of `like`, on its device."""
        if isinstance(self._generator, np.random.SFC64):
            bits = draw_bits(self._generator, 1, n_rows, width)
            return torch.from_numpy(bits)[0, :, :width].to(like.dtype)
        n = n_rows * width
        draws = torch.empty(-(-n // 4), dtype=torch.int64, device=like.device)
        # From -2^63: the default range leaves the top bit zero, which would bias every fourth mask.
        draws.random_(-(2**63), None, generator=self._generator)
        return draws.view(torch.int16)[:n].view(n_rows, width).to(like.dtype)

    def _bits_like(self, x: Tensor) -> Tensor:
        """Return random bits of the shape and dtype of `x`; a row's are drawn at once."""
        n_rows = len(x) if x.ndim > 1 else 1
        return self._bits(n_rows, x.numel() // max(n_rows, 1), x).reshape(x.shape)


def kept_mask(bits: Tensor, p: float) -> Tensor:
    """Turn random bits into 0, at a rate of `p`, or 1 / (1 - p), in place."""
    return bits.ge_(p * LEVELS - LEVELS / 2).mul_(1.0 / (1.0 - p))


def check_p(p: float, what: str) -> None:
    """Raise if `p` is no rate to drop something at."""
    if not 0 <= p < 1:
        raise ValueError(
            message(
                f"p is no rate of {what}",
                expected="a rate p in [0, 1)",
                got=f"p={p!r}",
                todo="p is the share that is dropped, such as 0.2",
            )
        )


def draw_bits(
    generator: np.random.SFC64, n_steps: int, n_rows: int, width: int
) -> NDArray[np.int16]:
    """Draw random bits, by the fastest generator that numpy has.

    Parameters
    ----------
    generator : numpy.random.SFC64
    n_steps, n_rows, width : int
        For so many masks of shape (N, D).

    Returns
    -------
    ndarray of int16, shape (n_steps, N, D padded to a multiple of 32)
        The same numbers, whether steps are drawn at once or one after the other.
    """
    raw = generator.random_raw(n_steps * n_rows * padded(width) // 4)
    return raw.view(np.int16).reshape(n_steps, n_rows, padded(width))
