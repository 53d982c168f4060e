"""Predictions of each row by estimators that were not trained on it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import indexable
from sklearn.utils.parallel import Parallel, delayed

from sknn_tricks._messages import message
from sknn_tricks.diagnostics._words import count
from sknn_tricks.diagnostics.predictions._held_out import (
    HeldOut,
    fit_and_predict,
    without_callbacks,
)
from sknn_tricks.diagnostics.predictions._prediction_report import Report, report_of
from sknn_tricks.diagnostics.predictions._targets import CLASSES, LABELS, targets_of
from sknn_tricks.fused import fused_training

if TYPE_CHECKING:
    from pandas import DataFrame

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, eq=False, repr=False)
class OutOfFold:
    """What was predicted for rows that were held out: M predictions in all.

    Made by `out_of_fold`. Of repeated folds, a row has several predictions; of splits that do not
    hold out every row, some have none.

    Parameters
    ----------
    kind : {"classification", "regression", "multilabel", "multioutput"}
        What is predicted. ``"multilabel"``: several outputs of 0 or 1; ``"multioutput"``: several
        outputs of classes.
    n_rows : int
        Rows of the data.
    outputs : tuple of str
        Names of several outputs; empty for one.
    labels : tuple of tuple
        For each output, its classes; empty for regression.
    row : ndarray of shape (M,)
        Which row of the data each prediction is for, by its place from 0.
    fold : ndarray of shape (M,)
        Which split held it out, from 0.
    y_true, y_pred : ndarray of shape (M,) or (M, O)
    proba : tuple of ndarray of shape (M, n_classes), or None
        Probabilities, for each output. None without ``predict_proba``.
    decision : tuple of ndarray of shape (M, n_classes), or None
        Values of ``decision_function`` where there is no ``predict_proba``, if it has one for
        each class; that of the first of two classes is the second's with the sign changed.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sknn_tricks.diagnostics import out_of_fold
    >>> found = out_of_fold(KNeighborsClassifier(), *load_iris(return_X_y=True), cv=5)
    >>> found.table.tail(1)
         row  fold  y_true  y_pred  proba_0  proba_1  proba_2
    149  149     4       2       2      0.0      0.4      0.6
    >>> round(found.report().scores["accuracy"], 2)
    0.97
    """

    kind: str
    n_rows: int
    outputs: tuple[str, ...]
    labels: tuple[tuple[Any, ...], ...]
    row: NDArray[np.int64]
    fold: NDArray[np.int64]
    y_true: NDArray[Any]
    y_pred: NDArray[Any]
    proba: tuple[NDArray[Any], ...] | None = None
    decision: tuple[NDArray[Any], ...] | None = None

    @property
    def classes(self) -> tuple[Any, ...]:
        """Classes in order; of several outputs, those of each; none for regression."""
        return self.labels[0] if self.kind == CLASSES else self.labels

    @cached_property
    def table(self) -> DataFrame:
        """One prediction a line, as pandas.DataFrame.

        The columns are ``row``, ``fold``, ``y_true``, ``y_pred``, and ``proba_<class>`` of each
        class or, without probabilities, ``decision_<class>`` (of two classes, of the second).
        Several outputs have ``y_true_<output>``, ``y_pred_<output>``, and ``proba_<output>`` if
        they are labels or else ``proba_<output>_<class>``.
        """
        import pandas as pd

        columns: list[tuple[str, NDArray[Any]]] = [("row", self.row), ("fold", self.fold)]
        columns += self._target_columns("y_true", self.y_true)
        columns += self._target_columns("y_pred", self.y_pred)
        columns += self._class_columns("proba", self.proba)
        columns += self._class_columns("decision", self.decision)
        names = _unique([name for name, _ in columns])
        return pd.DataFrame(dict(zip(names, (values for _, values in columns), strict=True)))

    def _target_columns(self, what: str, values: NDArray[Any]) -> list[tuple[str, NDArray[Any]]]:
        if not self.outputs:
            return [(what, values)]
        return [(f"{what}_{name}", values[:, i]) for i, name in enumerate(self.outputs)]

    def _class_columns(
        self, what: str, parts: tuple[NDArray[Any], ...] | None
    ) -> list[tuple[str, NDArray[Any]]]:
        columns = []
        for i, part in enumerate(parts or ()):
            name = f"{what}_{self.outputs[i]}" if self.outputs else what
            if self.kind == LABELS:
                columns.append((name, part[:, 1]))
                continue
            skipped = 1 if what == "decision" and part.shape[1] == 2 else 0
            for k, label in list(enumerate(self.labels[i]))[skipped:]:
                columns.append((f"{name}_{label}", part[:, k]))
        return columns

    def report(self, sample_weight: Any = None) -> Report:
        """Say how right the predictions are.

        Parameters
        ----------
        sample_weight : array-like of shape (n_rows,), default=None
            A weight for each row of the data.

        Returns
        -------
        ClassificationReport, RegressionReport or MultiOutputReport
            The last for several outputs of classes.
        """
        weight = None if sample_weight is None else _weights(sample_weight, self.n_rows)[self.row]
        return report_of(self, weight)

    def __repr__(self) -> str:
        n_folds = len(np.unique(self.fold))
        of = f" of {count(len(self.outputs), 'output')}" if self.outputs else ""
        return (
            f"OutOfFold({self.kind}{of}: {count(len(self.row), 'prediction')} of "
            f"{count(len(np.unique(self.row)), 'row')} in {count(n_folds, 'fold')})"
        )


def out_of_fold(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = None,
    fit_params: Mapping[str, Any] | None = None,
    groups: Any = None,
    n_jobs: int | None = None,
    fused: bool = True,
) -> OutOfFold:
    """Predict each row by a clone of an estimator that was not trained on it.

    As scikit-learn's ``cross_val_predict``, but folds may be repeated and need not hold out every
    row, and predictions come with their probabilities, row and fold. Callbacks that are set on
    the estimator, or inside of it, are not called.

    Parameters
    ----------
    estimator : classifier or regressor
        It is cloned for each split.
    X : array-like, DataFrame, sparse matrix or OnDisk, of shape (N, ...)
        The features.
    y : array-like of shape (N,) or (N, O)
        Labels or targets.
    cv : int, splitter or iterable of (train, test), default=None
        The splits, as in ``cross_val_predict``; None is 5 folds.
    fit_params : dict, default=None
        For ``fit``, such as ``sample_weight``; what has N rows is split as `X` is.
    groups : array-like of shape (N,), default=None
        For the splitter.
    n_jobs : int, default=None
        Cores, as in `sknn_tricks.fused.fused_training`.
    fused : bool, default=True
        Whether nets are trained together. What has no net inside fits one split at a time then;
        with False, splits are fitted where joblib sends them.

    Returns
    -------
    OutOfFold

    Raises
    ------
    TypeError
        If the estimator is neither classifier nor regressor.
    ValueError
        If lengths differ, `y` is missing somewhere, or a split holds out no row or one that it
        trains on.

    Notes
    -----
    A class that a split does not train on has probability 0 there.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn_tricks import NetClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> found = out_of_fold(NetClassifier(max_epochs=2, random_state=0), X, y, cv=3)
    >>> found
    OutOfFold(classification: 150 predictions of 150 rows in 3 folds)
    >>> list(found.table)
    ['row', 'fold', 'y_true', 'y_pred', 'proba_0', 'proba_1', 'proba_2']
    """
    X, y, groups = indexable(X, y, groups)
    targets = targets_of(estimator, y)
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    splits = _checked(splitter.split(X, y, groups), len(targets.values))
    silent = without_callbacks(estimator)
    with fused_training(n_jobs) if fused else nullcontext():
        parts = Parallel(n_jobs=n_jobs)(
            delayed(fit_and_predict)(clone(silent), X, y, split, fit_params or {}, targets)
            for split in splits
        )
    row = np.concatenate([test for _, test in splits])
    return OutOfFold(
        kind=targets.kind,
        n_rows=len(targets.values),
        outputs=targets.names,
        labels=targets.labels,
        row=row,
        fold=np.repeat(np.arange(len(splits)), [len(test) for _, test in splits]),
        y_true=targets.values[row],
        y_pred=np.concatenate([part.predicted for part in parts]),
        proba=_joined(parts, "proba"),
        decision=_joined(parts, "decision"),
    )


def _checked(splits: Any, n_rows: int) -> list[Split]:
    """Return the row numbers of the splits, or say which cannot be."""
    numbers = np.arange(n_rows)
    checked = [(numbers[_index(train)], numbers[_index(test)]) for train, test in splits]
    if not checked:
        raise ValueError(_no_split("no split", "Give at least one pair of (train, test) in cv"))
    for i, (train, test) in enumerate(checked):
        if not len(train) or not len(test):
            what = "rows to predict" if len(train) else "rows to train on"
            raise ValueError(_no_split(f"split {i} without {what}", "Correct cv"))
        shared = np.intersect1d(train, test)
        if len(shared):
            raise ValueError(
                _no_split(
                    f"split {i} with {count(len(shared), 'row')} on both sides, such as row "
                    f"{shared[0]}",
                    "Correct cv, as such predictions would not be of unseen rows",
                )
            )
    return checked


def _index(rows: Any) -> NDArray[Any]:
    index = np.asarray(rows)
    return index if index.size else index.astype(np.int64)


def _no_split(got: str, todo: str) -> str:
    return message(
        "cv does not split the rows",
        expected="rows to train on, and other rows to predict",
        got=got,
        todo=todo,
    )


def _joined(parts: list[HeldOut], what: str) -> tuple[NDArray[Any], ...] | None:
    """Return the columns of all folds, of each output; None if a fold has none."""
    found = [getattr(part, what) for part in parts]
    if any(each is None for each in found):
        return None
    return tuple(np.concatenate(outputs) for outputs in zip(*found, strict=True))


def _weights(sample_weight: Any, n_rows: int) -> NDArray[Any]:
    weight = np.asarray(sample_weight)
    if weight.shape != (n_rows,):
        raise ValueError(
            message(
                "sample_weight has the wrong shape",
                expected=f"a weight for each of the {count(n_rows, 'row')}, ({n_rows},)",
                got=str(weight.shape),
                todo="Give the weights of all rows of the data, in their order",
            )
        )
    return weight


def _unique(names: list[str]) -> list[str]:
    """Return the names with a number behind those that come again.

    Examples
    --------
    >>> _unique(["proba_a_b", "proba_a_b"])
    ['proba_a_b', 'proba_a_b (2)']
    """
    found: dict[str, int] = {}
    unique = []
    for name in names:
        found[name] = found.get(name, 0) + 1
        unique.append(name if found[name] == 1 else f"{name} ({found[name]})")
    return unique
