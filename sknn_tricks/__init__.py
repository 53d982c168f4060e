"""Neural nets and their training tricks as scikit-learn estimators."""

from sknn_tricks._on_disk import OnDisk
from sknn_tricks.estimators import NetClassifier, NetRegressor

__all__ = ["NetClassifier", "NetRegressor", "OnDisk", "__version__"]
__version__ = "0.1.0"
