"""Fewer rows of the large classes."""

from __future__ import annotations

from typing import Any

from imblearn.under_sampling.base import BaseUnderSampler
from imblearn.utils import check_sampling_strategy
from sklearn.utils import check_random_state

from sknn_tricks.resampling._draw import of_counts
from sknn_tricks.resampling._row_sampler import RowSampler
from sknn_tricks.resampling._rows import Rows
from sknn_tricks.resampling._targets import class_labels


class RandomUnderSampler(RowSampler, BaseUnderSampler):
    """Leave out rows of the large classes until there are as few as of the smallest.

    In place of imbalanced-learn's class of this name, for data that it refuses or copies: images,
    tensors, rows on the disk. Only row numbers are drawn, without replacement, and X is indexed
    once. The rows that are left stay in their order.

    Parameters
    ----------
    sampling_strategy : str, float, dict or callable, default="auto"
        Which classes lose rows, and how many; of imbalanced-learn's meaning. ``"auto"`` or
        ``"not minority"``: all but the smallest; ``"majority"``: the largest only; ``"not
        majority"``, ``"all"``. All these come to the size of the smallest. A float, for two
        classes: the size of the smaller as a share of the larger. A dict: the number of rows that
        a class shall have, by label; a callable returns such a dict for y.
    random_state : int, RandomState or None, default=None
        Which rows are drawn.

    Attributes
    ----------
    sample_indices_ : ndarray of int, shape (N_resampled,)
        The rows that are left, ascending.
    sampling_strategy_ : dict
        Number of rows left, by label.
    n_features_in_ : int
        Length of the second axis of X.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a table that has them.

    See Also
    --------
    BalancedSampler : As many rows in all as before.
    Resampled : Makes it part of an estimator.

    References
    ----------
    N. Japkowicz and S. Stephen (2002). The class imbalance problem: a systematic study.
    Intelligent Data Analysis 6(5), 429-449.

    Examples
    --------
    >>> from sknn_tricks.resampling import RandomUnderSampler
    >>> X, y = [[1.0], [2.0], [3.0], [4.0], [5.0]], ["cat", "cat", "dog", "cat", "cat"]
    >>> RandomUnderSampler(random_state=0).fit_resample(X, y)
    ([[3.0], [4.0]], ['dog', 'cat'])
    """

    def __init__(self, *, sampling_strategy: Any = "auto", random_state: Any = None) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state

    def _choose(self, X: Any, y: Any) -> tuple[Rows, dict[str, Any]]:
        labels = class_labels(y, type(self).__name__)
        counts = check_sampling_strategy(self.sampling_strategy, labels, self._sampling_type)
        rows = of_counts(labels, counts, check_random_state(self.random_state))
        return rows, {"sampling_strategy_": counts}
