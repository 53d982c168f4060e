"""Synthetic rows of the small classes, between the rows there are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse
import torch
from imblearn.over_sampling import ADASYN, SMOTE, SVMSMOTE, BorderlineSMOTE
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from sknn_tricks._messages import lookup, message
from sknn_tricks._sklearn_private import Interval
from sknn_tricks.resampling._rows import check_rows, flat, is_table, take
from sknn_tricks.resampling._targets import Labels, check_targets, class_labels

# Neighbours by which a row is found to be at the border; imbalanced-learn's default.
M_NEIGHBORS = 10


def _smote(k: int, m: int, **settings: Any) -> Any:
    return SMOTE(k_neighbors=k, **settings)


def _borderline(k: int, m: int, **settings: Any) -> Any:
    return BorderlineSMOTE(k_neighbors=k, m_neighbors=m, **settings)


def _svm(k: int, m: int, **settings: Any) -> Any:
    return SVMSMOTE(k_neighbors=k, m_neighbors=m, **settings)


def _adasyn(k: int, m: int, **settings: Any) -> Any:
    return ADASYN(n_neighbors=k, **settings)


KINDS = {"adasyn": _adasyn, "borderline": _borderline, "smote": _smote, "svm": _svm}


class AutoSMOTE(BaseOverSampler):
    """Make synthetic rows of the small classes, on the lines between neighbours.

    imbalanced-learn does it. This adds what a search over folds needs: the number of neighbours
    fits the smallest class, and X may have any number of axes. Scale the features first, as
    distances decide; put it between a scaler and a net with `Resampled`.

    Parameters
    ----------
    kind : {"smote", "borderline", "svm", "adasyn"}, default="smote"
        Where the rows are made. ``"smote"``: between any rows of the class. ``"borderline"``:
        from rows with many neighbours of other classes. ``"svm"``: from the support vectors of
        an SVM. ``"adasyn"``: from all, but more of them where other classes are near; the number
        of rows is met roughly.
    k_neighbors : int, default=5
        Neighbours to choose the other end of the line from. A class of n rows has n - 1; if the
        smallest class that gets rows has fewer neighbours than this, theirs is the number for all.
    sampling_strategy : str, float, dict or callable, default="auto"
        Which classes get rows, and how many; as in `RandomOverSampler`.
    random_state : int, RandomState or None, default=None
        Rows, neighbours and places on the line.

    Attributes
    ----------
    sampling_strategy_ : dict
        Number of rows to be added, by label.
    k_neighbors_ : int
        Number of neighbours in use.
    n_features_in_ : int
        Length of the second axis of X.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a table that has them.

    See Also
    --------
    AugmentedOverSampler : Makes rows in your own way. A mean of two images is no image.
    Resampled : Makes it part of an estimator.

    References
    ----------
    N. V. Chawla, K. W. Bowyer, L. O. Hall and W. P. Kegelmeyer (2002). SMOTE: synthetic minority
    over-sampling technique. Journal of Artificial Intelligence Research 16, 321-357.

    H. Han, W.-Y. Wang and B.-H. Mao (2005). Borderline-SMOTE: a new over-sampling method in
    imbalanced data sets learning. ICIC, 878-887.

    H. M. Nguyen, E. W. Cooper and K. Kamei (2011). Borderline over-sampling for imbalanced data
    classification. International Journal of Knowledge Engineering and Soft Data Paradigms 3(1).

    H. He, Y. Bai, E. A. Garcia and S. Li (2008). ADASYN: adaptive synthetic sampling approach for
    imbalanced learning. IJCNN, 1322-1328.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.resampling import AutoSMOTE
    >>> rng = np.random.default_rng(0)
    >>> series = rng.normal(size=(30, 20, 2)).astype("float32")
    >>> y = np.repeat([0, 1], [20, 10])
    >>> X, y = AutoSMOTE(random_state=0).fit_resample(series, y)
    >>> X.shape, X.dtype, np.bincount(y)
    ((40, 20, 2), dtype('float32'), array([20, 20]))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseOverSampler._parameter_constraints,
        "kind": [str],
        "k_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        kind: str = "smote",
        *,
        k_neighbors: int = 5,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.kind = kind
        self.k_neighbors = k_neighbors
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Check the data and find how many rows to make of which neighbours, without making any.

        Parameters
        ----------
        X, y
            As in `fit_resample`.

        Returns
        -------
        self
        """
        _, _, _, learned = self._prepared(X, y)
        return self._learn(X, learned)

    def fit_resample(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """Return all rows, and the synthetic ones behind them.

        Parameters
        ----------
        X : array-like, DataFrame, tensor, sparse matrix or OnDisk, of shape (N, ...)
            Numbers without NaN. float32 and float64 stay; integers become floats, as there is
            something between them (float32 for up to 16 bits, else float64; float64 in tables).
            All of it is read into memory.
        y : array-like of shape (N,)
            Labels of any kind.
        sample_weight : None
            Weights are refused: nobody knows what a synthetic row weighs.

        Returns
        -------
        X, y : of the kinds that were given
            OnDisk becomes an ndarray.

        Raises
        ------
        ValueError
            If data or parameters are not right, or a class that shall grow has one row only. The
            sampler is then as it was before.
        RuntimeError
            If imbalanced-learn finds no row to start from, as ``"adasyn"`` does where the classes
            do not touch.

        Warns
        -----
        UserWarning
            If `k_neighbors` is too large for the smallest class that gets rows.
        """
        if sample_weight is not None:
            raise ValueError(_weights())
        build, rows, labels, learned = self._prepared(X, y)
        k = learned["k_neighbors_"]
        rows, labels_after = self._fit_resample(rows, labels, build=build, k=k)
        resampled = _as_given(rows, X), _targets(y, labels, labels_after)
        self._learn(X, learned)
        return resampled

    def _prepared(self, X: Any, y: Any) -> tuple[Any, Any, Labels, dict[str, Any]]:
        """Return what makes the rows, rows and labels to make them of, and what was learned."""
        self._validate_params()
        build = lookup(self.kind, KINDS, "kind")
        X = check_rows(X)
        check_targets(y, X, type(self).__name__)
        rows, labels = self._as_floats(X), class_labels(y, type(self).__name__)
        n_new = check_sampling_strategy(self.sampling_strategy, labels, self._sampling_type)
        k = self._fitting_k(labels, n_new)
        return build, rows, labels, {"sampling_strategy_": n_new, "k_neighbors_": k}

    def _learn(self, X: Any, learned: dict[str, Any]) -> Self:
        validate_data(self, X=X, skip_check_array=True)
        for name, value in learned.items():
            setattr(self, name, value)
        return self

    def _fit_resample(self, X: Any, y: Labels, *, build: Any, k: int) -> tuple[Any, Labels]:
        # Neighbours at the border are searched among all rows.
        m = min(M_NEIGHBORS, len(y) - 1)
        strategy, random = self.sampling_strategy, self.random_state
        return build(k, m, sampling_strategy=strategy, random_state=random).fit_resample(X, y)

    def _as_floats(self, X: Any) -> Any:
        """Return rows as finite vectors of floats, (N, D)."""
        X = flat(X)
        dtype: Any = (np.float64, np.float32)
        if not is_table(X) and X.dtype.kind in "biuf":
            dtype = np.result_type(X.dtype, np.float32)
        return check_array(
            X, dtype=dtype, accept_sparse=("csr", "csc"), estimator=self, input_name="X"
        )

    def _fitting_k(self, labels: Labels, n_new: Mapping[Any, int]) -> int:
        """Return the number of neighbours that each class that grows has."""
        sizes = {label: int((labels == label).sum()) for label, n in n_new.items() if n}
        if not sizes:
            return self.k_neighbors
        smallest = min(sizes, key=lambda label: sizes[label])
        if sizes[smallest] == 1:
            raise ValueError(_one_row(smallest))
        if sizes[smallest] > self.k_neighbors:
            return self.k_neighbors
        k = sizes[smallest] - 1
        warnings.warn(_fewer_neighbors(smallest, k, self.k_neighbors), UserWarning, stacklevel=4)
        return k


def _as_given(rows: Any, X: Any) -> Any:
    """Return vectors of floats in the shape and kind that X has."""
    if is_table(X):
        return _as_table(rows, X)
    if scipy.sparse.issparse(rows):
        return rows
    rows = rows.reshape(len(rows), *np.shape(X)[1:])
    if isinstance(X, torch.Tensor):
        return torch.from_numpy(rows).to(X.device)
    return rows.tolist() if isinstance(X, list) else rows


def _as_table(rows: NDArray[Any], X: Any) -> Any:
    import pandas as pd

    if scipy.sparse.issparse(rows):  # of a table of sparse columns
        return pd.DataFrame.sparse.from_spmatrix(rows, columns=X.columns)
    floats = [d if pd.api.types.is_float_dtype(d) else np.dtype(np.float64) for d in X.dtypes]
    table = pd.DataFrame(rows, columns=X.columns)
    return table.astype(dict(zip(X.columns, floats, strict=True)))


def _targets(y: Any, labels: Labels, labels_after: Labels) -> Any:
    """Return the targets of all rows in the kind of y: those of new rows are copied from it."""
    classes, firsts = np.unique(labels, return_index=True)
    copied = firsts[np.searchsorted(classes, labels_after[len(labels) :])]
    y = take(y, np.concatenate([np.arange(len(labels)), copied]))
    return y.reset_index(drop=True) if hasattr(y, "reset_index") else y


def _weights() -> str:
    return message(
        "AutoSMOTE takes no sample_weight",
        expected="rows that all count the same, as nobody knows what a synthetic row weighs",
        got="weights",
        todo="Leave them out, or use RandomOverSampler, which repeats rows with their weights",
    )


def _one_row(label: Any) -> str:
    return message(
        f"Class {label!s} has one row, and so no neighbours to make rows from",
        expected="at least 2 rows of each class that shall grow",
        got="1",
        todo="Use RandomOverSampler, merge it with another class, or leave it out of "
        "sampling_strategy",
    )


def _fewer_neighbors(label: Any, k: int, wanted: int) -> str:
    return message(
        f"Class {label!s} has too few rows for k_neighbors={wanted}",
        expected=f"at least {wanted + 1} rows",
        got=f"{k + 1}, so k_neighbors={k} is used for all classes",
        todo="Set k_neighbors to that, or use RandomOverSampler",
    )
