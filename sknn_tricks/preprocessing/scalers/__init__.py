"""Scalers of rows of any shape, with statistics of features, channels, pixels or all numbers."""

from sknn_tricks.preprocessing.scalers._min_max_scaler import MinMaxScalerND
from sknn_tricks.preprocessing.scalers._robust_scaler import RobustScalerND
from sknn_tricks.preprocessing.scalers._standard_scaler import StandardScalerND

__all__ = ["MinMaxScalerND", "RobustScalerND", "StandardScalerND"]
