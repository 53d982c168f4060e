"""Dropout with a random stream of its own."""

from __future__ import annotations

from torch import Tensor, nn

from sknn_tricks.nets._seeded import Seeded, check_p, kept_mask


class Dropout(Seeded, nn.Dropout):
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
        check_p(p, "dropout")
        super().__init__(p)

    def forward(self, x: Tensor) -> Tensor:
        """Drop entries of `x`, of any shape, in training."""
        if not self.training or self.p == 0.0:
            return x
        return x * kept_mask(self._bits_like(x), self.p * self.factor)
