"""Transfer learning: nets that were trained on other data, as features and as a start."""

from sknn_tricks.transfer._features import FeatureExtractor
from sknn_tricks.transfer._fine_tuner import FineTuner
from sknn_tricks.transfer._linear_score import linear_score

__all__ = ["FeatureExtractor", "FineTuner", "linear_score"]
