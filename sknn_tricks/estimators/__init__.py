"""The estimators."""

from sknn_tricks.estimators._classifier import NetClassifier
from sknn_tricks.estimators._regressor import NetRegressor
from sknn_tricks.estimators._tta import TTA

__all__ = ["TTA", "NetClassifier", "NetRegressor"]
