"""Predictions as they are given, checked and made into a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._messages import lookup, message
from sknn_tricks.diagnostics.predictions._checks import (
    check_decision,
    check_fold,
    check_proba,
    check_same_shape,
    check_weight,
    numbers_of,
)
from sknn_tricks.diagnostics.predictions._classification import ClassificationReport
from sknn_tricks.diagnostics.predictions._multi_output import MultiOutputReport
from sknn_tricks.diagnostics.predictions._regression import RegressionReport
from sknn_tricks.diagnostics.predictions._targets import (
    CLASSES,
    NUMBERS,
    as_values,
    codes_of,
    columns_of,
    kind_of_classes,
    labels_of_outputs,
    looks_like_classes,
    output_names,
)

if TYPE_CHECKING:
    from sknn_tricks.diagnostics.predictions._out_of_fold import OutOfFold

Report = ClassificationReport | RegressionReport | MultiOutputReport
TASKS = ("auto", "classification", "regression")


def prediction_report(
    y_true: Any,
    y_pred: Any,
    *,
    proba: Any = None,
    decision: Any = None,
    classes: Sequence[Any] | None = None,
    fold: Any = None,
    sample_weight: Any = None,
    task: str = "auto",
) -> Report:
    """Say how right predictions are: scores, confusions, calibration or residuals, and figures.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (M,) or (M, O)
        Labels or numbers: those that are true, and those that were predicted.
    proba : array-like of shape (M, n_classes), default=None
        Probabilities of the classes, as of ``predict_proba``; of two classes, (M,) of the second
        will do. Of several outputs, (M, O) of labels, or a list with an array for each output.
    decision : as `proba`, default=None
        Values of ``decision_function``, for curves where there are no probabilities.
    classes : sequence, default=None
        All classes, in the order of the columns, as ``classes_``; those that occur, if None. Of
        several outputs, a sequence for each.
    fold : array-like of shape (M,), default=None
        The fold of each row, for the spread of the scores.
    sample_weight : array-like of shape (M,), default=None
    task : {"auto", "classification", "regression"}, default="auto"
        What is predicted. ``"auto"``: texts, booleans and integers are labels, as are floats of
        up to 20 whole numbers, unless predictions are no whole numbers.

    Returns
    -------
    ClassificationReport, RegressionReport or MultiOutputReport
        The last for several outputs of classes.

    Raises
    ------
    ValueError
        If lengths differ, something is missing or infinite, a label is not among the classes, or
        probabilities are none.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger (2017). On calibration of modern neural
    networks. ICML (for the expected calibration error).

    Examples
    --------
    >>> report = prediction_report(
    ...     ["cat", "dog", "dog", "cat"],
    ...     ["cat", "dog", "cat", "cat"],
    ...     proba=[[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]],
    ... )
    >>> report
    Predictions of 4 rows, 2 classes
      accuracy:          0.75
      balanced_accuracy: 0.75
      f1_macro:          0.7333
      roc_auc:           1
      average_precision: 1
      log_loss:          0.4004
      brier:             0.125
      ece:               0.3
    - Most often confused: dog taken for cat (1 row, 50 % of dog).
    - Recall: dog (50 % of 2 rows), cat (100 % of 2 rows).
    >>> report.confusion
    predicted  cat  dog
    true
    cat          2    0
    dog          1    1
    """
    lookup(task, dict.fromkeys(TASKS), "task")
    true, predicted = as_values(y_true, "y_true"), as_values(y_pred, "y_pred")
    check_same_shape(true, predicted)
    rows = np.arange(len(true))
    fold, weight = check_fold(fold, len(true)), check_weight(sample_weight, len(true))
    names = output_names(y_true, true)
    of_classes = proba is not None or decision is not None or classes is not None
    if task == "regression" and of_classes:
        raise ValueError(_no_classes())
    if task == "regression" or not (
        of_classes or task == "classification" or looks_like_classes(true, predicted)
    ):
        return _numbers_report(names, true, predicted, rows, fold, weight)
    kind = kind_of_classes(true)
    if classes is None:
        labels = labels_of_outputs(kind, true, predicted)
    else:
        labels = (tuple(classes),) if true.ndim == 1 else tuple(map(tuple, classes))
    return _classes_report(
        kind,
        names,
        labels,
        (true, predicted),
        _by_output(proba, labels, "proba"),
        _by_output(decision, labels, "decision"),
        (rows, fold, weight),
    )


def report_of(found: OutOfFold, weight: NDArray[np.float64] | None) -> Report:
    """Return the report of out-of-fold predictions.

    Parameters
    ----------
    found : OutOfFold
    weight : ndarray of shape (M,) or None

    Returns
    -------
    ClassificationReport, RegressionReport or MultiOutputReport
    """
    weight = check_weight(weight, len(found.row))
    if found.kind == NUMBERS:
        return _numbers_report(
            found.outputs, found.y_true, found.y_pred, found.row, found.fold, weight
        )
    return _classes_report(
        found.kind,
        found.outputs,
        found.labels,
        (found.y_true, found.y_pred),
        found.proba,
        found.decision,
        (found.row, found.fold, weight),
    )


def _numbers_report(
    names: tuple[str, ...],
    true: NDArray[Any],
    predicted: NDArray[Any],
    rows: NDArray[np.int64],
    fold: NDArray[Any] | None,
    weight: NDArray[np.float64] | None,
) -> RegressionReport:
    return RegressionReport(
        names or ("y",),
        numbers_of(true, "y_true").reshape(len(rows), -1),
        numbers_of(predicted, "y_pred").reshape(len(rows), -1),
        rows,
        fold,
        weight,
    )


def _classes_report(
    kind: str,
    names: tuple[str, ...],
    labels: tuple[tuple[Any, ...], ...],
    targets: tuple[NDArray[Any], NDArray[Any]],
    proba: Sequence[NDArray[Any]] | None,
    decision: Sequence[NDArray[Any]] | None,
    rows: tuple[NDArray[np.int64], NDArray[Any] | None, NDArray[np.float64] | None],
) -> ClassificationReport | MultiOutputReport:
    columns = zip(columns_of(targets[0]), columns_of(targets[1]), labels, strict=True)
    reports = []
    for i, (true, predicted, classes) in enumerate(columns):
        if len(classes) < 2:
            raise ValueError(_one_class(classes))
        reports.append(
            ClassificationReport(
                classes,
                codes_of(true, classes, "y_true"),
                codes_of(predicted, classes, "y_pred"),
                None if proba is None else check_proba(proba[i], len(true), classes),
                None if decision is None else check_decision(decision[i], len(true), classes),
                *rows,
            )
        )
    if kind == CLASSES:
        return reports[0]
    return MultiOutputReport(kind, dict(zip(names, reports, strict=True)))


def _by_output(
    scores: Any, labels: tuple[tuple[Any, ...], ...], what: str
) -> list[NDArray[Any]] | None:
    """Return the columns of each output; those of the second of two classes get their like."""
    if scores is None:
        return None
    if len(labels) > 1 and isinstance(scores, list | tuple) and np.ndim(scores[0]) == 2:
        parts = [np.asarray(part) for part in scores]
    else:
        whole = np.asarray(scores)
        parts = list(whole.T) if len(labels) > 1 and whole.ndim == 2 else [whole]
    if len(parts) != len(labels):
        raise ValueError(
            message(
                f"{what} is not of all outputs",
                expected=f"probabilities or values of {len(labels)} outputs",
                got=f"{len(parts)}",
                todo="Give a column for each label, or a list with an array for each output",
            )
        )
    return [_both_classes(part, what) for part in parts]


def _both_classes(part: NDArray[Any], what: str) -> NDArray[Any]:
    if part.ndim == 2 and part.shape[1] == 1:
        part = part[:, 0]
    if part.ndim != 1:
        return part
    return np.stack([1 - part if what == "proba" else -part, part], axis=1)


def _no_classes() -> str:
    return message(
        "A regression has no classes",
        expected="y_true and y_pred only",
        got="proba, decision or classes",
        todo="Leave them out, or use task='classification'",
    )


def _one_class(classes: tuple[Any, ...]) -> str:
    return message(
        "There is nothing to tell apart",
        expected="two classes or more",
        got=f"only {classes[0]!r}" if classes else "none",
        todo="Give all classes in classes=",
    )
