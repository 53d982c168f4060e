"""The fit of a split, and what it says of the rows that were held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import get_tags

from sknn_tricks._sklearn_private import safe_indexing
from sknn_tricks.diagnostics.predictions._targets import LABELS, NUMBERS, Targets


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What was predicted for n rows that were held out.

    Parameters
    ----------
    predicted : ndarray of shape (n,) or (n, O)
    proba, decision : list of ndarray of shape (n, n_classes), or None
        For each output, a column for each class. `decision` only without `proba`.
    """

    predicted: NDArray[Any]
    proba: list[NDArray[Any]] | None = None
    decision: list[NDArray[Any]] | None = None


def without_callbacks(estimator: Any) -> Any:
    """Return a clone that no callback of scikit-learn listens to, whatever is inside of it."""
    copy = clone(estimator)
    inside = copy.get_params(deep=True).values() if hasattr(copy, "get_params") else ()
    for each in (copy, *inside):
        if getattr(each, "_skl_callbacks", None):
            each.set_callbacks()
    return copy


def fit_and_predict(
    estimator: Any,
    X: Any,
    y: Any,
    split: tuple[NDArray[np.int64], NDArray[np.int64]],
    fit_params: Mapping[str, Any],
    targets: Targets,
) -> HeldOut:
    """Fit an estimator to a split's rows, and predict the others.

    Parameters
    ----------
    estimator : classifier or regressor
        It is fitted in place.
    X : array-like of shape (N, ...)
    y : array-like of shape (N,) or (N, O)
    split : pair of ndarray of int
        Rows to train on, and rows to predict.
    fit_params : mapping
        For ``fit``; what has N rows is split as well.
    targets : Targets
        What `y` is, as a whole.

    Returns
    -------
    HeldOut
    """
    train, test = split
    params = {
        name: safe_indexing(value, train) if _n_rows(value) == len(targets.values) else value
        for name, value in fit_params.items()
    }
    if get_tags(estimator).input_tags.pairwise:  # X is a kernel: of each row with each row
        seen, unseen = X[np.ix_(train, train)], X[np.ix_(test, train)]
    else:
        seen, unseen = safe_indexing(X, train), safe_indexing(X, test)
    estimator.fit(seen, safe_indexing(y, train), **params)
    predicted = _array(estimator.predict(unseen), targets.values.ndim)
    if targets.kind == NUMBERS:
        return HeldOut(predicted)
    if hasattr(estimator, "predict_proba"):
        return HeldOut(predicted, proba=_probabilities(estimator, unseen, targets))
    return HeldOut(predicted, decision=_decisions(estimator, unseen, targets))


def _probabilities(estimator: Any, X: Any, targets: Targets) -> list[NDArray[Any]]:
    found = estimator.predict_proba(X)
    if isinstance(found, list):  # an array for each output
        parts = zip(found, estimator.classes_, targets.labels, strict=True)
        return [_placed(np.asarray(part), seen, labels, 0.0) for part, seen, labels in parts]
    found = np.asarray(found)
    if targets.kind == LABELS:
        return [np.stack([1 - label, label], axis=1) for label in found.T]
    return [_placed(found, estimator.classes_, targets.labels[0], 0.0)]


def _decisions(estimator: Any, X: Any, targets: Targets) -> list[NDArray[Any]] | None:
    """Return the decision values, or None where there is not one for each class."""
    # One column for each pair of classes: of three classes, there are three pairs, too.
    shapes = {
        value
        for name, value in estimator.get_params(deep=True).items()
        if name.endswith("decision_function_shape")
    }
    if not hasattr(estimator, "decision_function") or "ovo" in shapes:
        return None
    found = estimator.decision_function(X)
    if isinstance(found, list):
        return None
    found = np.asarray(found)
    if targets.kind == LABELS:
        return [np.stack([-label, label], axis=1) for label in found.T]
    if found.ndim == 1:  # of the second of two classes
        found = np.stack([-found, found], axis=1)
    if found.shape[1] != len(estimator.classes_):
        return None
    return [_placed(found, estimator.classes_, targets.labels[0], float(np.finfo(found.dtype).min))]


def _placed(values: NDArray[Any], seen: Any, labels: tuple[Any, ...], blank: float) -> NDArray[Any]:
    """Return the values in the columns of all classes; others than those seen are blank."""
    if values.shape[1] == len(labels):
        return values
    places = [labels.index(label) for label in np.asarray(seen).tolist()]
    placed = np.full((len(values), len(labels)), blank, values.dtype)
    placed[:, places] = values
    return placed


def _array(predicted: Any, n_axes: int) -> NDArray[Any]:
    predicted = predicted.toarray() if issparse(predicted) else np.asarray(predicted)
    return predicted.reshape(len(predicted)) if n_axes == 1 else predicted


def _n_rows(value: Any) -> int | None:
    shape = getattr(value, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else None
    return len(value) if isinstance(value, list | tuple) else None
