"""Fractional max-pooling."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sknn_tricks._messages import message
from sknn_tricks.nets._seeded import LEVELS, Seeded


class FractionalMaxPool(Seeded):
    """Max-pooling that makes images smaller by less than half, over regions that are random.

    Where pooling of 2 x 2 halves height and width, this divides them by `ratio`, so that a net
    can pool more often. Regions overlap by one row and one column of pixels; their edges are
    ``floor(alpha (i + u))`` for ``alpha = (H - 1) / H'`` and a random u in [0, 1), drawn in each
    step of training for the height and for the width, for all rows and channels of the batch.
    In evaluation u is 1/2. torch's global random state is neither read nor changed once `seed_`
    was called.

    Parameters
    ----------
    ratio : float, default=sqrt(2)
        By how much height and width get smaller, above 1 and at most 2; what is left is rounded
        down, but at least one pixel.

    Raises
    ------
    ValueError
        If `ratio` is out of range.

    References
    ----------
    .. [1] B. Graham, "Fractional max-pooling", 2014: the pseudorandom, overlapping kind. He
       averages several predictions, each with random regions; here the regions of prediction are
       fixed.

    Examples
    --------
    >>> pool = FractionalMaxPool().seed_(0)
    >>> pool(torch.zeros(1, 3, 28, 20)).shape
    torch.Size([1, 3, 19, 14])
    >>> pool.eval()(torch.arange(8.0).view(1, 1, 1, 8))
    tensor([[[[2., 3., 4., 6., 7.]]]])
    """

    def __init__(self, ratio: float = 2**0.5) -> None:
        super().__init__()
        if not 1 < ratio <= 2:
            raise ValueError(
                message(
                    "ratio is no fraction to pool by",
                    expected="a number above 1 and at most 2",
                    got=f"ratio={ratio!r}",
                    todo="Try ratio=2 ** 0.5, of which two poolings halve an image",
                )
            )
        self.ratio = ratio

    def pooled(self, size: int) -> int:
        """Return the height or width that is left of one."""
        return max(int(size / self.ratio), 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, H', W')."""
        starts = [LEVELS // 2] * 2  # the middle
        if self.training:
            starts = [int(each) + LEVELS // 2 for each in self._bits(1, 2, x).flatten().tolist()]
        for axis, start in zip((2, 3), starts, strict=True):
            if (size := x.shape[axis]) > 1:
                x = _pool(x, axis, edges(size, self.pooled(size), start))
        return x

    def extra_repr(self) -> str:
        """Return the ratio."""
        return f"ratio={self.ratio:.4g}"


def edges(size: int, n_regions: int, start: int) -> list[int]:
    """Return the first pixel of each region, and the last one of the last.

    A region's last pixel is the first one of the next.

    Parameters
    ----------
    size : int
        Pixels.
    n_regions : int
    start : int
        A random number from 0 to 2^16 - 1: u times 2^16.

    Returns
    -------
    list of int, of length n_regions + 1
        From 0 to size - 1.

    Examples
    --------
    >>> edges(8, 5, 0), edges(8, 5, 2**15)
    ([0, 1, 2, 4, 5, 7], [0, 2, 3, 4, 6, 7])
    """
    # In whole numbers: rounding must not move the last edge.
    floors = [
        (size - 1) * (i * LEVELS + start) // (n_regions * LEVELS) for i in range(n_regions + 1)
    ]
    return [each - floors[0] for each in floors]


def _pool(x: Tensor, axis: int, edges: list[int]) -> Tensor:
    """Take the maximum of each region; as regions are 2 or 3 pixels, of three of them."""
    index = [i for first, last in pairwise(edges) for i in (first, first + 1, last)]
    spread = _Spread.apply(x.movedim(1, 3), torch.tensor(index, device=x.device), axis - 1)
    return functional.max_pool2d(spread.movedim(3, 1), (3, 1) if axis == 2 else (1, 3))


class _Spread(torch.autograd.Function):
    """Pick along an axis of (N, H, W, C), some places more than once.

    The gradient of ``index_select`` sums up place by place; as a product with a matrix of ones
    and zeros that is five times as fast.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, axis: int) -> Tensor:
        ctx.save_for_backward(index)
        ctx.axis, ctx.size = axis, x.shape[axis]
        return x.index_select(axis, index)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (index,), (grad,) = ctx.saved_tensors, grads
        picks = grad.new_zeros(ctx.size, len(index)).scatter_(0, index[None], 1.0)
        if ctx.axis == 2:
            return picks @ grad, None, None
        return (picks @ grad.flatten(2)).unflatten(2, grad.shape[2:]), None, None
