"""What the targets of classification are, and their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sknn_tricks.estimators import _refusals as refusals


def check_targets(y: NDArray[Any]) -> NDArray[Any]:
    """Return targets of one class a row as (N,), those of several labels as (N, O).

    Raises
    ------
    ValueError
        If they are no classes, or several columns of them.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    kind = type_of_target(y, input_name="y")
    if kind in ("continuous", "continuous-multioutput", "unknown"):
        check_classification_targets(y)  # raises
    if kind == "multiclass-multioutput":
        raise ValueError(refusals.several_columns(y.shape))
    return y


def known_classes(y: NDArray[Any], classes: Any) -> NDArray[Any]:
    """Return the classes of a first fit, sorted: those that are named, or else those there are.

    Raises
    ------
    ValueError
        If there are fewer than two, or a target is none of them.
    """
    seen = np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)
    known = seen if classes is None else np.unique(classes)
    if y.ndim == 1 and len(known) < 2:
        raise ValueError(refusals.one_class(known.tolist()[0]))
    check_known(seen, known)
    return known


def check_same_classes(y: NDArray[Any], known: NDArray[Any], classes: Any) -> None:
    """Raise if later targets have other classes, or other ones are named."""
    if classes is not None and not np.array_equal(named := np.unique(classes), known):
        raise ValueError(refusals.unknown_classes(known, named))
    check_known(np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y), known)


def check_known(seen: NDArray[Any], known: NDArray[Any]) -> None:
    """Raise if a class is none of the known ones."""
    strange = seen[~np.isin(seen, known)]
    if len(strange):
        raise ValueError(refusals.unknown_classes(known, strange))
