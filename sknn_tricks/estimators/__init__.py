"""The estimators."""

from sknn_tricks.estimators._classifier import NetClassifier
from sknn_tricks.estimators._regressor import NetRegressor

__all__ = ["NetClassifier", "NetRegressor"]
