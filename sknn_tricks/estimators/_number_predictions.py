"""What a trained regressor says: numbers in the user's units, and how far its members are apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks.estimators._number_targets import NumberTargets
from sknn_tricks.estimators._prediction import Prediction
from sknn_tricks.estimators._tta import mean_of_views


class NumberPredictions(NumberTargets, Prediction):
    """The part of a regressor that predicts."""

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the predicted targets.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N, ...)

        Returns
        -------
        ndarray of float64, shape (N,) or (N, O)
            In the units of the targets in `fit`.
        """
        return self._in_units(mean_of_views(self._outputs(X)).mean(dim=0)) + self._shift

    def predict_std(self, X: Any) -> NDArray[np.float64]:
        """Return how far the members of the ensemble, or the snapshots, are apart.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N, ...)

        Returns
        -------
        ndarray of float64, shape (N,) or (N, O)
            Standard deviation of the members' predictions, in the units of the targets; 0 for a
            single net. It says how unsure the fit is there, not how noisy the targets are.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sknn_tricks import NetRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> net = NetRegressor(n_members=3, max_epochs=2, random_state=0).fit(X, y)
        >>> net.predict_std(X).shape
        (442,)
        """
        return self._in_units(mean_of_views(self._outputs(X)).std(dim=0, correction=0))

    def predict_dropout(
        self, X: Any, n_draws: int = 20, random_state: Any = None
    ) -> NDArray[np.float64]:
        """Return several predictions with dropout (Monte Carlo dropout).

        Dropout is at work as in training, all else as in prediction without `tta`. Its spread tells
        how unsure the net is, cheaper and more roughly than `predict_std` of an ensemble.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N, ...)
        n_draws : int, default=20
            Predictions, each with other entries dropped; each costs as much as a usual one.
        random_state : int, RandomState instance or None, default=None
            What is dropped. That of the estimator has no part in it.

        Returns
        -------
        ndarray of float64, shape (n_draws, N) or (n_draws, N, O)
            In the units of the targets. Of an ensemble, or of snapshots, so many for each net, one
            net after the other.

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
        >>> from sklearn.datasets import load_diabetes
        >>> from sknn_tricks import NetRegressor
        >>> from sknn_tricks.nets import MLP
        >>> X, y = load_diabetes(return_X_y=True)
        >>> net = NetRegressor(MLP(dropout=0.2), max_epochs=2, random_state=0).fit(X, y)
        >>> net.predict_dropout(X, n_draws=50, random_state=0).std(axis=0).shape
        (442,)
        """
        outputs = self._dropout_outputs(X, n_draws, random_state)
        return np.stack([self._in_units(each) for each in outputs]) + self._shift

    def _in_units(self, outputs: Tensor) -> NDArray[np.float64]:
        """Return outputs (N, O) in the scale and shape of the targets."""
        scaled = outputs.numpy() * self.target_scale_
        return scaled if self._targets_2d else scaled[:, 0]

    @property
    def _shift(self) -> Any:
        return self.target_mean_ if self._targets_2d else self.target_mean_[0]
