"""Learning curves of a candidate: means over its folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._messages import message

Epochs = Sequence[Mapping[str, Any]]
# Row of ``cv_results_`` to its folds, each a list of epochs.
Curves = Mapping[int, Sequence[Epochs]]
SETS = ("train", "valid")


@dataclass(frozen=True, eq=False)
class Course:
    """One metric of a candidate over the epochs.

    Parameters
    ----------
    epochs : ndarray of shape (n_epochs,), int
    mean, std : ndarray of shape (n_epochs,)
        Over the folds that were still training.
    n_folds : ndarray of shape (n_epochs,), int
        How many these are.
    """

    epochs: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    n_folds: NDArray[np.int64]


def check_curves(curves: Curves | None, n_rows: int) -> dict[int, Sequence[Epochs]]:
    """Return curves, without candidates that have none.

    Parameters
    ----------
    curves : mapping or None
    n_rows : int
        Rows of ``cv_results_``.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If a key is no row of ``cv_results_``.
    """
    found = dict(curves or {})
    wrong = [row for row in found if row not in range(n_rows)]
    if wrong:
        raise ValueError(
            message(
                "The curves are not of this search",
                expected=f"rows of cv_results_ as keys, 0 to {n_rows - 1}",
                got=repr(wrong[0]),
                todo="Give {row: [epochs of fold 0, epochs of fold 1, ...]}",
            )
        )
    return {row: folds for row, folds in found.items() if any(folds)}


def course(folds: Sequence[Epochs], metric: str) -> Course | None:
    """Return the mean of a metric over the folds, epoch by epoch.

    Parameters
    ----------
    folds : sequence of sequence of dict
        The epochs of each fold; they may have stopped at different ones.
    metric : str

    Returns
    -------
    Course or None
        None if no epoch has the metric.

    Examples
    --------
    >>> first, second = [{"epoch": 1, "loss": 4.0}, {"epoch": 2, "loss": 3.0}], [{"loss": 2.0}]
    >>> found = course([first, second], "loss")
    >>> found.mean, found.n_folds
    (array([3., 3.]), array([2, 1]))
    """
    by_fold = [by_epoch(fold, metric) for fold in folds]
    epochs = np.array(sorted(set().union(*by_fold)), np.int64)
    if not len(epochs):
        return None
    values = np.array([[fold.get(epoch, np.nan) for epoch in epochs] for fold in by_fold])
    is_there = np.isfinite(values)
    n = is_there.sum(axis=0)
    mean = np.where(is_there, values, 0).sum(axis=0) / n
    squares = np.where(is_there, values - mean, 0) ** 2
    return Course(epochs, mean, np.sqrt(squares.sum(axis=0) / n), n)


def by_epoch(fold: Epochs | None, metric: str) -> dict[int, float]:
    """Return the finite values of a metric in one fold by epoch; epochs count from 1."""
    return {
        int(row.get("epoch", i)): float(row[metric])
        for i, row in enumerate(fold or (), start=1)
        if metric in row and np.isfinite(row[metric])
    }


def metrics_of(curves: Curves) -> dict[str, list[str]]:
    """Return what there is to draw: kinds of metrics, the loss first, and the keys of each.

    Examples
    --------
    >>> metrics_of({0: [[{"epoch": 1, "train_loss": 1.0, "valid_loss": 2.0, "lr": 0.1}]]})
    {'loss': ['train_loss', 'valid_loss']}
    """
    names = {
        key
        for folds in curves.values()
        for fold in folds
        for row in (fold or ())[:1]
        for key in row
        if key.split("_")[0] in SETS and "_" in key
    }
    kinds = sorted({name.split("_", 1)[1] for name in names}, key=lambda kind: kind != "loss")
    return {
        kind: [f"{part}_{kind}" for part in SETS if f"{part}_{kind}" in names] for kind in kinds
    }


def ends_too_early(folds: Sequence[Epochs]) -> bool:
    """Tell whether most folds were at their best in their last epoch.

    By ``monitor``, a score, where there is one, else by ``valid_loss``; the loss in training
    tells nothing.

    Examples
    --------
    >>> ends_too_early([[{"valid_loss": 3.0}, {"valid_loss": 2.0}, {"valid_loss": 1.0}]])
    True
    >>> ends_too_early([[{"valid_loss": 1.0}, {"valid_loss": 2.0}]])
    False
    """
    last = [_is_best_at_end(fold) for fold in folds if fold and len(fold) > 1]
    return 2 * sum(last) > len(last)


def _is_best_at_end(fold: Epochs) -> bool:
    losses = {epoch: -score for epoch, score in by_epoch(fold, "monitor").items()}
    losses = losses or by_epoch(fold, "valid_loss")
    return bool(losses) and min(losses, key=lambda e: losses[e]) == max(losses)
