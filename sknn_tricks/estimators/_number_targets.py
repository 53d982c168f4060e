"""What the targets of a regressor mean: numbers, standardised for the net."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks._messages import message
from sknn_tricks.estimators._data import Data
from sknn_tricks.estimators._scores import r2
from sknn_tricks.fused import Task
from sknn_tricks.losses import absolute_error, huber, make_regression_loss, squared_error


class NumberTargets:
    """The part of a regressor that knows its targets.

    Attributes
    ----------
    target_mean_, target_scale_ : ndarray of shape (O,)
    """

    target_mean_: NDArray[np.float64]
    target_scale_: NDArray[np.float64]
    dtype: str
    loss: Any
    _targets_2d: bool

    def _check_y(self, y: NDArray[Any]) -> NDArray[Any]:
        if y.dtype.kind in "US":
            raise ValueError(
                message(
                    "y holds text",
                    expected="numbers",
                    got=f"such as {y.ravel()[0]!s}",
                    todo="Convert it with y.astype(float), or use NetClassifier for labels",
                )
            )
        return y.astype(np.float64)

    def _learn_target(self, data: Data, classes: Any, resume: bool) -> None:
        if resume:
            self._check_n_targets(data.y)
            return
        self._targets_2d = data.y.ndim == 2
        columns = data.y.reshape(len(data), -1)
        self.target_mean_ = np.average(columns, axis=0, weights=data.weight)
        with np.errstate(over="ignore"):
            variance = np.average((columns - self.target_mean_) ** 2, axis=0, weights=data.weight)
        # A constant target's variance is rounding error: dividing by it would blow that up.
        floor = (10 * np.finfo(np.float64).eps * np.abs(self.target_mean_)) ** 2
        self.target_scale_ = np.where(variance > floor, np.sqrt(variance), 1.0)
        if not np.isfinite(self.target_scale_).all():
            raise ValueError(
                message(
                    "y is too large to be standardised",
                    expected="targets below 1e150",
                    got=f"up to {np.abs(columns).max():.3g}",
                    todo="Choose a larger unit for the targets",
                )
            )

    def _check_n_targets(self, y: NDArray[Any]) -> None:
        n_targets = y.reshape(len(y), -1).shape[1]
        if n_targets != self._n_outputs:
            raise ValueError(
                message(
                    "y has another number of targets than before",
                    expected=f"{self._n_outputs}",
                    got=f"{n_targets}",
                    todo="Give the same targets, or fit anew with warm_start=False",
                )
            )

    def _encode(self, y: NDArray[Any]) -> NDArray[Any]:
        self._check_n_targets(y)
        columns = y.reshape(len(y), -1)
        return ((columns - self.target_mean_) / self.target_scale_).astype(self.dtype)

    def _labels(self, y: NDArray[Any]) -> NDArray[Any] | None:
        return None

    @property
    def _n_outputs(self) -> int:
        return len(self.target_mean_)

    def _task(self) -> Task:
        loss = make_regression_loss(self.loss)
        return Task(loss, r2, Tensor.clone, _constant_loss(loss))


def _constant_loss(loss: Callable[..., Tensor]) -> float:
    """Return what predicting a constant costs where standardised targets are normal, or a bound."""
    of_absolute = math.sqrt(2 / math.pi)
    if loss is squared_error:
        return 1.0
    if loss is absolute_error:
        return of_absolute
    if isinstance(loss, huber):
        return min(0.5, loss.delta * of_absolute)
    return math.inf  # a loss of the user's own may be of any size
