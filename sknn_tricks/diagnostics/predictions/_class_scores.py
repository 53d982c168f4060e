"""Scores of predicted classes and of their probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc, confusion_matrix_at_thresholds

if TYPE_CHECKING:
    from pandas import DataFrame

Floats = NDArray[np.float64]
N_BINS = 15
# More rows times classes than this are not sorted together for a micro average.
MOST_MICRO = 2_000_000


@dataclass(frozen=True, eq=False)
class Curves:
    """How well a score tells one class from the rest, at each threshold.

    Parameters
    ----------
    false_positive_rate, true_positive_rate : ndarray
        Of the ROC curve, from (0, 0) to (1, 1).
    precision, recall : ndarray
        Of the precision-recall curve, from full recall to none.
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    precision: Floats
    recall: Floats

    @property
    def roc_auc(self) -> float:
        """Area under the ROC curve."""
        return float(auc(self.false_positive_rate, self.true_positive_rate))

    @property
    def average_precision(self) -> float:
        """Mean of the precision, weighted by the recall that each threshold adds."""
        return float(-np.sum(np.diff(self.recall) * self.precision[:-1]))


def find_curves(
    positive: NDArray[np.bool_], score: Floats, sample_weight: Floats | None = None
) -> Curves | None:
    """Return the curves of a class: those of scikit-learn, of one pass over the sorted rows.

    Parameters
    ----------
    positive : ndarray of shape (M,), bool
        Which rows are of the class.
    score : ndarray of shape (M,)
        Higher for rows that look more like it.
    sample_weight : ndarray of shape (M,), default=None

    Returns
    -------
    Curves or None
        None if all rows, or none, are of the class.

    Examples
    --------
    >>> import numpy as np
    >>> curves = find_curves(np.array([False, True, True]), np.array([0.1, 0.6, 0.9]))
    >>> curves.roc_auc, curves.average_precision
    (1.0, 1.0)
    """
    if positive.all() or not positive.any():
        return None
    _, false, _, true, _ = confusion_matrix_at_thresholds(
        positive, score, sample_weight=sample_weight
    )
    if not (false[-1] and true[-1]):  # rows without weight
        return None
    # Between two thresholds with the same true positives, both curves are straight.
    kept = np.ones(len(true), dtype=bool)
    kept[1:-1] = (np.diff(true[:-1]) != 0) | (np.diff(true[1:]) != 0)
    false, true = false[kept], true[kept]
    found = false + true
    precision = np.divide(true, found, out=np.zeros(len(true)), where=found != 0)
    return Curves(
        false_positive_rate=np.r_[0.0, false / false[-1]],
        true_positive_rate=np.r_[0.0, true / true[-1]],
        precision=np.r_[precision[::-1], 1.0],
        recall=np.r_[true[::-1] / true[-1], 0.0],
    )


@dataclass(frozen=True, eq=False)
class Ranked:
    """Classes or labels, each of which is told from the rest by a score.

    Parameters
    ----------
    title : str
        What they are, for a figure.
    names : tuple of str
        Of R classes.
    positive : ndarray of shape (M, R), bool
        Which rows are of each.
    score : ndarray of shape (M, R)
    curves : tuple of Curves or None
    fold : ndarray of shape (M,) or None
    sample_weight : ndarray of shape (M,) or None
    """

    title: str
    names: tuple[str, ...]
    positive: NDArray[np.bool_]
    score: Floats
    curves: tuple[Curves | None, ...]
    fold: NDArray[Any] | None
    sample_weight: Floats | None

    @cached_property
    def micro(self) -> Curves | None:
        """Curves of all decisions together; None of so many that sorting them takes long."""
        if self.score.size > MOST_MICRO:
            return None
        weight = None if self.sample_weight is None else self.sample_weight.repeat(len(self.names))
        return find_curves(self.positive.ravel(), self.score.ravel(), weight)


def find_calibration(
    confidence: Floats, right: NDArray[np.bool_], weight: Floats, n_bins: int = N_BINS
) -> DataFrame:
    """Return how often predictions are right, by how sure they are.

    Parameters
    ----------
    confidence : ndarray of shape (M,)
        Probability of the most probable class.
    right : ndarray of shape (M,), bool
        Whether that class is the true one.
    weight : ndarray of shape (M,)
    n_bins : int, default=15
        Bins of equal width between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        A line for each bin that has rows: ``low`` and ``high`` (its edges), ``confidence`` and
        ``accuracy`` (means), ``rows`` and ``share`` (of the rows, by weight).

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger (2017). On calibration of modern neural
    networks. ICML (equation 2; 15 bins, as there).

    Examples
    --------
    >>> import numpy as np
    >>> confidence, right = np.array([0.9, 0.9, 0.6]), np.array([True, False, True])
    >>> find_calibration(confidence, right, np.ones(3), n_bins=2)
       low  high  confidence  accuracy  rows  share
    0  0.5   1.0         0.8  0.666667     3    1.0
    """
    import pandas as pd

    bins = np.clip(np.ceil(confidence * n_bins).astype(np.int64) - 1, 0, n_bins - 1)
    weights = np.bincount(bins, weight, n_bins)
    kept = np.flatnonzero(weights)

    def mean(values: NDArray[Any]) -> Floats:
        return np.bincount(bins, weight * values, n_bins)[kept] / weights[kept]

    return pd.DataFrame(
        {
            "low": kept / n_bins,
            "high": (kept + 1) / n_bins,
            "confidence": mean(confidence),
            "accuracy": mean(right),
            "rows": np.bincount(bins, minlength=n_bins)[kept],
            "share": weights[kept] / weights.sum(),
        }
    )


def calibration_error(bins: DataFrame) -> float:
    """Return the expected calibration error of what `find_calibration` found."""
    return float((bins["share"] * (bins["accuracy"] - bins["confidence"]).abs()).sum())
