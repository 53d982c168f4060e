"""Stochastic weight averaging."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral

from sknn_tricks.averaging._checks import check, is_number


@dataclass(frozen=True)
class swa:
    """Stochastic weight averaging: the mean of the weights at the ends of the last epochs.

    With a rate that is not small, the weights go around a minimum; their mean is nearer to its
    middle, which is flatter. The running statistics of BatchNorm are computed anew for the mean
    from the training rows, when the training is over; until then their mean stands for them.
    A schedule of the learning rate that ends near 0 leaves nothing to average.

    Parameters
    ----------
    start : float in [0, 1), default=0.75
        Share of the training after which averaging begins.
    every : int, default=1
        Epochs from one of the averaged weights to the next.

    References
    ----------
    P. Izmailov, D. Podoprikhin, T. Garipov, D. Vetrov and A. G. Wilson (2018). Averaging weights
    leads to wider optima and better generalization. UAI.

    Examples
    --------
    >>> swa(start=0.75).first_epoch(80)
    61
    """

    start: float = 0.75
    every: int = 1

    def __post_init__(self) -> None:
        starts = is_number(self.start) and 0 <= self.start < 1
        check(starts, "start", self.start, "a share in [0, 1)", "start=0.75")
        counts = is_number(self.every, Integral) and self.every >= 1
        check(counts, "every", self.every, "a whole number from 1 up", "every=1")

    def first_epoch(self, n_epochs: int) -> int:
        """Return the first epoch, from 1, after which weights are averaged."""
        # Rounded: 0.7 of 10 epochs are 7, whatever floats make of it.
        return math.floor(round(self.start * n_epochs, 9)) + 1

    def takes(self, epoch: int, n_epochs: int) -> bool:
        """Whether the weights after an epoch, from 1, are averaged.

        Examples
        --------
        >>> [epoch for epoch in range(1, 11) if swa(start=0.5, every=2).takes(epoch, 10)]
        [6, 8, 10]
        """
        since = epoch - self.first_epoch(n_epochs)
        return since >= 0 and since % self.every == 0
