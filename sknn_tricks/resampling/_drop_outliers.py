"""Rows that an outlier detector takes for outliers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.utils import get_tags

from sknn_tricks._messages import message
from sknn_tricks.resampling._row_sampler import RowSampler
from sknn_tricks.resampling._rows import Rows, flat, take
from sknn_tricks.resampling._targets import Labels, check_classes_kept, class_labels, labels_if_any

# Of the rows, that the default detector takes for outliers.
SHARE = 0.01


class DropOutliers(RowSampler):
    """Leave out the training rows that an outlier detector finds.

    Any outlier detector of scikit-learn does, or a pipeline that ends in one. Classes or numbers
    may be predicted. Rows to be predicted are never dropped.

    Parameters
    ----------
    detector : estimator with ``fit_predict`` or None, default=None
        Gives -1 for outliers. It gets X with all its features in one axis, in memory. None is
        ``IsolationForest(contamination=0.01, random_state=random_state)``: the hundredth of the
        rows that is the easiest to isolate. (With its own threshold, ``contamination="auto"``, it
        takes 25 % of iris and 29 % of digits for outliers.)
    per_class : bool, default=False
        Whether to fit a detector to each class, so that a class that lies apart is no outlier as
        such. For classes only.
    random_state : int, RandomState or None, default=None
        Of the default detector; one that is given has its own.

    Attributes
    ----------
    detector_ : estimator, or dict of them by label
        The fitted detector, or the one of each class.
    sample_indices_ : ndarray of int, shape (N_resampled,)
        The rows that are left, ascending.
    n_features_in_ : int
        Length of the second axis of X.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a table that has them.

    See Also
    --------
    Resampled : Makes it part of an estimator.

    References
    ----------
    F. T. Liu, K. M. Ting and Z.-H. Zhou (2008). Isolation forest. ICDM, 413-422.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import LocalOutlierFactor
    >>> from sknn_tricks.resampling import DropOutliers
    >>> X = np.append(np.linspace(0, 1, 30), 99).reshape(-1, 1)
    >>> X, y = DropOutliers(LocalOutlierFactor()).fit_resample(X, 2 * X.ravel())
    >>> len(X), float(X.max())
    (30, 1.0)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "detector": [object],
        "per_class": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self, detector: Any = None, *, per_class: bool = False, random_state: Any = None
    ) -> None:
        self.detector = detector
        self.per_class = per_class
        self.random_state = random_state

    def _choose(self, X: Any, y: Any) -> tuple[Rows, dict[str, Any]]:
        name, X = type(self).__name__, flat(X)
        if self.per_class:
            labels: Labels | None = class_labels(y, name)
            inliers, fitted = self._inliers_of_classes(X, labels)
        else:
            labels, fitted = labels_if_any(y), self._unfitted()
            inliers = fitted.fit_predict(X) != -1
        kept = np.flatnonzero(inliers)
        check_classes_kept(labels, kept, name)
        return kept, {"detector_": fitted}

    def _inliers_of_classes(self, X: Any, labels: Any) -> tuple[NDArray[np.bool_], dict[Any, Any]]:
        fitted = {label: self._unfitted() for label in np.unique(labels)}
        inliers = np.zeros(len(labels), bool)
        for label, detector in fitted.items():
            rows = np.flatnonzero(labels == label)
            inliers[rows] = detector.fit_predict(take(X, rows)) != -1
        return inliers, fitted

    def _unfitted(self) -> Any:
        if self.detector is None:
            return IsolationForest(contamination=SHARE, random_state=self.random_state)
        if not hasattr(self.detector, "fit_predict"):
            raise ValueError(_no_detector(self.detector))
        return clone(self.detector)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        detector = IsolationForest() if self.detector is None else self.detector
        of_detector = get_tags(detector).input_tags
        tags.input_tags.allow_nan = of_detector.allow_nan
        tags.input_tags.sparse = of_detector.sparse
        tags.input_tags.string = of_detector.string
        tags.target_tags.multi_output = not self.per_class
        return tags


def _no_detector(detector: Any) -> str:
    return message(
        "detector cannot tell outliers",
        expected="an outlier detector, which has fit_predict, or None",
        got=type(detector).__name__,
        todo="Choose one, such as IsolationForest, LocalOutlierFactor or EllipticEnvelope",
    )
