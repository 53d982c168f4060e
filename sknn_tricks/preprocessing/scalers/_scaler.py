"""What all scalers have in common: how they learn, and how they are applied."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sknn_tricks._messages import lookup, message
from sknn_tricks._sklearn_private import check_sample_weight
from sknn_tricks._unchanged import unchanged_on_error
from sknn_tricks.preprocessing._arrays import Rows, check_rows, output_dtype
from sknn_tricks.preprocessing.scalers._elementwise import Elementwise
from sknn_tricks.preprocessing.scalers._groups import PER, Groups, channel_axis
from sknn_tricks.preprocessing.scalers._statistics import Weight


class ScalerND(OneToOneFeatureMixin, TransformerMixin, BaseEstimator, ABC):
    """A scaler of rows of any shape.

    A subclass says what it learns of rows (`_learn`), which can be merged with what was learnt
    before, what follows for its attributes (`_settle`), and by which formula numbers are scaled
    and brought back (`_forth`, `_back`).
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "per": [str],
        "channel_axis": [Integral, None],
    }

    per: str
    channel_axis: int | None
    input_shape_: tuple[int, ...]
    n_samples_seen_: int
    _learnt: Any

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn the statistics.

        Parameters
        ----------
        X : array-like, numpy.memmap, OnDisk or Tensor of shape (N, ...)
            The data; NaN are left out. What is not in memory is read block by block.
        y : object, default=None
            Ignored.
        sample_weight : array-like of shape (N,), default=None
            Weights of the rows, from 0.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is not valid, or `X` does not hold finite numbers or NaN, in rows.
        """
        with unchanged_on_error(self):
            return self._update(X, sample_weight, first=True, stream=False)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn from more rows: after a stream of them, the statistics are those of all.

        Parameters
        ----------
        X : array-like, numpy.memmap, OnDisk or Tensor of shape (N, ...)
            The data; NaN are left out.
        y : object, default=None
            Ignored.
        sample_weight : array-like of shape (N,), default=None
            Weights of the rows, from 0.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`, or if the rows have another shape than before.
        """
        first = not hasattr(self, "_learnt")
        with unchanged_on_error(self):
            return self._update(X, sample_weight, first=first, stream=True)

    def transform(self, X: Any) -> Any:
        """Scale.

        Parameters
        ----------
        X : array-like, numpy.memmap, OnDisk or Tensor of shape (N, ...)
            The data, rows of the shape that `fit` saw. NaN remain.

        Returns
        -------
        ndarray, OnDisk or Tensor of shape (N, ...)
            float32 if float32 holds all numbers of the input's type, else float64. A tensor gives
            a tensor on its device. `OnDisk` gives `OnDisk`, whose rows are read and scaled when
            they are needed; a memmap gives an array in memory.

        Raises
        ------
        ValueError
            If the rows have another shape, or a number is infinite.
        """
        check_is_fitted(self)
        rows = check_rows(X, estimator=self, row_shape=self.input_shape_, allow_nan=True)
        return rows.map(self._forth(), rows.row_shape, output_dtype(rows.dtype))

    def inverse_transform(self, X: Any) -> Any:
        """Undo the scaling.

        Parameters
        ----------
        X : array-like, numpy.memmap, OnDisk or Tensor of shape (N, ...)
            Scaled data.

        Returns
        -------
        ndarray, OnDisk or Tensor of shape (N, ...)
            Of the kinds and types of `transform`.

        Raises
        ------
        ValueError
            If the rows have another shape, or a number is infinite.
        """
        check_is_fitted(self)
        rows = check_rows(X, row_shape=self.input_shape_, allow_nan=True)
        dtype = output_dtype(rows.dtype)
        return rows.map(self._back(dtype), rows.row_shape, dtype)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the features: those of the table, or x0_0, x0_1, ... by position.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of a table, if `fit` saw none.

        Returns
        -------
        ndarray of str objects
            One for each number of a row.
        """
        check_is_fitted(self)
        if len(self.input_shape_) == 1:
            return super().get_feature_names_out(input_features)
        places = itertools.product(*map(range, self.input_shape_))
        return np.array(["x" + "_".join(map(str, place)) for place in places], dtype=object)

    @abstractmethod
    def _learn(self, rows: Rows, weight: Weight, groups: Groups, stream: bool) -> Any:
        """Return what the rows tell, with a method ``merged``."""

    @abstractmethod
    def _settle(self, learnt: Any) -> None:
        """Set the attributes that follow from what was learnt."""

    @abstractmethod
    def _forth(self) -> Elementwise:
        """Return the formula that scales."""

    @abstractmethod
    def _back(self, dtype: np.dtype[Any]) -> Elementwise:
        """Return the formula that undoes it, for results of that type."""

    def _check_params(self) -> None:
        """Raise ValueError if a parameter is not valid."""
        self._validate_params()
        lookup(self.per, PER, "per")

    def _update(self, X: Any, sample_weight: Any, *, first: bool, stream: bool) -> Self:
        self._check_params()
        known = None if first else self.input_shape_
        rows = check_rows(X, estimator=self, reset=first, row_shape=known, allow_nan=True)
        weight = _weights(sample_weight, len(rows))
        if first:
            self.input_shape_ = rows.row_shape
            self.channel_axis_ = channel_axis(self.channel_axis, self.per, rows.shape)
            self._groups = Groups.per(self.per, self.input_shape_, self.channel_axis_)
        learnt = self._learn(rows, weight, self._groups, stream)
        self._learnt = learnt if first else self._learnt.merged(learnt)
        self.n_samples_seen_ = len(rows) + (0 if first else self.n_samples_seen_)
        with np.errstate(over="ignore", invalid="ignore"):
            self._settle(self._learnt)
            self._refuse_infinity()
        return self

    def _refuse_infinity(self) -> None:
        """Raise ValueError if a statistic is too large for float64."""
        statistics = self._back(np.dtype(np.float64)).statistics
        if any(np.isinf(each).any() for each in statistics):
            raise ValueError(
                message(
                    "The spread of X is too large for float64",
                    expected="values up to about 1e150",
                    got="larger ones",
                    todo="Divide X by a large number first",
                )
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _weights(sample_weight: Any, n_rows: int) -> Weight:
    if sample_weight is None:
        return None
    rows = np.broadcast_to(0.0, (n_rows, 1))  # all that is looked at is how many there are
    return check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
