"""Dropout with a random stream of its own."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sknn_tricks._messages import message
from sknn_tricks._padding import padded


class Dropout(nn.Dropout):
    """Dropout (Srivastava et al., 2014) that draws from its own generator.

    In training each entry is kept with probability ``1 - p`` and scaled by ``1 / (1 - p)``, so the
    expectation stays; in evaluation the input passes unchanged. torch's global random state is
    neither read nor changed once `seed_` was called. Four masks share one 64-bit draw, which
    makes it several times as fast as ``torch.nn.Dropout`` on a CPU; the rate is exact to 2^-16.

    Parameters
    ----------
    p : float, default=0.5
        Share of the entries that are dropped, in [0, 1).

    Raises
    ------
    ValueError
        If `p` is out of range.

    Examples
    --------
    >>> import torch
    >>> drop = Dropout(0.5).seed_(0)
    >>> sorted(set(drop(torch.ones(1000)).tolist()))
    [0.0, 2.0]
    >>> drop.eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p < 1:
            raise ValueError(
                message(
                    "p is no rate of dropout",
                    expected="a rate p in [0, 1)",
                    got=f"p={p!r}",
                    todo="p is the share that is dropped, such as 0.2",
                )
            )
        super().__init__(p)
        self._generator: torch.Generator | np.random.SFC64 | None = None

    def seed_(self, seed: int, device: torch.device | str = "cpu") -> Dropout:
        """Start the layer's own random stream on `device` and return the layer."""
        on_cpu = torch.device(device).type == "cpu"
        self._generator = (
            np.random.SFC64(seed) if on_cpu else torch.Generator(device).manual_seed(seed)
        )
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Drop entries of `x`, of any shape, in training."""
        if not self.training or self.p == 0.0:
            return x
        return x * self._mask(x)

    def _mask(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x` holding 0 or 1 / (1 - p)."""
        levels = self._bits(x).to(x.dtype)
        return levels.ge_(self.p * 2**16 - 2**15).mul_(1.0 / (1.0 - self.p))

    def _bits(self, x: Tensor) -> Tensor:
        """Return random numbers from -2^15 to 2^15 - 1, of the shape of `x`."""
        if isinstance(self._generator, np.random.SFC64):
            width = x.shape[-1] if x.ndim else 1
            bits = draw_bits(self._generator, 1, x.numel() // max(width, 1), width)
            return torch.from_numpy(bits)[0, :, :width].reshape(x.shape)
        draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
        # From -2^63: the default range leaves the top bit zero, which would bias every fourth mask.
        draws.random_(-(2**63), None, generator=self._generator)
        return draws.view(torch.int16)[: x.numel()].view(x.shape)


def draw_bits(
    generator: np.random.SFC64, n_steps: int, n_rows: int, width: int
) -> NDArray[np.int16]:
    """Draw the random bits of dropout masks, by the fastest generator that numpy has.

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
