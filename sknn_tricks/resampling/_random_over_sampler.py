"""More rows of the small classes: rows drawn again."""

from __future__ import annotations

from typing import Any

from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy
from sklearn.utils import check_random_state

from sknn_tricks.resampling._draw import over_sampled
from sknn_tricks.resampling._row_sampler import RowSampler
from sknn_tricks.resampling._rows import Rows
from sknn_tricks.resampling._targets import class_labels


class RandomOverSampler(RowSampler, BaseOverSampler):
    """Repeat rows of the small classes until there are as many as of the largest.

    In place of imbalanced-learn's class of this name, for data that it refuses or copies: images,
    tensors, rows on the disk. Only row numbers are drawn, and X is indexed once. A row is repeated
    as often as any other of its class, give or take one; a draw with replacement, as there, would
    weight rows at random.

    Parameters
    ----------
    sampling_strategy : str, float, dict or callable, default="auto"
        Which classes get rows, and how many; of imbalanced-learn's meaning. ``"auto"`` or
        ``"not majority"``: all but the largest; ``"minority"``: the smallest only; ``"not
        minority"``, ``"all"``. All these come to the size of the largest. A float, for two
        classes: the size of the smaller as a share of the larger. A dict: the number of rows that
        a class shall have, by label; a callable returns such a dict for y.
    random_state : int, RandomState or None, default=None
        Which rows are drawn.

    Attributes
    ----------
    sample_indices_ : ndarray of int, shape (N_resampled,)
        The row that each one is: all in their order, then those drawn again.
    sampling_strategy_ : dict
        Number of rows added, by label.
    n_features_in_ : int
        Length of the second axis of X.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a table that has them.

    See Also
    --------
    BalancedSampler : As many rows in all as before.
    AugmentedOverSampler : Changes the added rows.
    Resampled : Makes it part of an estimator.

    References
    ----------
    N. Japkowicz and S. Stephen (2002). The class imbalance problem: a systematic study.
    Intelligent Data Analysis 6(5), 429-449.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.resampling import RandomOverSampler
    >>> images, y = np.zeros((5, 3, 8, 8)), np.array(["cat", "cat", "cat", "cat", "dog"])
    >>> images, y = RandomOverSampler(random_state=0).fit_resample(images, y)
    >>> images.shape, y.tolist().count("dog")
    ((8, 3, 8, 8), 4)
    """

    def __init__(self, *, sampling_strategy: Any = "auto", random_state: Any = None) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state

    def _choose(self, X: Any, y: Any) -> tuple[Rows, dict[str, Any]]:
        labels = class_labels(y, type(self).__name__)
        n_new = check_sampling_strategy(self.sampling_strategy, labels, self._sampling_type)
        rows = over_sampled(labels, n_new, check_random_state(self.random_state))
        return rows, {"sampling_strategy_": n_new}
