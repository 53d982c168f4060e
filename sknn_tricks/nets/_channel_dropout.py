"""Dropout of whole channels."""

from __future__ import annotations

from torch import Tensor

from sknn_tricks.nets._seeded import Seeded, check_p, kept_mask


class ChannelDropout(Seeded):
    """Dropout that drops whole channels of images, and draws from its own generator.

    Neighbouring pixels of a channel are so much alike that dropping one of them hides nothing. In
    training each channel of each row is kept with probability ``1 - p`` and scaled by
    ``1 / (1 - p)``, so the expectation stays; in evaluation the input passes unchanged. torch's
    global random state is neither read nor changed once `seed_` was called.

    Parameters
    ----------
    p : float, default=0.1
        Share of the channels that are dropped, in [0, 1).

    Raises
    ------
    ValueError
        If `p` is out of range.

    References
    ----------
    .. [1] J. Tompson, R. Goroshin, A. Jain, Y. LeCun, C. Bregler, "Efficient object localization
       using convolutional networks", CVPR 2015: SpatialDropout.

    Examples
    --------
    >>> import torch
    >>> drop = ChannelDropout(0.5).seed_(0)
    >>> channels = drop(torch.ones(2, 50, 2, 2)).flatten(2)
    >>> sorted(tuple(channel) for channel in channels.flatten(0, 1).unique(dim=0).tolist())
    [(0.0, 0.0, 0.0, 0.0), (2.0, 2.0, 2.0, 2.0)]
    >>> drop.eval()(torch.ones(1, 1, 1, 2))
    tensor([[[[1., 1.]]]])
    """

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        check_p(p, "dropout")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Drop channels of (N, C, ...) in training."""
        if not self.training or self.p == 0.0:
            return x
        n_rows, n_channels = x.shape[:2]
        mask = kept_mask(self._bits(n_rows, n_channels, x), self.p * self.factor)
        return x * mask.reshape(n_rows, n_channels, *[1] * (x.ndim - 2))

    def extra_repr(self) -> str:
        """Return the rate."""
        return f"p={self.p:g}"
