"""Linear and convolutional layers whose weights are dropped."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from sknn_tricks.nets._seeded import Seeded, check_p, kept_mask


class DropConnect(Seeded, nn.Linear):
    """A linear layer of which single weights are dropped in training.

    In each step each weight is kept with probability ``1 - p`` and scaled by ``1 / (1 - p)``, so
    the expectation stays; in evaluation the weights are as they are. All rows of a step have the
    same mask: one for each row, as in [1]_, would cost as much as a net for each row. Biases are
    not dropped. torch's global random state is neither read nor changed once `seed_` was called.

    Parameters
    ----------
    in_features, out_features : int
        Width of the input and of the output.
    bias : bool, default=True
        Whether there is a bias.
    p : float, default=0.5
        Share of the weights that are dropped, in [0, 1).

    Raises
    ------
    ValueError
        If `p` is out of range.

    References
    ----------
    .. [1] L. Wan, M. Zeiler, S. Zhang, Y. LeCun, R. Fergus, "Regularization of neural networks
       using DropConnect", ICML 2013. They predict with samples of the mean layer's distribution,
       which is approximated by its mean here.

    Examples
    --------
    >>> import torch
    >>> layer = DropConnect(1000, 1, bias=False, p=0.2).seed_(0)
    >>> _ = torch.nn.init.ones_(layer.weight)
    >>> outputs = [layer(torch.ones(1, 1000)).item() for _ in range(100)]
    >>> abs(sum(outputs) / 100 - 1000) < 10
    True
    >>> layer.eval()(torch.ones(1, 1000)).item()
    1000.0
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, p: float = 0.5
    ) -> None:
        check_p(p, "DropConnect")
        super().__init__(in_features, out_features, bias)
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, D) to (N, H)."""
        if not self.training or self.p == 0.0:
            return super().forward(x)
        bits = self._bits(self.in_features, self.out_features, self.weight)
        mask = kept_mask(bits, self.p * self.factor).T
        return F.linear(x, self.weight * mask, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes and the rate."""
        return f"{super().extra_repr()}, p={self.p:g}"


class DropConnect2d(Seeded, nn.Conv2d):
    """A convolution of which single weights are dropped in training: `DropConnect` for images.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    kernel_size : int or pair of int
    stride, padding : int, pair of int, or (padding) str, default=1, 0
        As in ``torch.nn.Conv2d``.
    bias : bool, default=True
        Whether there is a bias.
    p : float, default=0.5
        Share of the weights that are dropped, in [0, 1).

    Raises
    ------
    ValueError
        If `p` is out of range.

    Examples
    --------
    >>> import torch
    >>> layer = DropConnect2d(100, 1, 3, bias=False, p=0.2).seed_(0)
    >>> _ = torch.nn.init.ones_(layer.weight)
    >>> outputs = [layer(torch.ones(1, 100, 3, 3)).item() for _ in range(100)]
    >>> abs(sum(outputs) / 100 - 900) < 10
    True
    >>> layer.eval()(torch.ones(1, 100, 3, 3)).item()
    900.0
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        bias: bool = True,
        p: float = 0.5,
    ) -> None:
        check_p(p, "DropConnect")
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H', W')."""
        if not self.training or self.p == 0.0:
            return super().forward(x)
        weight = self.weight
        # One draw a weight, each output channel's in a column, as `DropConnect` has them.
        bits = self._bits(weight[0].numel(), len(weight), weight)
        mask = kept_mask(bits, self.p * self.factor).T.reshape(weight.shape)
        return self._conv_forward(x, weight * mask, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes and the rate."""
        return f"{super().extra_repr()}, p={self.p:g}"
