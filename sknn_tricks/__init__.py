"""Neural nets and their training tricks as scikit-learn estimators."""

from sknn_tricks.estimators import NetClassifier, NetRegressor

__all__ = ["NetClassifier", "NetRegressor", "__version__"]
__version__ = "0.1.0"
