"""Training rows drawn again, made up or left out, inside the folds of a cross-validation.

Samplers follow imbalanced-learn's protocol, ``fit_resample(X, y)``. scikit-learn's pipelines know
none of it: `Resampled` makes a sampler and an estimator one estimator, whose sampler sees the
training rows only.
"""

from sknn_tricks.resampling._augmented_over_sampler import AugmentedOverSampler
from sknn_tricks.resampling._auto_smote import AutoSMOTE
from sknn_tricks.resampling._balanced_sampler import BalancedSampler
from sknn_tricks.resampling._drop_duplicates import DropDuplicates
from sknn_tricks.resampling._drop_outliers import DropOutliers
from sknn_tricks.resampling._random_over_sampler import RandomOverSampler
from sknn_tricks.resampling._random_under_sampler import RandomUnderSampler
from sknn_tricks.resampling._resampled import Resampled

__all__ = [
    "AugmentedOverSampler",
    "AutoSMOTE",
    "BalancedSampler",
    "DropDuplicates",
    "DropOutliers",
    "RandomOverSampler",
    "RandomUnderSampler",
    "Resampled",
]
