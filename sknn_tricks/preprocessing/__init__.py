"""What is done to the features before the net sees them."""

from sknn_tricks.preprocessing._dates import DateFeatures
from sknn_tricks.preprocessing._min_max_scaler import MinMaxScalerND
from sknn_tricks.preprocessing._robust_scaler import RobustScalerND
from sknn_tricks.preprocessing._smoother import Smoother
from sknn_tricks.preprocessing._standard_scaler import StandardScalerND
from sknn_tricks.preprocessing._tabular import tabular_preprocessor
from sknn_tricks.preprocessing._whitener import Whitener

__all__ = [
    "DateFeatures",
    "MinMaxScalerND",
    "RobustScalerND",
    "Smoother",
    "StandardScalerND",
    "Whitener",
    "tabular_preprocessor",
]
