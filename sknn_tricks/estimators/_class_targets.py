"""What the targets of a classifier mean: classes or several labels, their sizes and weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks.estimators import _refusals as refusals
from sknn_tricks.estimators._balance import Imbalance, imbalance, label_imbalance
from sknn_tricks.estimators._class_weights import label_weights
from sknn_tricks.estimators._data import Data
from sknn_tricks.estimators._labels import (
    check_known,
    check_same_classes,
    check_targets,
    known_classes,
)
from sknn_tricks.estimators._scores import accuracy, label_accuracy
from sknn_tricks.fused import Task
from sknn_tricks.fused._balance import NO_BALANCE, Balance
from sknn_tricks.fused._net import softmax
from sknn_tricks.fused.stacks._losses import stacked_loss


class ClassTargets:
    """The part of a classifier that knows its targets.

    Attributes
    ----------
    classes_ : ndarray of shape (O,)
    """

    classes_: NDArray[Any]
    dtype: str
    class_weight: Any
    balanced_batches: bool
    balance_after: float
    _multilabel: bool
    _imbalance: Imbalance

    def _check_y(self, y: NDArray[Any]) -> NDArray[Any]:
        return check_targets(y)

    def _learn_target(self, data: Data, classes: Any, resume: bool) -> None:
        if resume:
            self._check_kind(data.y)
            check_same_classes(data.y, self.classes_, classes)
        else:
            self.classes_ = known_classes(data.y, classes)
            self._multilabel = data.y.ndim == 2
        if self._multilabel:
            self._imbalance = label_imbalance(self, data)
        else:
            before = self._imbalance if resume else None
            self._imbalance = imbalance(self, data, self._encode(data.y), before)

    def _row_weights(self, data: Data) -> NDArray[Any] | None:
        if not self._multilabel or self.class_weight is None:
            return data.weight
        by_label = label_weights(self.class_weight, data.y)
        return by_label if data.weight is None else by_label * data.weight

    def _class_factors(self, data: Data) -> NDArray[Any] | None:
        sizes = self._imbalance.sizes
        if sizes is None or sizes.factors is None:
            return None
        return sizes.factors[self._encode(data.y)]

    def _balance(self, max_epochs: int) -> Balance:
        sizes = self._imbalance.sizes
        if sizes is None:
            return NO_BALANCE
        return sizes.balance(self.balanced_batches, int(self.balance_after * max_epochs))

    def _check_kind(self, y: NDArray[Any]) -> None:
        wanted = (len(self.classes_),) if self._multilabel else ()
        if y.shape[1:] != wanted:
            raise ValueError(refusals.other_kind(y.shape, (len(y), *wanted)))

    def _encode(self, y: NDArray[Any]) -> NDArray[Any]:
        self._check_kind(y)
        if self._multilabel:
            return y.astype(self.dtype)
        check_known(np.unique(y), self.classes_)
        return np.searchsorted(self.classes_, y)

    def _labels(self, y: NDArray[Any]) -> NDArray[Any] | None:
        return None if self._multilabel else y

    @property
    def _n_outputs(self) -> int:
        return len(self.classes_)

    def _task(self) -> Task:
        loss, n_classes = self._imbalance.loss, self._n_outputs
        # A loss of the user's own may be of any size.
        constant = math.log(2 if self._multilabel else n_classes)
        constant = constant if stacked_loss(loss) is not None else math.inf
        if self._multilabel:
            return Task(loss, label_accuracy, Tensor.sigmoid, constant)
        return Task(loss, accuracy, softmax, constant, n_classes)
