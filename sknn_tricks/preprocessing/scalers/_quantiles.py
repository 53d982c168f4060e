"""Quantiles of groups of numbers: exact by sorting or counting, or of a stream by a sketch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.preprocessing._arrays import Rows
from sknn_tricks.preprocessing.scalers._groups import Groups
from sknn_tricks.preprocessing.scalers._ordered import Array, Weighted, ordered
from sknn_tricks.preprocessing.scalers._sketch import Sketch, Summary, n_points
from sknn_tricks.preprocessing.scalers._statistics import Weight, is_bytes, weighted_blocks

# Numbers that are sorted or counted in one step, about.
AT_ONCE = 2**20
# A fitted scaler is pickled and copied: to go on from, it keeps a smaller summary than a stream.
LESS = 8


class Quantiles(Protocol):
    """What knows the quantiles of G groups of numbers."""

    def at(self, shares: Array) -> Array:
        """Return the quantiles of Q shares in [0, 1], (Q, G); NaN for a group without numbers."""

    def merged(self, other: Any) -> Quantiles:
        """Return what knows the quantiles of both."""


def learn_quantiles(
    rows: Rows, weight: Weight, groups: Groups, shares: Array, *, stream: bool
) -> Quantiles:
    """Read all rows.

    Parameters
    ----------
    rows : Rows
    weight : ndarray of shape (N,), or None
    groups : Groups
    shares : ndarray of shape (Q,)
        What will be asked for.
    stream : bool
        Whether there will be more rows. If not, quantiles of what is in memory are exact.
    """
    if is_bytes(rows.dtype):
        return Histogram.of(rows, weight, groups)
    if rows.in_memory and not stream:
        return Sorted.of(rows, weight, groups, shares)
    return Sketch.of(rows, weight, groups)


@dataclass(frozen=True)
class Sorted:
    """Quantiles of numbers that were all there at once, and a sketch of them to go on with.

    Parameters
    ----------
    shares : ndarray of shape (Q,)
    quantiles : ndarray of shape (Q, G)
    sketch : Sketch
    """

    shares: Array
    quantiles: Array
    sketch: Sketch

    @classmethod
    def of(cls, rows: Rows, weight: Weight, groups: Groups, shares: Array) -> Sorted:
        """Sort all numbers, some groups at a time."""
        block = rows.read(0, len(rows))
        if weight is not None and not weight.all():
            block, weight = block[weight > 0], weight[weight > 0]
        weights = None if weight is None else np.repeat(weight, groups.size)[None]
        size = n_points(groups.n_groups)
        quantiles, summaries = [], []
        for part in groups.columns(block, AT_ONCE):
            numbers = ordered(part, weights)
            quantiles.append(numbers.at(shares))
            summaries.append(Summary.of(numbers, size // LESS))
        points = np.concatenate([each.points for each in summaries])
        summary = Summary(points, np.concatenate([each.total for each in summaries]))
        n_chunks = max(len(block) * groups.size // (2 * size), 1)
        sketch = Sketch(size).with_summary(summary, n_chunks.bit_length() - 1)
        return cls(shares, np.concatenate(quantiles).T, sketch)

    def at(self, shares: Array) -> Array:
        """Return the quantiles: of the shares that were said before, they are exact."""
        return self.quantiles if np.array_equal(shares, self.shares) else self.sketch.at(shares)

    def merged(self, other: Any) -> Sketch:
        """Return a sketch of both."""
        return self.sketch.merged(other)

    def as_sketch(self) -> Sketch:
        """Return a sketch of the same numbers."""
        return self.sketch


@dataclass(frozen=True)
class Histogram:
    """Counts of the 256 numbers that a byte can be: exact quantiles in any order of rows.

    Parameters
    ----------
    lowest : int
        The first of these numbers, 0 or -128.
    counts : ndarray of shape (G, 256)
        int64, or float64 for weights.
    """

    lowest: int
    counts: NDArray[Any]

    @classmethod
    def of(cls, rows: Rows, weight: Weight, groups: Groups) -> Histogram:
        """Count all numbers."""
        lowest = -128 if rows.dtype.kind == "i" else 0
        counts = np.zeros((groups.n_groups, 256), np.int64 if weight is None else np.float64)
        # Long counts, as each costs as much as some hundred numbers; but numpy makes them int64.
        per_row = groups.size if rows.in_memory else math.prod(rows.row_shape)
        n_rows = max(AT_ONCE // per_row, 1)
        for block, block_weight in weighted_blocks(rows, weight, n_rows):
            weights = None if block_weight is None else np.repeat(block_weight, groups.size)
            start = 0
            for part in groups.columns(block, AT_ONCE):
                counts[start : start + len(part)] += _counts(part, lowest, weights)
                start += len(part)
        return cls(lowest, counts)

    def at(self, shares: Array) -> Array:
        """Return the quantiles."""
        return Weighted(self._values(), self.counts).at(shares).T

    def merged(self, other: Any) -> Quantiles:
        """Add the counts up; with what else there is, it makes a sketch."""
        if isinstance(other, Histogram) and self.lowest == other.lowest:
            return Histogram(self.lowest, self.counts + other.counts)
        return self.as_sketch().merged(other)

    def as_sketch(self) -> Sketch:
        """Return a sketch of the same numbers."""
        sketch = Sketch(n_points(len(self.counts)))
        return sketch.with_numbers(self._values(), self.counts.astype(np.float64))

    def _values(self) -> Array:
        return np.broadcast_to(self.lowest + np.arange(256.0), self.counts.shape)


def _counts(numbers: NDArray[Any], lowest: int, weights: Weight) -> NDArray[Any]:
    """Count bytes (G, M)."""
    unsigned = numbers.view(np.uint8)
    counts = np.array([np.bincount(each, weights, minlength=256) for each in unsigned])
    return np.roll(counts, 128, axis=1) if lowest else counts
