"""Quantiles of a stream in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.preprocessing._arrays import Rows
from sknn_tricks.preprocessing.scalers._groups import Groups
from sknn_tricks.preprocessing.scalers._ordered import Array, Ordered, ordered
from sknn_tricks.preprocessing.scalers._statistics import Weight, weighted_blocks

# Points of a summary: so many in all, divided among the groups, within these limits.
ALL_POINTS, FEWEST_POINTS, MOST_POINTS = 2**21, 128, 2048


@dataclass(frozen=True)
class Summary:
    """Some points that stand for many numbers.

    Parameters
    ----------
    points : ndarray of shape (G, m)
        Each stands for as much weight.
    total : ndarray of shape (G,)
        Weight of all numbers.
    """

    points: NDArray[Any]
    total: Array

    @classmethod
    def of(cls, numbers: Ordered, n_points: int) -> Summary:
        """Take the middle number of each of m parts of the same weight."""
        return cls(numbers.below((np.arange(n_points) + 0.5) / n_points), numbers.total)

    def weights(self) -> Array:
        """Return the weight of each point, (G, m)."""
        n_points = self.points.shape[1]
        return np.repeat(self.total[:, None] / n_points, n_points, axis=1)


@dataclass(frozen=True)
class Sketch:
    """Quantiles of a stream in little memory.

    The last numbers are kept as they are. When there are twice as many as a summary has points, m,
    they are summarised. Two summaries of equally many chunks are merged into one, so that there
    is one of each size at most, as a counter has one bit of each value. Taking a summary moves a
    rank by 1/(2m) of what it stands for at most. So after c chunks of 2m numbers the rank of a
    quantile is wrong by (1 + log2 c)/(2m) of all numbers at most; up to 2m numbers it is exact.

    Parameters
    ----------
    n_points : int
        m.
    values, weights : tuple of ndarray, default=()
        The numbers that are kept, each (G, n) with weights (G, n) or (1, n).
    summaries : tuple of (Summary or None), default=()
        Of 1, 2, 4, ... chunks.

    References
    ----------
    G. S. Manku, S. Rajagopalan and B. G. Lindsay (1998). Approximate medians and other quantiles
    in one pass and with limited memory. SIGMOD, 426-435.
    """

    n_points: int
    values: tuple[NDArray[Any], ...] = ()
    weights: tuple[Array, ...] = ()
    summaries: tuple[Summary | None, ...] = ()

    @classmethod
    def of(cls, rows: Rows, weight: Weight, groups: Groups) -> Sketch:
        """Read all rows."""
        sketch = cls(n_points(groups.n_groups))
        for block, w in weighted_blocks(rows, weight):
            values = np.concatenate(list(groups.columns(block, block.size)))
            weights = np.ones(len(block)) if w is None else w
            sketch = sketch.with_numbers(values, np.repeat(weights, groups.size)[None])
        return sketch

    def at(self, shares: Array) -> Array:
        """Return the quantiles of Q shares, (Q, G)."""
        values, weights = list(self.values), list(self.weights)
        for summary in filter(None, self.summaries):
            values.append(summary.points)
            weights.append(summary.weights())
        return ordered(np.concatenate(values, axis=1), _joined(weights)).at(shares).T

    def merged(self, other: Any) -> Sketch:
        """Return a sketch of both.

        Parameters
        ----------
        other : Sketch, or object with a method ``as_sketch``
        """
        other = other if isinstance(other, Sketch) else other.as_sketch()
        sketch = self
        for level, summary in enumerate(other.summaries):
            if summary is not None:
                sketch = sketch.with_summary(summary, level)
        for values, weights in zip(other.values, other.weights, strict=True):
            sketch = sketch.with_numbers(values, weights)
        return sketch

    def with_numbers(self, values: NDArray[Any], weights: Array) -> Sketch:
        """Return a sketch of more numbers (G, n), of weights (G, n) or (1, n)."""
        sketch, chunk = self, 2 * self.n_points
        while values.shape[1]:
            room = chunk - sum(each.shape[1] for each in sketch.values)
            if not room:
                sketch, room = sketch._summarised(), chunk
            sketch = replace(
                sketch,
                values=(*sketch.values, values[:, :room]),
                weights=(*sketch.weights, weights[:, :room]),
            )
            values, weights = values[:, room:], weights[:, room:]
        return sketch

    def with_summary(self, summary: Summary, level: int) -> Sketch:
        """Return a sketch of more numbers, which a summary of 2**level chunks stands for."""
        levels = list(self.summaries)
        levels += [None] * (level + 1 - len(levels))
        if (same := levels[level]) is None:
            levels[level] = summary
            return replace(self, summaries=tuple(levels))
        levels[level] = None
        points = np.concatenate([same.points, summary.points], axis=1)
        both = ordered(points, _joined([same.weights(), summary.weights()]))
        rest = replace(self, summaries=tuple(levels))
        return rest.with_summary(Summary.of(both, self.n_points), level + 1)

    def _summarised(self) -> Sketch:
        numbers = ordered(np.concatenate(self.values, axis=1), _joined(self.weights))
        summary = Summary.of(numbers, self.n_points)
        return replace(self, values=(), weights=()).with_summary(summary, 0)


def n_points(n_groups: int) -> int:
    """Return how many points a summary of so many groups has.

    Examples
    --------
    >>> n_points(3), n_points(3072), n_points(150_528)
    (2048, 682, 128)
    """
    return min(max(ALL_POINTS // n_groups, FEWEST_POINTS), MOST_POINTS)


def _joined(weights: Sequence[Array]) -> Array:
    """Join weights (G, n) or (1, n) along the numbers."""
    n_groups = max(len(each) for each in weights)
    wide = [np.broadcast_to(each, (n_groups, each.shape[1])) for each in weights]
    return np.concatenate(wide, axis=1)
