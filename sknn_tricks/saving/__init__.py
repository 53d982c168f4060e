"""Fitted estimators in one file, from which loading runs no code."""

from sknn_tricks.saving._load import load
from sknn_tricks.saving._save import save

__all__ = ["load", "save"]
