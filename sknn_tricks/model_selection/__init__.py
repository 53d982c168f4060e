"""scikit-learn's searches and cross-validations, with nets that are trained together."""

from sknn_tricks.model_selection._functions import (
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sknn_tricks.model_selection._lr_range import LRRangeTest, lr_range_test
from sknn_tricks.model_selection._optuna import FusedOptunaSearchCV
from sknn_tricks.model_selection._searches import (
    FusedGridSearchCV,
    FusedHalvingGridSearchCV,
    FusedHalvingRandomSearchCV,
    FusedRandomizedSearchCV,
)

__all__ = [
    "FusedGridSearchCV",
    "FusedHalvingGridSearchCV",
    "FusedHalvingRandomSearchCV",
    "FusedOptunaSearchCV",
    "FusedRandomizedSearchCV",
    "LRRangeTest",
    "cross_val_predict",
    "cross_val_score",
    "cross_validate",
    "learning_curve",
    "lr_range_test",
    "validation_curve",
]
