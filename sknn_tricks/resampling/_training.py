"""The training rows of `Resampled`: how they pass a sampler with their weights."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sknn_tricks.resampling import _refusals as refusals


@dataclass(frozen=True)
class Training:
    """Rows to train on.

    Parameters
    ----------
    X : data of shape (N, ...)
    y : array-like of shape (N,) or (N, O)
    weights : ndarray of shape (N,) or None
    """

    X: Any
    y: Any
    weights: NDArray[Any] | None

    def __len__(self) -> int:
        return int(np.shape(self.X)[0])


def resample(sampler: Any, rows: Training) -> tuple[Any, Training]:
    """Return a fitted copy of a sampler, and the rows it gives.

    Raises
    ------
    ValueError
        If there are weights, and the sampler does not tell which rows it chose.
    """
    if sampler is None:
        return None, rows
    sampler = clone(sampler)
    if rows.weights is None:
        X, y = sampler.fit_resample(rows.X, rows.y)
        return sampler, Training(X, y, None)
    if "sample_weight" in signature(sampler.fit_resample).parameters:
        X, y, weights = sampler.fit_resample(rows.X, rows.y, sample_weight=rows.weights)
        return sampler, Training(X, y, weights)
    X, y = sampler.fit_resample(rows.X, rows.y)
    if not hasattr(sampler, "sample_indices_"):
        raise ValueError(refusals.no_indices(sampler))
    return sampler, Training(X, y, rows.weights[sampler.sample_indices_])


def has_copies(sampler: Any, before: Training, after: Training) -> bool:
    """Whether rows came out of a sampler more than once, or rows made from others did."""
    chosen = getattr(sampler, "sample_indices_", None)
    if chosen is None:
        return len(after) > len(before)
    return len(np.unique(chosen)) < len(chosen)


def holds_rows_out(estimator: Any) -> bool:
    """Whether an estimator, or a step of it, is set to stop early by rows of its own choice."""
    params = estimator.get_params()
    return any(name.split("__")[-1] == "early_stopping" and params[name] is True for name in params)
