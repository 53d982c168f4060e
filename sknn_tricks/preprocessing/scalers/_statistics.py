"""Statistics of rows that come block by block, and can be merged: moments and extremes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.preprocessing._arrays import Rows
from sknn_tricks.preprocessing.scalers._groups import Aligned, Groups

Array = NDArray[np.float64]
Weight = NDArray[np.float64] | None

# Sums over a tile of bytes are exact in float32: 256 * 255 ** 2 < 2 ** 24.
TILE_ROWS, TILE_COLUMNS = 256, 1024


@dataclass(frozen=True)
class Moments:
    """Mean and scatter of each group of numbers, NaN left out.

    Parameters
    ----------
    count : ndarray of float64, shape (...)
        Numbers, or the sum of their weights.
    mean : ndarray of float64, shape (...)
        0 where there are none.
    scatter : ndarray of float64, shape (...)
        Sum of the squared distances to the mean.

    References
    ----------
    T. F. Chan, G. H. Golub and R. J. LeVeque (1983). Algorithms for computing the sample
    variance: analysis and recommendations. The American Statistician 37(3), 242-247.
    """

    count: Array
    mean: Array
    scatter: Array

    @classmethod
    def of(cls, rows: Rows, weight: Weight, groups: Groups) -> Moments:
        """Read all rows.

        Integers of 8 bits are added up exactly; all else in float64, each block around its mean.
        """
        if weight is None and is_bytes(rows.dtype):
            return cls._of_bytes(rows, groups)
        zeros = np.zeros(groups.shape)
        moments = cls(zeros, zeros, zeros)
        for block, block_weight in weighted_blocks(rows, weight):
            moments = moments.merged(_of_block(block, block_weight, groups))
        return moments

    @classmethod
    def _of_bytes(cls, rows: Rows, groups: Groups) -> Moments:
        sums, squares = (groups.total(each) for each in _byte_sums(rows))
        count = len(rows) * groups.size
        near = np.rint(sums / count).astype(np.int64)
        off = sums - near * count
        scatter = squares - 2 * near * sums + near**2 * count  # around `near`; still exact
        mean = near + off / count
        return cls(np.full(groups.shape, float(count)), mean, scatter - off * (off / count))

    def merged(self, other: Moments) -> Moments:
        """Return the moments of both."""
        count = self.count + other.count
        with np.errstate(invalid="ignore", over="ignore"):
            share = np.divide(other.count, count, out=np.zeros_like(count), where=count > 0)
            apart = other.mean - self.mean
            scatter = self.scatter + other.scatter + apart**2 * self.count * share
            return Moments(count, self.mean + apart * share, scatter)

    @property
    def variance(self) -> Array:
        """Mean squared distance to the mean; NaN where there are no numbers."""
        scatter = np.nan_to_num(self.scatter, nan=np.inf, posinf=np.inf)  # inf - inf, in between
        return np.divide(scatter, self.count, out=_nans(self.count), where=self.count > 0)

    @property
    def known_mean(self) -> Array:
        """The mean; NaN where there are no numbers."""
        return np.where(self.count > 0, self.mean, np.nan)

    @property
    def is_constant(self) -> NDArray[np.bool_]:
        """Whether there is no variance beyond what rounding leaves."""
        error = self.count * np.finfo(np.float64).eps
        with np.errstate(over="ignore", invalid="ignore"):
            bound = error * self.variance + np.square(error * self.mean)
        return self.variance <= bound


@dataclass(frozen=True)
class Extremes:
    """Smallest and largest number of each group, NaN where there are none.

    Parameters
    ----------
    lowest, highest : ndarray of float64, shape (...)
    """

    lowest: Array
    highest: Array

    @classmethod
    def of(cls, rows: Rows, weight: Weight, groups: Groups) -> Extremes:
        """Read all rows; those of weight 0 do not count."""
        nans = _nans(np.empty(groups.shape))
        extremes = cls(nans, nans)
        for block, _ in weighted_blocks(rows, weight):
            extremes = extremes.merged(_extremes(block, groups))
        return extremes

    def merged(self, other: Extremes) -> Extremes:
        """Return the extremes of both."""
        lowest = np.fmin(self.lowest, other.lowest)
        return Extremes(lowest, np.fmax(self.highest, other.highest))

    @property
    def is_constant(self) -> NDArray[np.bool_]:
        """Whether they are the same, but for some rounding."""
        largest = np.maximum(np.abs(self.lowest), np.abs(self.highest))
        return self.highest - self.lowest <= 10 * np.finfo(np.float64).eps * largest


def is_bytes(dtype: np.dtype[Any]) -> bool:
    """Whether there are no more than 256 numbers of a type, all of them integers."""
    return dtype.kind in "biu" and dtype.itemsize == 1


def weighted_blocks(
    rows: Rows, weight: Weight, n_rows: int | None = None
) -> Iterator[tuple[NDArray[Any], Weight]]:
    """Read rows that have a weight above 0, some at a time, and their weights."""
    for part, block in rows.blocks(n_rows=n_rows):
        if weight is None:
            yield block, None
            continue
        counts = weight[part] > 0
        if counts.all():
            yield block, weight[part]
        elif counts.any():
            yield block[counts], weight[part][counts]


def _byte_sums(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return sum and sum of squares of each number of a row, (D,)."""
    n_features = int(np.prod(rows.row_shape))
    sums, squares = np.zeros((2, n_features), np.int64)
    ones = np.ones(TILE_ROWS, np.float32)
    for _, block in rows.blocks(n_rows=TILE_ROWS):
        flat, ones = block.reshape(len(block), -1), ones[: len(block)]
        for start in range(0, n_features, TILE_COLUMNS):
            columns = slice(start, start + TILE_COLUMNS)
            tile = flat[:, columns].astype(np.float32)
            sums[columns] += (ones @ tile).astype(np.int64)
            np.square(tile, out=tile)
            squares[columns] += (ones @ tile).astype(np.int64)
    return sums, squares


def _of_block(block: NDArray[Any], weight: Weight, groups: Groups) -> Moments:
    weight = np.ones(len(block)) if weight is None else weight
    with np.errstate(invalid="ignore", over="ignore"):
        found = _around_mean(_flat(block), weight, groups)
        return found or _without_nan(_flat(block), weight, groups)


def _flat(block: NDArray[Any]) -> Array:
    return np.array(block, np.float64, order="C").reshape(len(block), -1)


def _around_mean(x: Array, weight: Array, groups: Groups) -> Moments | None:
    """Return the moments in two passes over x (n, D), which is changed; None if it has NaN."""
    kept = tuple(slice(None) if n > 1 else slice(1) for n in groups.shape)
    first = x[0].reshape(groups.row_shape)[kept].copy()
    count = np.full(groups.shape, weight.sum() * groups.size)
    # Equal numbers minus the first of them are exactly zero.
    _subtract(x, first, groups)
    off = groups.total(weight @ x) / count
    if np.isnan(off).any():
        return None
    _subtract(x, off, groups)
    return Moments(count, first + off, groups.total(weight @ np.square(x, out=x)))


def _without_nan(x: Array, weight: Array, groups: Groups) -> Moments:
    absent = np.isnan(x)
    count = groups.total(weight @ (~absent).astype(np.float64))
    safe = np.where(count > 0, count, 1.0)
    first = np.nan_to_num(groups.reduce(np.fmin, np.fmin.reduce(x, axis=0)))
    _subtract(x, first, groups)
    x[absent] = 0
    off = groups.total(weight @ x) / safe
    _subtract(x, off, groups)
    x[absent] = 0
    return Moments(count, first + off, groups.total(weight @ np.square(x, out=x)))


def _subtract(x: Array, statistics: Array, groups: Groups) -> None:
    for view, [wide] in Aligned([statistics], groups.row_shape).views(x):
        view -= wide


def _extremes(block: NDArray[Any], groups: Groups) -> Extremes:
    flat = block.reshape(len(block), -1)
    lowest, highest = flat.min(axis=0), flat.max(axis=0)
    if lowest.dtype.kind == "f" and np.isnan(lowest).any():
        lowest, highest = np.fmin.reduce(flat, axis=0), np.fmax.reduce(flat, axis=0)
    return Extremes(
        groups.reduce(np.fmin, lowest.astype(np.float64)),
        groups.reduce(np.fmax, highest.astype(np.float64)),
    )


def _nans(like: Array) -> Array:
    return np.full(like.shape, np.nan)
