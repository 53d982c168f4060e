"""Probabilities of a classifier that was trained on other shares of the classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from sknn_tricks.resampling._rows import to_numpy
from sknn_tricks.resampling._training import Training

Array = NDArray[np.float64]


def log_proba(estimator: Any, X: Any) -> Array:
    """Return the log of the probabilities of a classifier, its own where it has that.

    Parameters
    ----------
    estimator : fitted classifier with ``predict_proba``
    X : data of shape (N, ...)

    Returns
    -------
    ndarray of shape (N, O)
    """
    if hasattr(estimator, "predict_log_proba"):
        return estimator.predict_log_proba(X)
    with np.errstate(divide="ignore"):
        return np.log(estimator.predict_proba(X))


def log_shift(before: Training, after: Training, classes: NDArray[Any]) -> Array:
    """Return the log of the share of each class before, less that after resampling.

    Parameters
    ----------
    before, after : Training
        Shares are those of the weights.
    classes : ndarray of shape (O,)
        All labels.

    Returns
    -------
    ndarray of shape (O,)
        -inf for a class without weight.
    """
    shares = _shares(before, classes), _shares(after, classes)
    with np.errstate(divide="ignore"):
        before_, after_ = np.log(shares)
    return before_ - np.where(shares[0] > 0, after_, 0)


def _shares(rows: Training, classes: NDArray[Any]) -> Array:
    labels = to_numpy(rows.y).ravel()
    weights = np.ones(len(labels)) if rows.weights is None else rows.weights
    sums = np.array([weights[labels == label].sum() for label in classes])
    return sums / sums.sum()


def shifted(log_proba: Array, log_shift: Array) -> Array:
    """Return log p for p proportional to p times the exponential of a shift.

    Parameters
    ----------
    log_proba : ndarray of shape (N, O)
    log_shift : ndarray of shape (O,)

    Returns
    -------
    ndarray of shape (N, O)

    Examples
    --------
    >>> np.exp(shifted(np.log([[0.5, 0.5]]), np.log([9, 1]))).round(3)
    array([[0.9, 0.1]])
    """
    joint = log_proba + log_shift
    return joint - logsumexp(joint, axis=1, keepdims=True)
