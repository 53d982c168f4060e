"""Weights of rows by their class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight

from sknn_tricks._messages import message


def weights_by_label(class_weight: Any, y: NDArray[Any]) -> NDArray[np.float64]:
    """Return each row's weight as scikit-learn has it: "balanced", or of several labels.

    Raises
    ------
    ValueError
        If a weight is below 0.
    """
    return _checked(compute_sample_weight(class_weight, y), class_weight)


def weights_by_name(
    class_weight: dict[Any, float], classes: NDArray[Any], codes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return each row's weight from a dict; a class that is not named has weight 1.

    scikit-learn's function wants all the classes among the rows; a chunk lacks some.

    Parameters
    ----------
    class_weight : dict
    classes : ndarray of shape (O,)
    codes : ndarray of int, shape (N,)
        The place of each row's class.

    Raises
    ------
    ValueError
        If a weight is below 0, or for a name that is no class while a class has no weight: likely
        a slip.
    """
    known = classes.tolist()
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
    return _checked(np.array([class_weight.get(c, 1.0) for c in known])[codes], class_weight)


def _checked(by_class: NDArray[np.float64], class_weight: Any) -> NDArray[np.float64]:
    if (by_class < 0).any():
        raise ValueError(
            message(
                "class_weight has a weight below 0",
                expected="weights of 0 or more",
                got=f"class_weight={class_weight!r}",
                todo="Correct the weights",
            )
        )
    return by_class
