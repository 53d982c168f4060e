"""The blocks of a convolutional net, and what they leave of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks._messages import message
from sknn_tricks.nets._channel_dropout import ChannelDropout
from sknn_tricks.nets._conv_parts import Convs, Named
from sknn_tricks.nets._pools import make_pool, pooled_size


@dataclass(frozen=True)
class Block:
    """Convolutions of a size, and pooling.

    Parameters
    ----------
    convs : Convs
    channels, n_convs, kernel_size : int
    pool : str or None
    dropout : float
        Share of the channels that are dropped.
    """

    convs: Convs
    channels: int
    n_convs: int
    kernel_size: int
    pool: str | None
    dropout: float

    def layers(self, i: int, n_channels: int, share: float) -> Iterator[Named]:
        """Yield the layers of the i-th block, whose input has so many channels."""
        for j in range(self.n_convs):
            n_inner = n_channels if i == j == 0 else max(round(share * n_channels), 1)
            if n_inner < n_channels:
                yield from self.convs.activated(f"reduce_conv_{i}_{j}", n_channels, n_inner, 1)
            stride = 2 if self.pool == "stride" and j == self.n_convs - 1 else 1
            sizes = (n_inner, self.channels, self.kernel_size, stride)
            yield from self.convs.activated(f"conv_{i}_{j}", *sizes)
            n_channels = self.channels
        if (pool := make_pool(self.pool)) is not None:
            yield f"pool_{i}", pool
        if self.dropout:
            yield f"channel_dropout_{i}", ChannelDropout(self.dropout)


def sizes_behind(blocks: Sequence[Block], layout: ImageLayout) -> tuple[int, int]:
    """Return the height and width that all blocks leave, or raise."""
    height, width = _left(blocks, layout.height), _left(blocks, layout.width)
    if min(height, width) == 0:
        least = next(size for size in count(1) if _left(blocks, size))
        raise ValueError(
            message(
                "The images are too small for the net's pooling",
                expected=f"images of {least} x {least} pixels or more",
                got=f"images of {layout.height} x {layout.width}",
                todo="Give it fewer blocks (channels), pool=None for some, or pool='stride'",
            )
        )
    return height, width


def _left(blocks: Sequence[Block], size: int) -> int:
    for block in blocks:
        size = pooled_size(block.pool, size)
    return size
