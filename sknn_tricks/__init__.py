"""Neural nets and their training tricks as scikit-learn estimators."""

from typing import TYPE_CHECKING

from sknn_tricks._lazy import attach

if TYPE_CHECKING:
    from sknn_tricks.estimators import NetClassifier, NetRegressor
    from sknn_tricks.on_disk import ImageFolder, OnDisk
    from sknn_tricks.saving import load, save

__all__ = ["ImageFolder", "NetClassifier", "NetRegressor", "OnDisk", "__version__", "load", "save"]
__version__ = "0.1.0"
__getattr__, __dir__ = attach(
    __name__,
    {
        "ImageFolder": "sknn_tricks.on_disk",
        "NetClassifier": "sknn_tricks.estimators",
        "NetRegressor": "sknn_tricks.estimators",
        "OnDisk": "sknn_tricks.on_disk",
        "load": "sknn_tricks.saving",
        "save": "sknn_tricks.saving",
    },
)
