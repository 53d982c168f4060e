"""Fits and searches, written into MLflow while they run."""

from typing import TYPE_CHECKING

from sknn_tricks._lazy import attach

if TYPE_CHECKING:
    from sknn_tricks.tracking._callback import MLflowCallback
    from sknn_tricks.tracking.stores._init_store import init_store

__all__ = ["MLflowCallback", "init_store"]
__getattr__, __dir__ = attach(
    __name__,
    {
        "MLflowCallback": "sknn_tricks.tracking._callback",
        "init_store": "sknn_tricks.tracking.stores._init_store",
    },
)
