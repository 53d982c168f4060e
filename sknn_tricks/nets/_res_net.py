"""The residual net for images."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

from sklearn.base import BaseEstimator
from torch import nn

from sknn_tricks._image_layout import image_layout
from sknn_tricks._messages import lookup
from sknn_tricks._read_once import ReadOnce
from sknn_tricks.nets._checks import (
    check_counts,
    check_kernel,
    check_rate,
    check_rising_rates,
    check_width,
    check_widths,
)
from sknn_tricks.nets._conv_parts import Convs, head_layers
from sknn_tricks.nets._drop_path import DropPath
from sknn_tricks.nets._image_input import ImageInput
from sknn_tricks.nets._norms import as_norm
from sknn_tricks.nets._res_blocks import BlockMaker

# Whether 1x1 convolutions reduce the channels.
BLOCKS = {"basic": False, "bottleneck": True}


class ResNet(ReadOnce, BaseEstimator):
    """A residual net for small images: ``stem -> stages of residual blocks -> mean -> Linear``.

    A block adds what its convolutions make of its input to that input, so that the gradient
    reaches the first layer however many blocks there are. The first block of each stage but the
    first halves height and width, with a 1x1 convolution on the shortcut. The stem is one
    convolution. Rows are images (H, W), (H, W, C) or (C, H, W).

    This holds parameters only; `build` makes the torch module. As ``module=ResNet(...)`` of a
    `NetClassifier` its parameters are searchable as ``module__n_blocks``, ``module__drop_path``...
    The default has 78,000 weights for grey images and 10 classes; ``n_blocks=3`` is the ResNet-20
    of [1]_, with 272,000.

    Parameters
    ----------
    channels : int or sequence of int, default=(16, 32, 64)
        Channels of each stage; as many stages as there are numbers.
    n_blocks : int or sequence of int, default=1
        Blocks of a stage: one number for all stages or one for each.
    block : {"basic", "bottleneck"}, default="basic"
        Two convolutions of 3x3 pixels, or one of them between 1x1 convolutions that reduce the
        channels and restore them.
    reduction : int, default=4
        By what the channels are divided within a "bottleneck".
    activation : str, class or torch.nn.Module, default="relu"
        As for `MLP`; "prelu_per_feature" learns a slope for each channel.
    norm : str, spec or callable, default="batch"
        What follows each convolution: None, "batch" (each channel over the batch), "group" (each
        image in groups of channels), "layer" (each image), or one of these with settings of its
        own; as for `MLP`. Normalised convolutions have no bias.
    pre_activation : bool, default=False
        Norm and activation stand in front of each convolution, so that nothing but additions
        lies between the blocks. Source: He et al., "Identity mappings", 2016.
    kernel_size : int, default=3
        Height and width of the stem's kernels, odd.
    stride : int, default=1
        Step of the stem; 2 halves larger images at once.
    dropout : float, default=0.0
        Share of the features that are dropped in training in front of the last layer, in [0, 1).
    drop_path : float or sequence of float, default=0.0
        Stochastic depth: at what rate the last block is left out in training, in [0, 1); the rate
        rises from block to block in equal steps. A sequence has a rate for each block.
        Source: Huang et al., 2016.
    drop_path_mode : {"row", "batch"}, default="row"
        Whether each row leaves out blocks of its own, or all rows of a batch the same ones.
    starts_at_zero : bool, default=True
        The last layer of each block that has weights, its norm, or its convolution with
        `pre_activation` or without norms, starts with weights of 0, whatever the init, so that
        each block starts as its shortcut.
        Source: Goyal et al., 2017; Zhang et al., 2019.
    head : {"avg", "max", "flatten"}, default="avg"
        Whether the mean or the maximum of each channel goes to the last layer, or all pixels.
    channels_axis : {"auto", "first", "last"}, default="auto"
        Where the channels of images are; "auto" takes the axis, last or first, of length 4 or
        less.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR
       2016: section 4.2, but projection shortcuts (B) for its zeros (A).
    .. [2] K. He, X. Zhang, S. Ren, J. Sun, "Identity mappings in deep residual networks", ECCV
       2016.

    Examples
    --------
    >>> ResNet(channels=(4,), norm=None).build(input_shape=(8, 8), n_outputs=2)
    Sequential(
      (input): ImageInput(channels=None, n_channels=1, height=8, width=8)
      (conv): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
      (activation): ReLU()
      (block_0_0): Residual(
        (conv_0): Conv2d(4, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
        (activation_0): ReLU()
        (conv_1): Conv2d(4, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
      )
      (activation_0_0): ReLU()
      (global_pool): AdaptiveAvgPool2d(output_size=1)
      (flatten): Flatten(start_dim=1, end_dim=-1)
      (output): Linear(in_features=4, out_features=2, bias=True)
    )
    """

    foreign = False

    def __init__(
        self,
        channels: int | Sequence[int] = (16, 32, 64),
        n_blocks: int | Sequence[int] = 1,
        block: str = "basic",
        reduction: int = 4,
        activation: str | type[nn.Module] | nn.Module = "relu",
        norm: Any = "batch",
        pre_activation: bool = False,
        kernel_size: int = 3,
        stride: int = 1,
        dropout: float = 0.0,
        drop_path: float | Sequence[float] = 0.0,
        drop_path_mode: str = "row",
        starts_at_zero: bool = True,
        head: str = "avg",
        channels_axis: str = "auto",
    ) -> None:
        self.channels = channels
        self.n_blocks = n_blocks
        self.block = block
        self.reduction = reduction
        self.activation = activation
        self.norm = norm
        self.pre_activation = pre_activation
        self.kernel_size = kernel_size
        self.stride = stride
        self.dropout = dropout
        self.drop_path = drop_path
        self.drop_path_mode = drop_path_mode
        self.starts_at_zero = starts_at_zero
        self.head = head
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
            If a size, a rate or a name is none.
        """
        layout = image_layout(input_shape, self.channels_axis, "channels_axis")
        maker, stride = self._maker(), check_width("stride", self.stride)
        channels = check_widths("channels", self.channels, "stage")
        layers: OrderedDict[str, nn.Module] = OrderedDict(input=ImageInput(layout))
        kernel_size = check_kernel("kernel_size", check_width("kernel_size", self.kernel_size))
        layers.update(maker.stem(layout.n_channels, channels[0], kernel_size, stride))
        for block in self._blocks(channels):
            layers.update(maker.layers(*block))
        layers.update(maker.end(channels[-1]))
        stride *= 2 ** (len(channels) - 1)
        n_pixels = -(-layout.height // stride) * -(-layout.width // stride)
        dropout = check_rate("dropout", self.dropout)
        head = head_layers(self.head, channels[-1], n_pixels, n_outputs, dropout=dropout)
        layers.update(head)
        return nn.Sequential(layers)

    def _maker(self) -> BlockMaker:
        """Return what makes the blocks."""
        reduction = check_width("reduction", self.reduction)
        DropPath(mode=self.drop_path_mode)  # complains of a wrong mode in any case
        return BlockMaker(
            Convs(as_norm(self.norm, of_images=True), self.activation),
            reduction if lookup(self.block, BLOCKS, "block") else None,
            self.pre_activation,
            self.starts_at_zero,
            self.drop_path_mode,
        )

    def _blocks(self, channels: Sequence[int]) -> Iterator[tuple[str, int, int, int, float]]:
        """Yield the number of each block, its channels before and behind, its step, its rate."""
        n_blocks = check_counts("n_blocks", self.n_blocks, len(channels), "stage")
        rates = iter(check_rising_rates("drop_path", self.drop_path, sum(n_blocks), "block"))
        n_before = channels[0]
        for i, (n_channels, n) in enumerate(zip(channels, n_blocks, strict=True)):
            for j in range(n):
                stride = 2 if i > 0 and j == 0 else 1
                yield f"{i}_{j}", n_before, n_channels, stride, next(rates)
                n_before = n_channels
