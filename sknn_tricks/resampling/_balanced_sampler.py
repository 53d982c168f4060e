"""Classes brought closer together, with as many rows in all as before."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sknn_tricks._sklearn_private import Interval
from sknn_tricks.resampling._draw import of_counts
from sknn_tricks.resampling._row_sampler import RowSampler
from sknn_tricks.resampling._rows import Rows
from sknn_tricks.resampling._targets import class_labels


class BalancedSampler(RowSampler):
    """Bring the classes closer together while the number of rows stays.

    The large classes lose rows and the small ones get some again, so that an epoch is as long as
    without it, and settings such as the number of epochs mean the same.

    Parameters
    ----------
    ratio : float, default=1.0
        The smallest class as a share of the largest, at least; above 0. At 1 all classes have the
        same number of rows. Data that are as balanced already stay as they are.
    random_state : int, RandomState or None, default=None
        Which rows are drawn.

    Attributes
    ----------
    sample_indices_ : ndarray of int, shape (N,)
        The row that each one is, ascending.
    sampling_strategy_ : dict
        Number of rows of each class afterwards, by label.
    n_features_in_ : int
        Length of the second axis of X.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a table that has them.

    See Also
    --------
    RandomOverSampler, RandomUnderSampler : Change the number of rows.
    Resampled : Makes it part of an estimator.

    Notes
    -----
    A class of n rows gets ``min(max(n, ratio * h), h)``, where the largest size h is the one for
    which these sum to N, whole numbers by the largest remainders. So classes between ``ratio * h``
    and h keep all their rows, once each. A class that loses rows is drawn from without
    replacement; in one that grows, each row is there as often as any other, give or take one.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.resampling import BalancedSampler
    >>> y = np.repeat([0, 1, 2], [70, 20, 10])
    >>> X = np.arange(100).reshape(-1, 1)
    >>> for ratio in (1.0, 0.5, 0.1):
    ...     print(ratio, np.bincount(BalancedSampler(ratio).fit_resample(X, y)[1]))
    1.0 [34 33 33]
    0.5 [50 25 25]
    0.1 [70 20 10]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "ratio": [Interval(Real, 0, 1, closed="right")],
        "random_state": ["random_state"],
    }

    def __init__(self, ratio: float = 1.0, *, random_state: Any = None) -> None:
        self.ratio = ratio
        self.random_state = random_state

    def _choose(self, X: Any, y: Any) -> tuple[Rows, dict[str, Any]]:
        labels = class_labels(y, type(self).__name__)
        classes, sizes = np.unique(labels, return_counts=True)
        counts = dict(zip(classes, balanced(sizes, self.ratio).tolist(), strict=True))
        rows = of_counts(labels, counts, check_random_state(self.random_state))
        return rows, {"sampling_strategy_": counts}


def balanced(sizes: NDArray[np.int64], ratio: float) -> NDArray[np.int64]:
    """Return sizes of the same sum, none below the ratio times the largest (but for rounding).

    Examples
    --------
    >>> balanced(np.array([900, 60, 40]), 0.2)
    array([714, 143, 143])
    """

    def of_largest(largest: float) -> NDArray[np.float64]:
        return np.clip(sizes, ratio * largest, largest)

    # The sum grows with the largest size, along straight lines from corner to corner.
    corners = np.unique(np.concatenate([sizes, sizes / ratio]))
    corners = corners[corners <= sizes.max()]
    sums = [of_largest(corner).sum() for corner in corners]
    wanted = of_largest(float(np.interp(sizes.sum(), sums, corners)))
    return _rounded(wanted, int(sizes.sum()))


def _rounded(wanted: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Round to whole numbers of the given sum, up where the remainder is largest."""
    whole = np.floor(wanted).astype(np.int64)
    # Sizes may differ from whole numbers in their last bits, which must not decide.
    remainders = np.round(wanted - whole, 6)
    whole[np.argsort(-remainders, kind="stable")[: total - whole.sum()]] += 1
    return whole
