"""From moments to a covariance, shrunk where there are few rows for so many features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sknn_tricks._messages import lookup, message
from sknn_tricks.preprocessing.whitening._moments import Array, Moments


def covariance_of(moments: Moments) -> Array:
    """Return the covariance (divisor rows - 1), exactly zero for features that do not vary.

    Parameters
    ----------
    moments : Moments
        Of at least two rows.

    Returns
    -------
    ndarray of shape (D, D)

    Raises
    ------
    ValueError
        If no feature varies by more than rounding.
    """
    covariance = moments.scatter / (moments.n_rows - 1)
    constant = np.diag(covariance) <= np.square(moments.resolution * moments.mean)
    if constant.all():
        raise ValueError(
            message(
                "X does not vary",
                expected="at least one feature that is not constant",
                got=f"none among {len(moments.mean)}",
                todo="Check the data, or leave the Whitener out",
            )
        )
    covariance[constant] = covariance[:, constant] = 0
    return covariance


def shrinkage_of(
    shrinkage: str | float | None, matrix: Array, moments: Moments, scale: Array
) -> float:
    """Return how much of the identity a covariance matrix should get.

    Parameters
    ----------
    shrinkage : {"oas", "ledoit_wolf"}, float or None
        The rule, or the amount itself.
    matrix : ndarray of shape (D, D)
        Covariance of the features times `scale`.
    moments : Moments
        Of the features as they are, with fourth moments for ``"ledoit_wolf"``: those of features
        if they are scaled, else of rows.
    scale : ndarray of shape (D,)
        What the features are multiplied by. Those with zero do not count.

    Returns
    -------
    float
        0 for none, up to 1.

    Raises
    ------
    ValueError
        If there is no such rule.
    """
    if not isinstance(shrinkage, str):
        return 0.0 if shrinkage is None else float(shrinkage)
    rule = lookup(shrinkage, RULES, "shrinkage")
    counted = int(np.count_nonzero(scale))
    # A single feature's variance is its mean variance already.
    return 0.0 if counted == 1 else rule(matrix, counted, moments, scale)


def shrink(matrix: Array, amount: float, scale: Array) -> Array:
    """Mix a covariance matrix with the identity, times the mean variance of what counts.

    Returns
    -------
    ndarray of shape (D, D)
    """
    counted = scale != 0
    mixed = (1 - amount) * matrix
    mixed[counted, counted] += amount * np.trace(matrix) / np.count_nonzero(counted)
    return mixed


def _oas(matrix: Array, n_features: int, moments: Moments, _scale: Array) -> float:
    """Oracle approximating shrinkage (Chen, Wiesel, Eldar and Hero 2010, eq. 23 for many D)."""
    unit = matrix * (n_features / np.trace(matrix))
    mean_square = np.square(unit).sum() / n_features**2
    spread = (moments.n_rows + 1) * (mean_square - 1 / n_features)
    return 1.0 if spread <= 0 else float(min((mean_square + 1) / spread, 1))


def _ledoit_wolf(matrix: Array, n_features: int, moments: Moments, scale: Array) -> float:
    """Well-conditioned estimator of Ledoit and Wolf (2004): error of the covariance / its spread.

    With divisor rows, as there.
    """
    n_rows = moments.n_rows
    size = np.trace(matrix) / n_features * (n_rows - 1) / n_rows
    square = np.square(matrix * ((n_rows - 1) / n_rows / size)).sum()
    spread = (square - n_features) / n_features
    rows = _mean_fourth_power(moments, scale / np.sqrt(size))
    error = (rows - square) / (n_rows * n_features)
    return 0.0 if error <= 0 or spread <= 0 else float(min(error / spread, 1))


def _mean_fourth_power(moments: Moments, scale: Array) -> float:
    """Return the mean of |c|^4 over the centred, scaled rows c."""
    assert moments.fourth is not None
    fourth = moments.fourth.fourth
    # Whole rows are summed up only if all features have one scale.
    square = np.square(scale[: len(fourth)])
    return float(square @ fourth @ square) / moments.n_rows


RULES: dict[str, Callable[[Array, int, Moments, Array], float]] = {
    "ledoit_wolf": _ledoit_wolf,
    "oas": _oas,
}
