"""How well a linear model does on features, left-one-out: a measure of what they are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Penalties that are tried, in units of the mean variance of the data along a direction.
PENALTIES = np.logspace(-4, 2, 13)


def linear_score(features: ArrayLike, targets: ArrayLike, *, classes: bool) -> float:
    """Return the leave-one-out score of ridge regression on features.

    Each row is predicted by a ridge regression of the others, of the one penalty that has the
    least squared error so; that is known in closed form from one decomposition of the features
    [1]_ [2]_. Classes are regressed as indicators, and the largest decides.

    Parameters
    ----------
    features : array-like of shape (N, D)
    targets : array-like of shape (N,) or (N, O)
        Classes, or numbers.
    classes : bool
        Whether they are classes.

    Returns
    -------
    float
        Accuracy, or R^2 as a mean over the targets.

    References
    ----------
    .. [1] D. Allen, "The relationship between variable selection and data augmentation and a method
       for prediction", Technometrics 16, 1974 (PRESS).
    .. [2] R. Rifkin, R. Lippert, "Notes on regularized least squares", MIT 2007.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> round(linear_score(X, y, classes=True), 2)
    0.82
    """
    known = np.asarray(targets)
    if classes:
        labels, codes = np.unique(known, return_inverse=True)
        wanted = np.eye(len(labels))[codes]
    else:
        wanted = known.reshape(len(known), -1).astype(np.float64)
    predicted = ridge(np.asarray(features, dtype=np.float64), wanted).left_out
    if classes:
        return float((predicted.argmax(axis=1) == codes).mean())
    error = ((predicted - wanted) ** 2).sum(axis=0)
    spread = ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=0)
    return float(1 - (error / np.where(spread > 0, spread, 1)).mean())


@dataclass(frozen=True)
class Ridge:
    """A ridge regression.

    Parameters
    ----------
    weights : ndarray of shape (O, D)
    bias : ndarray of shape (O,)
    left_out : ndarray of shape (N, O)
        What each row is predicted to be by a regression of the others.
    """

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    left_out: NDArray[np.float64]


def ridge(
    features: NDArray[np.float64],
    wanted: NDArray[np.float64],
    weight: NDArray[np.float64] | None = None,
) -> Ridge:
    """Return the ridge regression with the penalty of the least leave-one-out error.

    Parameters
    ----------
    features : ndarray of shape (N, D)
    wanted : ndarray of shape (N, O)
    weight : ndarray of shape (N,), default=None
        Of the rows, above 0: what each one's squared error counts.
    """
    weight = np.ones(len(features)) if weight is None else weight / weight.mean()
    n, (mean, scale) = len(features), moments(features, weight)
    root = np.sqrt(weight)[:, None]
    centre = np.average(wanted, axis=0, weights=weight)
    scaled, centred = root * (features - mean) / scale, root * (wanted - centre)
    # Of the products of rows, whose number is that of the equations.
    values, vectors = np.linalg.eigh(scaled @ scaled.T)
    values = values.clip(0)
    along = vectors.T @ centred
    tried = []
    for penalty in PENALTIES * max(values.sum() / n, 1e-12):
        share = values / (values + penalty)
        leverage = (vectors**2 @ share + weight / n).clip(max=1 - 1e-9)[:, None]
        residuals = (centred - vectors @ (share[:, None] * along)) / (1 - leverage)
        tried.append(((residuals**2).sum(), penalty, residuals))
    _, penalty, residuals = min(tried, key=lambda each: each[0])
    weights = (vectors @ (along / (values + penalty)[:, None])).T @ scaled / scale
    return Ridge(weights, centre - weights @ mean, wanted - residuals / root)


def moments(
    features: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the standard deviation of each feature, 1 of those that are constant."""
    mean = np.average(features, axis=0, weights=weight)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weight))
    return mean, np.where(scale > 1e-9, scale, 1.0)
