"""Sums of rows, centred and in float64, that can be added up: what a covariance is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._messages import message
from sknn_tricks.preprocessing._arrays import Rows

Array = NDArray[np.float64]
FLOAT64_EPS = float(np.finfo(np.float64).eps)

# Sums of too large numbers are refused by who adds them up, once, as they are not finite.
_quiet = np.errstate(over="ignore", invalid="ignore")


@dataclass(frozen=True)
class FourthMoments:
    """What Ledoit and Wolf's shrinkage needs to know of the rows beyond their scatter.

    Of each centred row c, q are its G sizes: the squares of its entries (G = D), or the sum of
    these squares (G = 1).

    Parameters
    ----------
    third : ndarray of shape (G, D)
        Sum of q c' over the rows.
    fourth : ndarray of shape (G, G)
        Sum of q q' over the rows.
    """

    third: Array
    fourth: Array

    @classmethod
    def of(cls, centred: Array, per_feature: bool) -> Self:
        """Sum up centred rows (N, D)."""
        q = np.square(centred)
        if not per_feature:
            q = q.sum(axis=1, keepdims=True)
        return cls(q.T @ centred, q.T @ q)

    def shifted(self, by: Array, n_rows: int, scatter: Array) -> FourthMoments:
        """Return the moments of the rows c + `by`, where the rows c have mean zero.

        Their sizes are q + 2 p + s, where p are those of the products of `by` and c, and s those
        of `by` itself; sums of c alone are zero.

        Parameters
        ----------
        by : ndarray of shape (D,)
        n_rows : int
        scatter : ndarray of shape (D, D)
            Sum of c c' over the rows.
        """
        q, p_c = self._sizes(np.diag(scatter)), self._sizes(by[:, None] * scatter)
        s, p_p = self._sizes(np.square(by)), self._sizes((p_c * by).T).T
        third = self.third + np.outer(q, by) + 2 * p_c + n_rows * np.outer(s, by)
        q_p = self._sizes((self.third * by).T).T
        cross = 2 * q_p + np.outer(q, s)
        fourth = self.fourth + cross + cross.T + 4 * p_p + n_rows * np.outer(s, s)
        return FourthMoments(third, fourth)

    def __add__(self, other: FourthMoments) -> FourthMoments:
        return FourthMoments(self.third + other.third, self.fourth + other.fourth)

    def _sizes(self, entries: Array) -> Array:
        """Turn the first axis from features (D) to sizes (G)."""
        return entries if len(self.third) > 1 else entries.sum(axis=0, keepdims=True)


@dataclass(frozen=True)
class Moments:
    """Number, mean and scatter of rows.

    Parameters
    ----------
    n_rows : int
    mean : ndarray of shape (D,)
    scatter : ndarray of shape (D, D)
        Sum of c c' over the centred rows c.
    resolution : float
        Relative size of the rounding in the rows' numbers; the coarsest, if there are several.
    fourth : FourthMoments or None

    References
    ----------
    T. F. Chan, G. H. Golub and R. J. LeVeque (1983). Algorithms for computing the sample
    variance: analysis and recommendations. The American Statistician 37(3), 242-247.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> parts = Moments.of(X[:30]) + Moments.of(X[30:])
    >>> np.allclose(parts.scatter / 99, np.cov(X.T))
    True
    """

    n_rows: int
    mean: Array
    scatter: Array
    resolution: float
    fourth: FourthMoments | None = None

    @classmethod
    @_quiet
    def of(
        cls,
        rows: NDArray[Any],
        resolution: float = FLOAT64_EPS,
        fourth: str | None = None,
    ) -> Self:
        """Sum up rows.

        Parameters
        ----------
        rows : ndarray of shape (N, D)
            At least one.
        resolution : float
        fourth : {"rows", "features"} or None
            Whether to sum up fourth moments too, of whole rows or of each pair of features.

        Returns
        -------
        Moments
        """
        mean = rows.mean(axis=0, dtype=np.float64)
        centred = rows - mean
        # What rounding left in the mean counts where the rows are far from zero.
        rest = centred.mean(axis=0)
        centred -= rest
        of_fourth = None if fourth is None else FourthMoments.of(centred, fourth == "features")
        return cls(len(rows), mean + rest, centred.T @ centred, resolution, of_fourth)

    @_quiet
    def __add__(self, other: Moments) -> Moments:
        """Return the moments of all rows of both."""
        n_rows = self.n_rows + other.n_rows
        gap = other.mean - self.mean
        here, there = gap * (-other.n_rows / n_rows), gap * (self.n_rows / n_rows)
        scatter = np.outer(there * other.n_rows, gap)
        scatter += self.scatter
        scatter += other.scatter
        fourth = None
        if self.fourth is not None and other.fourth is not None:
            fourth = self.fourth.shifted(here, self.n_rows, self.scatter)
            fourth += other.fourth.shifted(there, other.n_rows, other.scatter)
        resolution = max(self.resolution, other.resolution)
        return Moments(n_rows, self.mean - here, scatter, resolution, fourth)

    @property
    def is_finite(self) -> bool:
        """Whether no sum has become too large."""
        sums = [self.mean, self.scatter]
        if self.fourth is not None:
            sums += [self.fourth.third, self.fourth.fourth]
        return all(bool(np.isfinite(found).all()) for found in sums)


def add_rows(rows: Rows, fourth: str | None, seen: Moments | None) -> Moments:
    """Add the moments of rows to those of the rows before, if there were any.

    Parameters
    ----------
    rows : Rows
        They are read by blocks.
    fourth : {"rows", "features"} or None
        See `Moments.of`.
    seen : Moments or None

    Returns
    -------
    Moments

    Raises
    ------
    ValueError
        If a number is not finite, or a sum is too large.
    """
    is_float = rows.dtype.kind == "f"
    resolution = float(np.finfo(rows.dtype).eps) if is_float else FLOAT64_EPS
    # A megabyte of float64, and enough rows for the matrix products to be most of the work.
    n_rows = max(1024, 2**17 // math.prod(rows.row_shape))
    for _, block in rows.blocks(n_rows=n_rows):
        found = Moments.of(block.reshape(len(block), -1), resolution, fourth)
        seen = found if seen is None else seen + found
    assert seen is not None
    if not seen.is_finite:
        raise ValueError(
            message(
                "The covariance of X is too large for float64",
                expected=f"values up to about {'1e150' if fourth is None else '1e75'}",
                got="larger ones",
                todo="Scale X first, for instance with a StandardScaler",
            )
        )
    return seen
