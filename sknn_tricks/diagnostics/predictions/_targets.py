"""What targets are: labels or numbers, of one output or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import is_classifier, is_regressor

from sknn_tricks._messages import message

# What a target can be. "multilabel" is several outputs of 0 or 1, "multioutput" several of classes.
CLASSES, NUMBERS, LABELS, OUTPUTS = "classification", "regression", "multilabel", "multioutput"
# Floats of more values than this are no labels.
FLOAT_CLASSES = 20


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets as an array, and what they are.

    Parameters
    ----------
    kind : {"classification", "regression", "multilabel", "multioutput"}
    values : ndarray of shape (N,) or (N, O)
    names : tuple of str
        Of the outputs; empty for one output.
    labels : tuple of tuple
        For each output, its classes in order; empty for regression.
    """

    kind: str
    values: NDArray[Any]
    names: tuple[str, ...]
    labels: tuple[tuple[Any, ...], ...]


def targets_of(estimator: Any, y: Any) -> Targets:
    """Return the targets of an estimator's fit.

    Parameters
    ----------
    estimator : classifier or regressor
    y : array-like of shape (N,) or (N, O)

    Returns
    -------
    Targets

    Raises
    ------
    TypeError
        If the estimator is no classifier or regressor.
    ValueError
        If `y` is missing somewhere, has a wrong shape or labels that cannot be sorted.
    """
    values = as_values(y, "y")
    if is_regressor(estimator):
        return Targets(NUMBERS, values, output_names(y, values), ())
    if not is_classifier(estimator):
        raise TypeError(
            message(
                f"{type(estimator).__name__} does not say what it predicts",
                expected="a classifier or a regressor",
                got="an estimator whose tags name neither",
                todo="Derive it from sklearn.base.ClassifierMixin or RegressorMixin",
            )
        )
    kind = kind_of_classes(values)
    labels = labels_of_outputs(kind, values)
    return Targets(kind, values, output_names(y, values), labels)


def labels_of_outputs(kind: str, *values: NDArray[Any]) -> tuple[tuple[Any, ...], ...]:
    """Return the classes of each output, of targets and predictions together."""
    if kind == LABELS:  # one that is never there still can be
        return ((0, 1),) * values[0].shape[1]
    columns = zip(*map(columns_of, values), strict=True)
    return tuple(labels_of(*column) for column in columns)


def kind_of_classes(values: NDArray[Any]) -> str:
    """Return what targets of classes are, by their shape and values."""
    if values.ndim == 1:
        return CLASSES
    return LABELS if values.dtype.kind in "biuf" and np.isin(values, (0, 1)).all() else OUTPUTS


def looks_like_classes(true: NDArray[Any], predicted: NDArray[Any]) -> bool:
    """Whether targets are labels: texts, booleans, integers, or floats of few whole numbers.

    Predictions that are no whole numbers say that whole numbers are targets of a regression.
    """
    if predicted.dtype.kind == "f" and not (predicted == np.floor(predicted)).all():
        return False
    if true.dtype.kind != "f":
        return true.dtype.kind != "c"
    return bool((true == np.floor(true)).all()) and len(np.unique(true)) <= FLOAT_CLASSES


def as_values(y: Any, what: str) -> NDArray[Any]:
    """Return targets as an array of shape (N,), or (N, O) for several outputs.

    Parameters
    ----------
    y : array-like or sparse matrix of shape (N,) or (N, O)
    what : str
        Its name in error texts.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If there are none, some are missing, or there are more than two axes.
    """
    import pandas as pd

    if issparse(y):
        y = y.toarray()
    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in (1, 2) or 0 in values.shape:
        raise ValueError(
            message(
                f"{what} has the wrong shape",
                expected="a target for each row, (N,), or several, (N, O)",
                got=str(values.shape),
                todo="Reshape it",
            )
        )
    n_missing = int(pd.isna(values).sum())
    if n_missing:
        raise ValueError(
            message(
                f"{what} is missing somewhere",
                expected="a label or number for each row",
                got=f"{n_missing} missing",
                todo="Leave these rows out",
            )
        )
    if values.dtype.kind == "O" and values.ndim == 1:  # pandas' own integers and booleans
        values = pd.Series(values).infer_objects().to_numpy()
    return values


def columns_of(values: NDArray[Any]) -> list[NDArray[Any]]:
    """Return the targets of each output, (N,) each."""
    return [values] if values.ndim == 1 else list(values.T)


def output_names(y: Any, values: NDArray[Any]) -> tuple[str, ...]:
    """Return the names of the outputs: of columns, or else their numbers; none for one output."""
    if values.ndim == 1:
        return ()
    return tuple(map(str, getattr(y, "columns", range(values.shape[1]))))


def labels_of(*values: NDArray[Any]) -> tuple[Any, ...]:
    """Return the labels that occur, in order, as plain Python values.

    Examples
    --------
    >>> import numpy as np
    >>> labels_of(np.array(["b", "a", "b"])), labels_of(np.array([2, 1]), np.array([3]))
    (('a', 'b'), (1, 2, 3))
    """
    import pandas as pd

    found = {label for each in values for label in pd.unique(as_objects(each)).tolist()}
    try:
        return tuple(sorted(found))
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in found})
        raise ValueError(
            message(
                "The labels cannot be put in order",
                expected="labels of one type",
                got=" and ".join(kinds),
                todo="Make them all texts or all numbers",
            )
        ) from error


def codes_of(values: NDArray[Any], labels: Sequence[Any], what: str) -> NDArray[np.int64]:
    """Return the number of each label among all labels.

    Parameters
    ----------
    values : ndarray of shape (N,)
    labels : sequence
        All labels.
    what : str
        Name of the values in the error text.

    Returns
    -------
    ndarray of shape (N,)

    Raises
    ------
    ValueError
        If a value is none of the labels.

    Examples
    --------
    >>> import numpy as np
    >>> codes_of(np.array(["b", "a", "b"]), ["a", "b"], "y_true")
    array([1, 0, 1])
    """
    import pandas as pd

    if values.dtype.kind == "b" and not isinstance(labels[0], bool):
        values = values.astype(np.int64)
    index = pd.Index(list(labels), dtype=object if isinstance(labels[0], str) else None)
    codes = index.get_indexer(pd.Index(as_objects(values)))
    if (codes < 0).any():
        unknown = np.asarray(values)[codes < 0][0]
        shown = ", ".join(repr(label) for label in labels[:10])
        raise ValueError(
            message(
                f"{what} has a label that is not among the classes",
                expected=f"one of {shown}" + (", ..." if len(labels) > 10 else ""),
                got=repr(unknown.item() if isinstance(unknown, np.generic) else unknown),
                todo="Give all classes in classes=",
            )
        )
    return codes.astype(np.int64)


def as_objects(values: NDArray[Any]) -> NDArray[Any]:
    """Return texts as Python objects, which pandas hashes, and all else as it is."""
    return values.astype(object) if values.dtype.kind in "US" else values
