"""Fits and searches, written into MLflow while they run."""

from sknn_tricks.tracking._mlflow import MLflowCallback

__all__ = ["MLflowCallback"]
