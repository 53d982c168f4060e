"""What the samplers have in common that choose among the rows there are."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

from imblearn.base import BaseSampler
from sklearn.utils.validation import validate_data

from sknn_tricks._sklearn_private import check_sample_weight
from sknn_tricks.resampling._rows import Rows, check_rows, take
from sknn_tricks.resampling._targets import check_targets


class RowSampler(BaseSampler):
    """A sampler that decides by row numbers, so that it can carry any kind of data.

    imbalanced-learn's own validation makes X a finite table of numbers; here X is only indexed.
    A subclass writes `_choose`.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Choose rows, without taking them.

        Parameters
        ----------
        X, y
            As in `fit_resample`.

        Returns
        -------
        self
        """
        X = self._checked(X, y)
        return self._learn(X, *self._choose(X, y))

    def fit_resample(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[Any, ...]:
        """Choose rows and return them.

        Parameters
        ----------
        X : array-like, DataFrame, tensor, sparse matrix, memmap or OnDisk, of shape (N, ...)
            Features, which are indexed only; tables keep the names of their rows.
        y : array-like of shape (N,) or (N, O)
            Targets.
        sample_weight : array-like of shape (N,), default=None
            Row weights. They have no part in the choice: each row takes its own along.

        Returns
        -------
        X, y : of the kinds that were given
            Of rows on the disk, `AugmentedOverSampler` returns an array in memory.
        sample_weight : ndarray
            Only if weights were given.

        Raises
        ------
        ValueError
            If data or parameters are not right. The sampler is then as it was before.
        """
        X = self._checked(X, y)
        weights = None if sample_weight is None else check_sample_weight(sample_weight, X)
        rows, learned = self._choose(X, y)
        resampled = self._take(X, rows), take(y, rows)
        self._learn(X, rows, learned)
        return resampled if weights is None else (*resampled, weights[rows])

    def _checked(self, X: Any, y: Any) -> Any:
        self._validate_params()
        X = check_rows(X)
        check_targets(y, X, type(self).__name__)
        return X

    def _learn(self, X: Any, rows: Rows, learned: dict[str, Any]) -> Self:
        validate_data(self, X=X, skip_check_array=True)
        self.sample_indices_ = rows
        for name, value in learned.items():
            setattr(self, name, value)
        return self

    @abstractmethod
    def _choose(self, X: Any, y: Any) -> tuple[Rows, dict[str, Any]]:
        """Return the numbers of the rows, and the attributes to be set once nothing can fail."""

    def _fit_resample(self, X: Any, y: Any) -> None:  # of imbalanced-learn, which is not used
        raise NotImplementedError

    def _take(self, X: Any, rows: Rows) -> Any:
        return take(X, rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.sampler_tags.sample_indices = True
        return tags
