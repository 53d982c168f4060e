"""Whether predictions are what they should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._messages import message

# By which probabilities may be off, as those of float16 are.
TOLERANCE = 1e-3


def check_same_shape(true: NDArray[Any], predicted: NDArray[Any]) -> None:
    """Raise ValueError if there is not one prediction for each target."""
    if true.shape != predicted.shape:
        raise ValueError(
            message(
                "y_pred is not a prediction of y_true",
                expected=f"shape {true.shape}, as y_true has",
                got=str(predicted.shape),
                todo="Give a prediction for each target, in the same order",
            )
        )


def check_fold(fold: Any, n_rows: int) -> NDArray[Any] | None:
    """Return the folds as an array of shape (n_rows,)."""
    if fold is None:
        return None
    fold = np.asarray(fold)
    if fold.shape != (n_rows,):
        raise ValueError(_wrong_shape("fold", fold, n_rows))
    return fold


def check_weight(sample_weight: Any, n_rows: int) -> NDArray[np.float64] | None:
    """Return the weights as an array of shape (n_rows,), if they can be some."""
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n_rows,):
        raise ValueError(_wrong_shape("sample_weight", weight, n_rows))
    if not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise ValueError(
            message(
                "sample_weight cannot be weights",
                expected="finite numbers from 0, and one above it",
                got=f"{weight.min()} to {weight.max()}",
                todo="Correct them, or leave them out",
            )
        )
    return weight


def check_proba(proba: Any, n_rows: int, classes: Sequence[Any]) -> NDArray[np.float64]:
    """Return probabilities as float64 that sums to one, if they do but for rounding.

    Parameters
    ----------
    proba : array-like of shape (n_rows, n_classes)
    n_rows : int
    classes : sequence

    Returns
    -------
    ndarray of shape (n_rows, n_classes)

    Raises
    ------
    ValueError
        If there is not one for each class, one is below 0 or above 1, or a row does not sum to 1.

    Examples
    --------
    >>> check_proba([[0.5, 0.25]], 1, ["a", "b"])
    Traceback (most recent call last):
        ...
    ValueError: The probabilities of a row do not sum to 1. Expected a sum of 1 for each row; got
    0.75 in row 0. Give the probabilities of all classes.
    """
    scores = _columns("proba", proba, n_rows, classes)
    outside = (scores < -TOLERANCE) | (scores > 1 + TOLERANCE)
    if outside.any():
        row = int(np.argwhere(outside)[0][0])
        value = scores[row].max() if scores[row].max() > 1 + TOLERANCE else scores[row].min()
        raise ValueError(
            message(
                "proba has what is no probability",
                expected="numbers from 0 to 1",
                got=f"{value:.4g} in row {row}",
                todo="Give such values as decision=",
            )
        )
    scores = scores.clip(0, 1)
    sums = scores.sum(axis=1)
    off = np.abs(sums - 1) > TOLERANCE
    if off.any():
        raise ValueError(
            message(
                "The probabilities of a row do not sum to 1",
                expected="a sum of 1 for each row",
                got=f"{sums[off][0]:.4g} in row {np.flatnonzero(off)[0]}",
                todo="Give the probabilities of all classes",
            )
        )
    return scores / sums[:, None]


def check_decision(decision: Any, n_rows: int, classes: Sequence[Any]) -> NDArray[np.float64]:
    """Return decision values as float64, (n_rows, n_classes), if there is one for each class."""
    return _columns("decision", decision, n_rows, classes)


def numbers_of(values: NDArray[Any], what: str) -> NDArray[np.float64]:
    """Return targets of a regression as float64, if all are finite numbers."""
    if values.dtype.kind in "biufO":
        try:
            numbers = values.astype(np.float64)
        except (TypeError, ValueError):
            numbers = None
        if numbers is not None:
            _check_finite(what, numbers)
            return numbers
    raise ValueError(
        message(
            f"{what} is no target of a regression",
            expected="numbers",
            got=f"{values.dtype} such as {values.ravel()[:1].tolist()[0]!r}",
            todo="Use task='classification' for labels",
        )
    )


def _columns(what: str, scores: Any, n_rows: int, classes: Sequence[Any]) -> NDArray[np.float64]:
    found = np.asarray(scores, dtype=np.float64)
    if found.shape != (n_rows, len(classes)):
        shown = ", ".join(repr(label) for label in classes[:10])
        raise ValueError(
            message(
                f"{what} has the wrong shape",
                expected=f"a row for each target and a column for each class, "
                f"{(n_rows, len(classes))} for the classes {shown}"
                + (", ..." if len(classes) > 10 else ""),
                got=str(found.shape),
                todo="Give the labels of all columns in classes=, as estimator.classes_ has them",
            )
        )
    _check_finite(what, found)
    return found


def _check_finite(what: str, values: NDArray[np.float64]) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise ValueError(
            message(
                f"{what} has values that are not finite",
                expected="finite numbers",
                got=f"{values[wrong][0]} in row {np.argwhere(wrong)[0][0]}",
                todo="Find out why, as a diverged net, or leave these rows out",
            )
        )


def _wrong_shape(what: str, values: NDArray[Any], n_rows: int) -> str:
    return message(
        f"{what} has the wrong shape",
        expected=f"one for each row, ({n_rows},)",
        got=str(values.shape),
        todo="Give as many as there are predictions",
    )
