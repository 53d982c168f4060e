"""What is done to the features before the net sees them."""

from sknn_tricks.preprocessing._smoother import Smoother
from sknn_tricks.preprocessing.scalers import MinMaxScalerND, RobustScalerND, StandardScalerND
from sknn_tricks.preprocessing.tables import DateFeatures, tabular_preprocessor
from sknn_tricks.preprocessing.whitening import Whitener

__all__ = [
    "DateFeatures",
    "MinMaxScalerND",
    "RobustScalerND",
    "Smoother",
    "StandardScalerND",
    "Whitener",
    "tabular_preprocessor",
]
