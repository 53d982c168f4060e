"""Mixed tables as numbers."""

from sknn_tricks.preprocessing.tables._dates import DateFeatures
from sknn_tricks.preprocessing.tables._tabular import tabular_preprocessor

__all__ = ["DateFeatures", "tabular_preprocessor"]
