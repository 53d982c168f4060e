"""The checks of scikit-learn and of imbalanced-learn."""

import pytest
from imblearn.utils.estimator_checks import estimator_checks_generator
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknn_tricks.resampling import (
    AugmentedOverSampler,
    AutoSMOTE,
    BalancedSampler,
    DropDuplicates,
    DropOutliers,
    RandomOverSampler,
    RandomUnderSampler,
    Resampled,
)


class Unchanged:
    """Of a name without an address, so that the tests are called the same in each process."""

    def __call__(self, X_rows, random_state):
        return X_rows

    def __repr__(self):
        return "unchanged"


FOREST = IsolationForest(n_estimators=3, contamination=0.01, random_state=0)
SAMPLERS = [
    AugmentedOverSampler(Unchanged(), random_state=0),
    AutoSMOTE(random_state=0),
    AutoSMOTE("borderline", random_state=0),
    BalancedSampler(random_state=0),
    DropDuplicates(),
    DropOutliers(FOREST),
    DropOutliers(FOREST, per_class=True),
    RandomOverSampler(random_state=0),
    RandomUnderSampler(random_state=0),
]


@parametrize_with_checks(SAMPLERS)
def test_sampler_passes_check_of_sklearn(estimator, check):
    check(estimator)


# imbalanced-learn's checks are of samplers that bring classes into balance. These two drop rows,
# whatever their targets.
NO_CLASSES_NEEDED = {
    "check_target_type": "numbers to be predicted are no error",
    "check_samplers_one_label": "a single class is no error",
    "check_samplers_fit": "no strategy is learned",
}
UNLIKE_IMBLEARN = {
    "DropDuplicates": NO_CLASSES_NEEDED,
    "DropOutliers": NO_CLASSES_NEEDED,
    "DropOutliers of each class": {"check_samplers_fit": "no strategy is learned"},
}


def checks_of_imblearn():
    for sampler in SAMPLERS:
        name = type(sampler).__name__
        name += " of each class" if getattr(sampler, "per_class", False) else ""
        for estimator, check in estimator_checks_generator(sampler):
            reason = UNLIKE_IMBLEARN.get(name, {}).get(check.func.__name__)
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            yield pytest.param(estimator, check, marks=marks, id=f"{name}-{check.func.__name__}")


@pytest.mark.parametrize(("estimator", "check"), list(checks_of_imblearn()))
def test_sampler_passes_check_of_imblearn(estimator, check):
    check(estimator)


def unlike_sklearn(resampled):
    if resampled.sampler is None:
        return {}
    kinds = ("dense", "sparse")
    why = "a row of weight 2 counts as one row when rows are chosen"
    failures = {f"check_sample_weight_equivalence_on_{kind}_data": why for kind in kinds}
    if isinstance(resampled.sampler, DropDuplicates):
        failures["check_dtype_object"] = "it compares objects, and refuses a dict by another error"
    return failures


@parametrize_with_checks(
    [
        Resampled(None, LogisticRegression(), prior_correction=True),
        Resampled(RandomUnderSampler(random_state=0), LogisticRegression()),
        Resampled(BalancedSampler(random_state=0), LogisticRegression(), prior_correction=True),
        Resampled(DropDuplicates(), Ridge()),
        Resampled(DropOutliers(FOREST), Ridge()),
    ],
    expected_failed_checks=unlike_sklearn,
    xfail_strict=True,
)
def test_resampled_passes_check_of_sklearn(estimator, check):
    check(estimator)
