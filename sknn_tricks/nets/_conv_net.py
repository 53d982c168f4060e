"""The convolutional net."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from math import prod
from numbers import Real
from typing import Any

from sklearn.base import BaseEstimator
from torch import nn

from sknn_tricks._image_layout import image_layout
from sknn_tricks._messages import message
from sknn_tricks._read_once import ReadOnce
from sknn_tricks.nets._checks import (
    as_list,
    check_counts,
    check_kernel,
    check_rate,
    check_rates,
    check_widths,
    is_a,
)
from sknn_tricks.nets._conv_blocks import Block, sizes_behind
from sknn_tricks.nets._conv_parts import Convs, head_layers
from sknn_tricks.nets._image_input import ImageInput
from sknn_tricks.nets._norms import as_norm
from sknn_tricks.nets._pools import make_pool


class ConvNet(ReadOnce, BaseEstimator):
    """A convolutional net: ``[[conv -> norm -> activation] x n -> pool] x blocks -> head``.

    The head pools each channel to one number, or flattens, and ends in linear layers. Convolutions
    keep height and width; pooling halves them. Rows are images (H, W), (H, W, C) or (C, H, W).

    This holds parameters only; `build` makes the torch module. As ``module=ConvNet(...)`` of a
    `NetClassifier` its parameters are searchable as ``module__channels``, ``module__pool``...
    The default has 73,000 weights for grey images and 10 classes.

    Parameters
    ----------
    channels : int or sequence of int, default=(16, 32, 64)
        Channels of each block; as many blocks as there are numbers.
    n_convs : int or sequence of int, default=2
        Convolutions of a block: one number for all blocks or one for each.
    kernel_size : int or sequence of int, default=3
        Height and width of the kernels, odd; one number for all blocks or one for each. Two
        kernels of 3 see as much as one of 5, with fewer weights.
        Source: Simonyan and Zisserman, 2015.
    activation : str, class or torch.nn.Module, default="relu"
        As for `MLP`; "prelu_per_feature" learns a slope for each channel.
    norm : str, spec or callable, default="batch"
        What stands between each convolution and its activation: None, "batch" (each channel over
        the batch), "group" (each image in groups of channels), "layer" (each image), or one of
        these with settings of its own; as for `MLP`. Normalised convolutions have no bias.
    pool : {"max", "avg", "fractional", "stride"}, None or sequence of these, default="max"
        What ends a block: the maximum or the mean of 2 x 2 pixels, `FractionalMaxPool` (which
        divides height and width by 1.4 only), a step of 2 in its last convolution, or nothing;
        one for all blocks or one for each.
    bottleneck : float, default=None
        With a share in (0, 1), 1x1 convolutions (with a norm and an activation of their own)
        reduce the channels to that share in front of each convolution but the first.
        Source: Lin et al., 2014; He et al., 2016.
    dropout : float, default=0.0
        Share of the features that are dropped in training in front of each linear layer, in
        [0, 1).
    conv_dropout : float or sequence of float, default=0.0
        Share of the channels that are dropped as a whole behind each block, in [0, 1): one rate
        for all blocks or one for each. Source: Tompson et al., 2015.
    drop_connect : float or sequence of float, default=0.0
        Share of the weights of convolutions that are dropped in a step of training, in [0, 1):
        one rate for all blocks or one for each. Source: Wan et al., 2013.
    head : {"avg", "max", "flatten"}, default="avg"
        Whether the mean or the maximum of each channel goes to the linear layers, or all pixels.
    hidden : int or sequence of int, default=()
        Widths of linear layers in front of the last one.
    channels_axis : {"auto", "first", "last"}, default="auto"
        Where the channels of images are; "auto" takes the axis, last or first, of length 4 or
        less.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
       recognition", Proceedings of the IEEE, 1998.
    .. [2] K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image
       recognition", ICLR 2015.
    .. [3] M. Lin, Q. Chen, S. Yan, "Network in network", ICLR 2014: 1x1 convolutions, global
       average pooling.

    Examples
    --------
    >>> ConvNet(channels=(4,), n_convs=1).build(input_shape=(8, 8), n_outputs=2)
    Sequential(
      (input): ImageInput(channels=None, n_channels=1, height=8, width=8)
      (conv_0_0): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
      (norm_0_0): BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, \
track_running_stats=True)
      (activation_0_0): ReLU()
      (pool_0): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
      (global_pool): AdaptiveAvgPool2d(output_size=1)
      (flatten): Flatten(start_dim=1, end_dim=-1)
      (output): Linear(in_features=4, out_features=2, bias=True)
    )
    """

    foreign = False

    def __init__(
        self,
        channels: int | Sequence[int] = (16, 32, 64),
        n_convs: int | Sequence[int] = 2,
        kernel_size: int | Sequence[int] = 3,
        activation: str | type[nn.Module] | nn.Module = "relu",
        norm: Any = "batch",
        pool: str | Sequence[str | None] | None = "max",
        bottleneck: float | None = None,
        dropout: float = 0.0,
        conv_dropout: float | Sequence[float] = 0.0,
        drop_connect: float | Sequence[float] = 0.0,
        head: str = "avg",
        hidden: int | Sequence[int] = (),
        channels_axis: str = "auto",
    ) -> None:
        self.channels = channels
        self.n_convs = n_convs
        self.kernel_size = kernel_size
        self.activation = activation
        self.norm = norm
        self.pool = pool
        self.bottleneck = bottleneck
        self.dropout = dropout
        self.conv_dropout = conv_dropout
        self.drop_connect = drop_connect
        self.head = head
        self.hidden = hidden
        self.channels_axis = channels_axis

    def build(self, input_shape: tuple[int, ...], n_outputs: int) -> nn.Sequential:
        r"""Make the torch module.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one row: (H, W), (H, W, C) or (C, H, W).
        n_outputs : int
            Width of the output, O.

        Returns
        -------
        torch.nn.Sequential
            Maps (N, \*input_shape) to (N, O). The weights are torch's default draw.

        Raises
        ------
        ValueError
            If a size, a rate or a name is none, or the images are too small to be pooled so often.
        """
        layout = image_layout(input_shape, self.channels_axis, "channels_axis")
        blocks, share = self._blocks(), self._share()
        n_pixels = prod(sizes_behind(blocks, layout))
        layers: OrderedDict[str, nn.Module] = OrderedDict(input=ImageInput(layout))
        n_channels = layout.n_channels
        for i, block in enumerate(blocks):
            layers.update(block.layers(i, n_channels, share))
            n_channels = block.channels
        dropout = check_rate("dropout", self.dropout)
        of_hidden = {"activation": self.activation, "norm": self.norm}
        head = (self.head, n_channels, n_pixels, n_outputs, self.hidden, dropout)
        layers.update(head_layers(*head, **of_hidden))
        return nn.Sequential(layers)

    def _blocks(self) -> list[Block]:
        """Return the settings of each block."""
        channels = check_widths("channels", self.channels, "block")
        n, norm = len(channels), as_norm(self.norm, of_images=True)
        kernels = check_counts("kernel_size", self.kernel_size, n, "block")
        drop_connect = check_rates("drop_connect", self.drop_connect, n, "block")
        return [
            Block(*settings)
            for settings in zip(
                [Convs(norm, self.activation, rate) for rate in drop_connect],
                channels,
                check_counts("n_convs", self.n_convs, n, "block"),
                [check_kernel("kernel_size", size) for size in kernels],
                self._pools(n),
                check_rates("conv_dropout", self.conv_dropout, n, "block"),
                strict=True,
            )
        ]

    def _pools(self, n: int) -> list[str | None]:
        """Return what ends each of n blocks."""
        one = self.pool is None or isinstance(self.pool, str)
        pools: Any = [self.pool] * n if one else as_list(self.pool, str)
        if pools is None or len(pools) != n:
            raise ValueError(
                message(
                    "pool does not fit the net",
                    expected=f"one name or None, or {n} of them, one per block",
                    got=f"pool={self.pool!r}",
                    todo='Try pool="max"',
                )
            )
        for name in pools:
            make_pool(name)  # complains of a wrong name
        return pools

    def _share(self) -> float:
        """Return to which share of the channels 1x1 convolutions reduce, 1 for none of them."""
        if self.bottleneck is None:
            return 1.0
        if not (is_a(self.bottleneck, Real) and 0 < self.bottleneck < 1):
            raise ValueError(
                message(
                    "bottleneck is no share of the channels",
                    expected="a number between 0 and 1, or None",
                    got=f"bottleneck={self.bottleneck!r}",
                    todo="The usual ones are 0.25 and 0.5",
                )
            )
        return float(self.bottleneck)
