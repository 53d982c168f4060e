"""Weights of classes and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight

from sknn_tricks._messages import message
from sknn_tricks.losses import effective_number

Scheme = Callable[[NDArray[np.intp]], NDArray[np.float64]]


def balanced(counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the weights with which classes of these many rows count the same."""
    return counts.sum() / (len(counts) * counts)


BY_NAME: dict[str, Scheme] = {"balanced": balanced, "effective": effective_number()}


def class_weights(
    class_weight: Any, classes: NDArray[Any], codes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the weight of each class; one that is not named, or has no rows, has weight 1.

    Parameters
    ----------
    class_weight : dict, {"balanced", "effective"} or callable (counts) -> weights
    classes : ndarray of shape (O,)
    codes : ndarray of int, shape (N,)
        The place of each row's class.

    Raises
    ------
    ValueError
        If a weight is below 0, or for a name that is no class while a class has no weight: likely
        a slip.

    Examples
    --------
    >>> class_weights("balanced", np.array(["a", "b", "c"]), np.array([0, 0, 0, 1]))
    array([0.66666667, 2.        , 1.        ])
    """
    if isinstance(class_weight, list):
        raise ValueError(
            message(
                "A list of class weights is for targets with several labels",
                expected="a dict of class to weight",
                got=f"class_weight={class_weight!r}",
                todo="Write it as {class: weight}",
            )
        )
    if isinstance(class_weight, dict):
        return _checked(_by_name(class_weight, classes.tolist()), class_weight)
    counts = np.bincount(codes, minlength=len(classes))
    weights = np.ones(len(classes))
    weights[counts > 0] = _scheme(class_weight)(counts[counts > 0])
    return _checked(weights, class_weight)


def label_weights(class_weight: Any, y: NDArray[Any]) -> NDArray[np.float64]:
    """Return each row's weight for targets of several labels: the product over its labels.

    Parameters
    ----------
    class_weight : list of dict, {"balanced", "effective"} or callable (counts) -> weights
    y : ndarray of shape (N, O)

    Raises
    ------
    ValueError
        If a weight is below 0, or a list is not of the length of the labels.
    """
    if isinstance(class_weight, list | dict):
        return _checked(compute_sample_weight(class_weight, y), class_weight)
    weights = np.ones(len(y))
    for column in y.T:
        _, codes, counts = np.unique(column, return_inverse=True, return_counts=True)
        weights *= _scheme(class_weight)(counts)[codes]
    return _checked(weights, class_weight)


def _scheme(class_weight: str | Scheme) -> Scheme:
    return BY_NAME[class_weight] if isinstance(class_weight, str) else class_weight


def _by_name(class_weight: dict[Any, float], known: list[Any]) -> NDArray[np.float64]:
    strange = [label for label in class_weight if label not in known]
    if strange and not all(label in class_weight for label in known):
        raise ValueError(
            message(
                "class_weight names classes that are not there",
                expected=f"some of {known}",
                got=f"{strange}",
                todo="Correct the names; a class that is not named has weight 1",
            )
        )
    return np.array([class_weight.get(label, 1.0) for label in known], dtype=np.float64)


def _checked(weights: NDArray[np.float64], class_weight: Any) -> NDArray[np.float64]:
    if (weights < 0).any():
        raise ValueError(
            message(
                "class_weight has a weight below 0",
                expected="weights of 0 or more",
                got=f"class_weight={class_weight!r}",
                todo="Correct the weights",
            )
        )
    return weights
