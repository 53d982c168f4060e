"""CutMix: boxes of other images in images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sknn_tricks.regularisation._mixup import draw_share


def cutmix(
    x: Tensor, target: Tensor, alpha: float, generator: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor, float]:
    """Put a box of another image of the batch into each image, for training.

    Parameters
    ----------
    x : Tensor of shape (N, C, H, W)
    target : Tensor of shape (N,) or (N, O)
        Classes, labels or numbers.
    alpha : float
        Above 0. The share of an image that stays its own is drawn from Beta(alpha, alpha), once
        for the batch; the box has the image's shape and is centred anywhere, so that a part of it
        may fall outside, and the share that stays is then larger.
    generator : numpy.random.Generator

    Returns
    -------
    mixed : Tensor of the shape of x
    target : Tensor
        As it was.
    other : Tensor of the shape of target
        Targets of the images that the boxes are from.
    share : float
        Of the pixels that stayed. The loss is
        ``share * loss(outputs, target) + (1 - share) * loss(outputs, other)``.

    Raises
    ------
    ValueError
        If `alpha` is not above 0.

    References
    ----------
    S. Yun, D. Han, S. J. Oh, S. Chun, J. Choe and Y. Yoo (2019). CutMix: regularization strategy
    to train strong classifiers with localizable features. ICCV.

    Examples
    --------
    >>> x, target = torch.tensor([[[[0, 0, 0]] * 2], [[[1, 1, 1]] * 2]]), torch.tensor([0, 1])
    >>> mixed, target, other, share = cutmix(x, target, 1.0, np.random.default_rng(1))
    >>> mixed.tolist(), round(share, 2)
    ([[[[0, 1, 1], [0, 0, 0]]], [[[1, 0, 0], [1, 1, 1]]]], 0.67)
    """
    height, width = x.shape[2:]
    box = draw_box(height, width, alpha, generator)
    order = torch.from_numpy(generator.permutation(len(x))).to(x.device)
    mixed = x.clone()
    mixed[:, :, *box] = x[order][:, :, *box]
    return mixed, target, target[order], share_left(height, width, box)


def draw_box(
    height: int, width: int, alpha: float, generator: np.random.Generator
) -> tuple[slice, slice]:
    """Draw a box: which lines, which columns."""
    side = (1 - draw_share(alpha, generator)) ** 0.5
    lines, columns = (_part(length, side, generator) for length in (height, width))
    return lines, columns


def _part(length: int, share: float, generator: np.random.Generator) -> slice:
    """Return a part of an axis, of a share of its length around a place anywhere on it."""
    size = int(share * length)
    start = int(generator.integers(length)) - size // 2
    return slice(max(start, 0), max(min(start + size, length), 0))


def share_left(height: int, width: int, box: tuple[slice, slice]) -> float:
    """Return the share of an image that is outside of a box."""
    lines, columns = box
    area = (lines.stop - lines.start) * (columns.stop - columns.start)
    return 1 - area / (height * width)
