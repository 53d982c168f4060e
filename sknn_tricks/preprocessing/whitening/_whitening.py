"""From moments to the matrix that whitens, for each method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.preprocessing.whitening._covariance import covariance_of, shrink, shrinkage_of
from sknn_tricks.preprocessing.whitening._moments import FLOAT64_EPS, Array, Moments


class Settings(NamedTuple):
    """What the user asked for; see `Whitener`."""

    method: str
    n_components: int | float | None
    eps: float | None
    shrinkage: str | float | None

    @property
    def fourth(self) -> str | None:
        """Which fourth moments the shrinkage asks for; see `Moments.of`."""
        if self.shrinkage != "ledoit_wolf":
            return None
        return "features" if METHODS[self.method].standardised else "rows"


class Method(NamedTuple):
    """A way to whiten.

    Parameters
    ----------
    rotate : callable
        From directions (n, D) and their standard deviations (n,) to the matrix (D, n_outputs)
        that whitens, and the way back (n_outputs, D).
    standardised : bool
        Whether the features are given variance one first.
    keeps_features : bool
        Whether there is one output for each feature.
    """

    rotate: Callable[[Array, Array], tuple[Array, Array]]
    standardised: bool
    keeps_features: bool


@dataclass(frozen=True)
class Whitening:
    """What was learned; see the attributes of `Whitener`."""

    mean: Array
    components: Array
    variance: Array
    ratio: Array
    shrinkage: float
    forward: Array
    back: Array
    lost: NDArray[np.bool_]
    keeps_features: bool


def solve(moments: Moments, settings: Settings) -> Whitening:
    """Decompose the covariance, and choose the directions to keep.

    Parameters
    ----------
    moments : Moments
        Of at least two rows.
    settings : Settings

    Returns
    -------
    Whitening

    Raises
    ------
    ValueError
        If no feature varies.
    """
    method = METHODS[settings.method]
    covariance = covariance_of(moments)
    sd, scale = _scales(covariance, method)
    matrix = covariance * np.outer(scale, scale)
    amount = shrinkage_of(settings.shrinkage, matrix, moments, scale)
    variance, directions = _eigen(shrink(matrix, amount, scale))
    # What rounding leaves of features without variance.
    directions *= scale != 0
    ratio = variance / np.trace(matrix)
    cut = _cut(settings.eps, moments.resolution, variance)
    kept = _n_kept(settings.n_components, ratio, rank=int(np.count_nonzero(variance >= cut)))
    forward, back = method.rotate(directions[:kept], np.sqrt(variance[:kept]))
    varies = np.diag(matrix)
    return Whitening(
        mean=moments.mean,
        components=directions[:kept],
        variance=variance[:kept],
        ratio=ratio[:kept],
        shrinkage=amount,
        forward=scale[:, None] * forward,
        back=back * sd,
        lost=(varies > 0) & (varies < cut),
        keeps_features=method.keeps_features,
    )


def _pca(directions: Array, sd: Array) -> tuple[Array, Array]:
    return directions.T / sd, directions * sd[:, None]


def _zca(directions: Array, sd: Array) -> tuple[Array, Array]:
    # root @ root.T is exactly symmetric
    root, inverse_root = directions.T / np.sqrt(sd), directions.T * np.sqrt(sd)
    return root @ root.T, inverse_root @ inverse_root.T


METHODS = {
    "pca": Method(_pca, standardised=False, keeps_features=False),
    "zca": Method(_zca, standardised=False, keeps_features=True),
    "zca_cor": Method(_zca, standardised=True, keeps_features=True),
}


def _scales(covariance: Array, method: Method) -> tuple[Array, Array]:
    """Return what the features are divided by, and its inverse; zeros stay zeros."""
    if not method.standardised:
        return np.ones(len(covariance)), np.ones(len(covariance))
    sd = np.sqrt(np.diag(covariance))
    return sd, np.divide(1, sd, out=np.zeros_like(sd), where=sd > 0)


def _eigen(covariance: Array) -> tuple[Array, Array]:
    """Variances, largest first, and their directions as rows, with signs that do not vary."""
    variance, vectors = np.linalg.eigh(covariance)
    variance, directions = variance[::-1], vectors.T[::-1]
    size = np.abs(directions)
    # the first of the largest entries is made positive; rounding must not choose between equals
    first = np.argmax(size >= 0.999 * size.max(axis=1, keepdims=True), axis=1)
    return variance, directions * np.sign(directions[np.arange(len(size)), first])[:, None]


def _cut(eps: float | None, resolution: float, variance: Array) -> float:
    """Return the least variance of a direction that is kept."""
    if eps is None:
        eps = max(resolution, FLOAT64_EPS**0.5)
    return max(eps, len(variance) * FLOAT64_EPS) * variance[0]


def _n_kept(n_components: int | float | None, ratio: Array, rank: int) -> int:
    if n_components is None:
        return rank
    if isinstance(n_components, Integral):
        return min(int(n_components), rank)
    return min(int(np.searchsorted(np.cumsum(ratio), n_components)) + 1, rank)
