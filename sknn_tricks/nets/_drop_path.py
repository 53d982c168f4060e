"""Stochastic depth."""

from __future__ import annotations

from torch import Tensor

from sknn_tricks._messages import lookup
from sknn_tricks.nets._seeded import Seeded, check_p, kept_mask

# How many masks a batch of so many rows has.
MODES = {"batch": False, "row": True}


class DropPath(Seeded):
    """Stochastic depth: as the last layer of a residual branch, it drops the whole branch.

    In training a row's branch is kept with probability ``1 - p`` and scaled by ``1 / (1 - p)``, so
    the expectation stays; in evaluation the input passes unchanged. The mean depth of the net in
    training is less than its depth in prediction. torch's global random state is neither read nor
    changed once `seed_` was called.

    Parameters
    ----------
    p : float, default=0.1
        Share of the rows, or of the batches, whose branch is dropped, in [0, 1).
    mode : {"row", "batch"}, default="row"
        Whether each row has a draw of its own, or all rows of a batch are dropped at once as in
        [1]_.

    Raises
    ------
    ValueError
        If `p` is out of range or the mode is not known.

    References
    ----------
    .. [1] G. Huang, Y. Sun, Z. Liu, D. Sedra, K. Weinberger, "Deep networks with stochastic
       depth", ECCV 2016. They scale the branch in prediction instead, which is the same in
       expectation.

    Examples
    --------
    >>> import torch
    >>> drop = DropPath(0.5).seed_(0)
    >>> rows = drop(torch.ones(1000, 3))
    >>> sorted(tuple(row) for row in rows.unique(dim=0).tolist())
    [(0.0, 0.0, 0.0), (2.0, 2.0, 2.0)]
    >>> drop.eval()(torch.ones(1, 3))
    tensor([[1., 1., 1.]])
    """

    def __init__(self, p: float = 0.1, mode: str = "row") -> None:
        super().__init__()
        check_p(p, "stochastic depth")
        self.p = p
        self.by_row = lookup(mode, MODES, "mode")

    def forward(self, x: Tensor) -> Tensor:
        """Drop rows of (N, ...) in training."""
        if not self.training or self.p == 0.0:
            return x
        n_rows = len(x) if self.by_row else 1
        mask = kept_mask(self._bits(1, n_rows, x), self.p * self.factor)
        return x * mask.view(n_rows, *[1] * (x.ndim - 1))

    def extra_repr(self) -> str:
        """Return the rate and the mode."""
        return f"p={self.p:g}" + ("" if self.by_row else ", mode='batch'")
