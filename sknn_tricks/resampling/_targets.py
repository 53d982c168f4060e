"""Targets of training rows, and the classes they may be."""

from __future__ import annotations

from typing import Any

import numpy as np
from imblearn.utils import check_target_type
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_consistent_length
from sklearn.utils.multiclass import type_of_target

from sknn_tricks._messages import message
from sknn_tricks.resampling._rows import Rows, to_numpy

Labels = NDArray[Any]


def check_targets(y: Any, X: Any, name: str) -> None:
    """Complain if there is no target for each row.

    Raises
    ------
    ValueError
        If `y` is None or has another length than `X`.
    """
    if y is None:
        # The words of scikit-learn, by which its checks know the error.
        raise ValueError(
            message(
                f"{name} requires y to be passed, but the target y is None",
                expected="a target for each row",
                got="None",
                todo="Call it with X and y",
            )
        )
    check_consistent_length(X, y)


def class_labels(y: Any, name: str) -> Labels:
    """Return the label of each row.

    Parameters
    ----------
    y : array-like of shape (N,), (N, 1) or one-hot (N, O)
    name : str
        Who asks, for the error.

    Returns
    -------
    ndarray of shape (N,)
        Numbers of columns if `y` is one-hot.

    Raises
    ------
    ValueError
        If these are no labels of two classes or more.
    """
    y = to_numpy(y)
    assert_all_finite(y, input_name="y")
    _check_sortable(y)
    kind = type_of_target(y, input_name="y")
    if kind.startswith("continuous"):
        raise ValueError(_regression(kind, name))
    labels: Labels = check_target_type(y)
    if len(classes := np.unique(labels)) < 2:
        raise ValueError(_one_class(name, classes[0]))
    return labels


def labels_if_any(y: Any) -> Labels | None:
    """Return the labels if targets look like labels, else None.

    Floats are taken for numbers to be predicted and anything else for labels, so that whole
    numbers as floats are no classes of one row each. Several columns are no labels either.
    """
    y = to_numpy(y)
    return None if y.dtype.kind == "f" or is_wide(y) else y.ravel()


def is_wide(y: Any) -> bool:
    """Whether there are several targets for each row."""
    y = to_numpy(y)
    return y.ndim == 2 and y.shape[1] > 1


def check_classes_kept(labels: Labels | None, rows: Rows, name: str) -> None:
    """Complain if one of the classes has none of the rows left, or if there are no rows.

    Raises
    ------
    ValueError
        If nothing is left of a class.
    """
    if not len(rows):
        raise ValueError(
            message(
                f"{name} drops all rows",
                expected="at least one row that is left",
                got="none",
                todo="Let it drop less",
            )
        )
    if labels is not None:
        _check_kept(labels, labels[rows], name)


def check_labels_kept(y: Any, y_resampled: Any, name: str) -> None:
    """Complain if a label of a classifier's targets does not occur any more.

    Raises
    ------
    ValueError
        If nothing is left of a class.
    """
    before, after = to_numpy(y), to_numpy(y_resampled)
    if not is_wide(before):
        _check_kept(before, after, name)


def _check_kept(before: Labels, after: Labels, name: str) -> None:
    if len(lost := np.setdiff1d(before, after)):
        raise ValueError(_class_lost(name, lost.tolist()))


def _check_sortable(y: Labels) -> None:
    try:
        np.unique(y)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in y.ravel()})
        raise ValueError(
            message(
                "Labels are of several kinds",
                expected="labels that can be sorted, such as all text or all numbers",
                got=", ".join(kinds),
                todo="Turn them into text, and drop the rows where they are missing",
            )
        ) from None


def _regression(kind: str, name: str) -> str:
    return message(
        f"Unknown label type: {kind}",
        expected=f"labels of classes, which {name} counts",
        got="numbers to be predicted",
        todo="Put them into bins, or use DropDuplicates or DropOutliers, which need no classes",
    )


def _one_class(name: str, label: Any) -> str:
    return message(
        f"y has only 1 class, {label!s}",
        expected=f"two classes or more, which {name} counts",
        got="one class",
        todo="Look at how the rows were chosen; stratified folds have rows of every class",
    )


def _class_lost(name: str, lost: list[Any]) -> str:
    return message(
        f"{name} drops all rows of some classes",
        expected="at least one row of each class that is left",
        got=f"none of {', '.join(repr(label) for label in lost[:5])}",
        todo="Let it drop less; if y are no classes but numbers to be predicted, make them floats",
    )
