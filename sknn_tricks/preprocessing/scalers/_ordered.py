"""Numbers in ascending order, and their quantiles.

A quantile q is the smallest number that has at least a share q of the weight at or below it; the
mean of it and the next one, where the share is exactly q (the "averaged inverted cdf", type 2 of
Hyndman and Fan, 1996). So a weight of two is the same as a number given twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.int64]

# Shares of the weight that are no further apart are the same, as sums of weights have errors.
TOLERANCE = 1e-12


class Ordered(ABC):
    """Numbers of G groups, those of each in ascending order, with NaN at the end.

    Attributes
    ----------
    values : ndarray of shape (G, M)
    total : ndarray of shape (G,)
        Weight of the numbers that are not NaN.
    """

    values: NDArray[Any]
    total: Array

    def at(self, shares: Array) -> Array:
        """Return the quantiles (G, Q) of Q shares in [0, 1]; NaN for a group without numbers."""
        below, above = self._between(shares)
        low, high = self._at(below).astype(np.float64), self._at(above).astype(np.float64)
        middle = np.where(low == high, low, low / 2 + high / 2)
        return np.where(self.total[:, None] > 0, middle, np.nan)

    def below(self, shares: Array) -> NDArray[Any]:
        """Return the smallest numbers (G, Q) that reach these shares, in the type they have."""
        return self._at(self._between(shares)[0])

    @abstractmethod
    def _between(self, shares: Array) -> tuple[Places, Places]:
        """Return the places (G, Q) of the numbers on both sides of a share."""

    def _at(self, places: Places) -> NDArray[Any]:
        wide = np.broadcast_to(places, (len(self.values), places.shape[1]))
        return np.take_along_axis(self.values, wide, axis=1)


class Equal(Ordered):
    """Ordered numbers of the same weight.

    Parameters
    ----------
    values : ndarray of shape (G, M)
        In any order; they are sorted in place.
    weight : float, default=1
        Of each.
    """

    def __init__(self, values: NDArray[Any], weight: float = 1.0) -> None:
        values.sort(axis=1)
        self.values = values
        n_absent = np.zeros(len(values), np.int64)
        if values.dtype.kind == "f" and np.isnan(values[:, -1]).any():
            n_absent = np.isnan(values).sum(axis=1)
        self._n = values.shape[1] - n_absent
        self.total = weight * self._n

    def _between(self, shares: Array) -> tuple[Places, Places]:
        n = self._n[:, None]
        last = np.maximum(n - 1, 0)
        below = np.ceil(n * shares - n * TOLERANCE).astype(np.int64) - 1
        above = np.floor(n * shares + n * TOLERANCE).astype(np.int64)
        return np.clip(below, 0, last), np.clip(above, 0, last)


class Weighted(Ordered):
    """Ordered numbers and their weights.

    Parameters
    ----------
    values : ndarray of shape (G, M)
        In ascending order.
    weights : ndarray of shape (G, M)
        0 for NaN.
    """

    def __init__(self, values: NDArray[Any], weights: NDArray[Any]) -> None:
        self.values = values
        self._reached = np.cumsum(weights, axis=1)
        self.total = self._reached[:, -1]

    def _between(self, shares: Array) -> tuple[Places, Places]:
        total = self.total[:, None]
        wanted, slack = total * shares, TOLERANCE * total
        # The first and the last that have a weight.
        first, last = self._places(0 * total, "right"), self._places(total, "left")
        below = np.maximum(self._places(wanted - slack, "left"), np.minimum(first, last))
        return below, np.minimum(self._places(wanted + slack, "right"), last)

    def _places(self, wanted: Array, side: Literal["left", "right"]) -> Places:
        pairs = zip(self._reached, wanted, strict=True)
        return np.array([np.searchsorted(reached, each, side) for reached, each in pairs])


def ordered(values: NDArray[Any], weights: Array | None = None) -> Ordered:
    """Sort numbers.

    Parameters
    ----------
    values : ndarray of shape (G, M)
        With NaN for what is absent. May be sorted in place.
    weights : ndarray of shape (G, M) or (1, M), default=None
        From 0. Default is that all are 1.

    Returns
    -------
    Ordered

    Examples
    --------
    >>> ordered(np.array([[4.0, 1.0, 3.0, 2.0]])).at(np.array([0.25, 0.3, 1])).tolist()
    [[1.5, 2.0, 4.0]]
    """
    if weights is None:
        return Equal(values)
    if len(weights) == 1 and (weights == weights[0, 0]).all():
        return Equal(values, weights[0, 0])
    order = np.argsort(values, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    weights = np.take_along_axis(np.broadcast_to(weights, values.shape), order, axis=1)
    return Weighted(values, np.where(np.isnan(values), 0, weights))
