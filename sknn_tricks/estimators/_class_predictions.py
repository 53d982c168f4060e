"""What a trained classifier says: probabilities, classes, and how far its members are apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import logsigmoid

from sknn_tricks.estimators._class_targets import ClassTargets
from sknn_tricks.estimators._prediction import Prediction
from sknn_tricks.estimators._tta import log_mean_of_views, mean_of_views
from sknn_tricks.fused._cpu import one_thread


class ClassPredictions(ClassTargets, Prediction):
    """The part of a classifier that predicts."""

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N, ...)

        Returns
        -------
        ndarray of float64, shape (N, O)
            Columns in the order of ``classes_``; rows sum to 1, except for multi-label targets,
            where each column is the probability that the row has that label.
        """
        return self._member_probabilities(X).mean(dim=0).numpy()

    def predict_proba_members(self, X: Any) -> NDArray[np.float64]:
        """Return what each member, or snapshot, takes for the probability of each class.

        How far they are apart tells how sure the net can be of its classes there.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N, ...)

        Returns
        -------
        ndarray of float64, shape (K, N, O)
            `predict_proba` is their mean over the K nets.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sknn_tricks import NetClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> net = NetClassifier(n_members=3, max_epochs=2, random_state=0).fit(X, y)
        >>> net.predict_proba_members(X).shape
        (3, 150, 3)
        """
        return self._member_probabilities(X).numpy()

    def predict_proba_dropout(
        self, X: Any, n_draws: int = 20, random_state: Any = None
    ) -> NDArray[np.float64]:
        """Return probabilities of several predictions with dropout (Monte Carlo dropout).

        Dropout is at work as in training, all else as in prediction without `tta`. Its spread tells
        how unsure the net is, cheaper and more roughly than `predict_proba_members` of an ensemble.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N, ...)
        n_draws : int, default=20
            Predictions, each with other entries dropped; each costs as much as a usual one.
        random_state : int, RandomState instance or None, default=None
            What is dropped. That of the estimator has no part in it.

        Returns
        -------
        ndarray of float64, shape (n_draws, N, O)
            Their mean is a prediction, their spread over the draws its uncertainty. Of an
            ensemble, or of snapshots, so many for each net, one net after the other.

        Raises
        ------
        ValueError
            If the net has no dropout.

        References
        ----------
        Y. Gal and Z. Ghahramani (2016). Dropout as a Bayesian approximation: representing model
        uncertainty in deep learning. ICML.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sknn_tricks import NetClassifier
        >>> from sknn_tricks.nets import MLP
        >>> X, y = load_iris(return_X_y=True)
        >>> net = NetClassifier(MLP(dropout=0.5), max_epochs=2, random_state=0).fit(X, y)
        >>> draws = net.predict_proba_dropout(X, random_state=0)
        >>> draws.shape, draws.mean(axis=0).shape, draws.std(axis=0).shape
        ((20, 150, 3), (150, 3), (150, 3))
        """
        outputs = self._dropout_outputs(X, n_draws, random_state)
        return self._as_probabilities(outputs).numpy()

    def _member_probabilities(self, X: Any) -> Tensor:
        return mean_of_views(self._as_probabilities(self._outputs(X)))

    def _as_probabilities(self, outputs: Tensor) -> Tensor:
        with one_thread():  # two would wait for each other where other cores are at work
            if self._multilabel:
                return outputs.sigmoid()
            if (calibration := self._imbalance.calibration) is not None:
                return calibration(outputs).exp()
            return outputs.softmax(dim=-1)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N, ...)

        Returns
        -------
        ndarray of float64, shape (N, O)
            Exact also where the probability itself is rounded to 0.
        """
        return self._log_probabilities(X, calibrated=True).numpy()

    def _log_probabilities(self, X: Any, calibrated: bool = False) -> Tensor:
        outputs = self._outputs(X)
        with one_thread():
            if self._multilabel:
                log = logsigmoid(outputs)
            elif calibrated and (calibration := self._imbalance.calibration) is not None:
                log = calibration(outputs)
            else:
                log = outputs.log_softmax(dim=-1)
            log = log_mean_of_views(log)
            return log.logsumexp(dim=0) - math.log(len(log))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most likely class of each row, or an indicator matrix of labels.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N, ...)

        Returns
        -------
        ndarray of shape (N,) or (N, O)
        """
        log = self._log_probabilities(X)
        if self._multilabel:
            return (log > -math.log(2)).numpy().astype(int)
        return self.classes_[log.argmax(dim=1).numpy()]
