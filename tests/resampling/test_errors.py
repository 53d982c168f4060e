"""What a user is told."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
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

X = np.random.default_rng(0).normal(size=(20, 3))
y = np.repeat([0, 1], [14, 6])
CLASS_SAMPLERS = [
    AugmentedOverSampler(lambda X, rng: X),
    AutoSMOTE(),
    BalancedSampler(),
    RandomOverSampler(),
    RandomUnderSampler(),
]
SAMPLERS = [*CLASS_SAMPLERS, DropDuplicates(), DropOutliers()]


def named(sampler):
    return type(sampler).__name__


def error(action, *args, **kwargs):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the text is returned
        action(*args, **kwargs)
    return str(raised.value)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_y_is_missing(sampler):
    name = named(sampler)
    assert error(sampler.fit_resample, X, None) == (
        f"{name} requires y to be passed, but the target y is None. Expected a target for each "
        "row; got None. Call it with X and y."
    )


@pytest.mark.parametrize("sampler", CLASS_SAMPLERS, ids=named)
def test_targets_are_numbers_to_be_predicted(sampler):
    assert error(sampler.fit_resample, X, X[:, 0]) == (
        f"Unknown label type: continuous. Expected labels of classes, which {named(sampler)} "
        "counts; got numbers to be predicted. Put them into bins, or use DropDuplicates or "
        "DropOutliers, which need no classes."
    )


@pytest.mark.parametrize("sampler", CLASS_SAMPLERS, ids=named)
def test_there_is_one_class(sampler):
    assert error(sampler.fit_resample, X, ["cat"] * 20) == (
        f"y has only 1 class, cat. Expected two classes or more, which {named(sampler)} counts; "
        "got one class. Look at how the rows were chosen; stratified folds have rows of every "
        "class."
    )


@pytest.mark.parametrize("sampler", CLASS_SAMPLERS, ids=named)
def test_rows_have_several_labels(sampler):
    labels = np.ones((20, 2), int)
    labels[::2, 0] = 0
    assert "Multilabel and multioutput targets are not supported" in error(
        sampler.fit_resample, X, labels
    )


@pytest.mark.parametrize("sampler", CLASS_SAMPLERS, ids=named)
def test_labels_are_missing(sampler):
    assert "Input y contains NaN" in error(sampler.fit_resample, X, np.where(y == 0, 0.0, np.nan))


@pytest.mark.parametrize("sampler", CLASS_SAMPLERS, ids=named)
def test_labels_are_of_several_kinds(sampler):
    assert error(sampler.fit_resample, X, np.array(["cat", None] * 10, dtype=object)) == (
        "Labels are of several kinds. Expected labels that can be sorted, such as all text or all "
        "numbers; got NoneType, str. Turn them into text, and drop the rows where they are missing."
    )


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_rows_have_no_shape(sampler):
    assert error(sampler.fit_resample, X[:, 0], y) == (
        "X has 1 axis. Expected rows of features, (N, D) or (N, ...); got shape=(20,). Reshape "
        "your data, with X.reshape(-1, 1) for a single feature."
    )
    assert error(sampler.fit_resample, X[:, :0], y) == (
        "X has 0 feature(s) (shape=(20, 0)) while a minimum of 1 is required. Expected rows to "
        "sample from; got empty ones. Look at what made X."
    )
    assert error(sampler.fit_resample, X[:0], y[:0]) == (
        "X has 0 sample(s) (shape=(0, 3)) while a minimum of 1 is required. Expected rows to "
        "sample from; got none. Look at what made X."
    )
    assert error(sampler.fit_resample, X + 1j, y) == (
        "Complex data not supported. Expected real numbers, text or objects; got complex128. Give "
        "real and imaginary part as two features."
    )


def test_a_class_has_one_row():
    assert error(AutoSMOTE().fit_resample, X, np.repeat(["b", "a"], [19, 1])) == (
        "Class a has one row, and so no neighbours to make rows from. Expected at least 2 rows of "
        "each class that shall grow; got 1. Use RandomOverSampler, merge it with another class, "
        "or leave it out of sampling_strategy."
    )


def test_kind_is_not_known():
    assert error(AutoSMOTE("smoot").fit_resample, X, y) == (
        "kind='smoot' is not known. Expected one of 'adasyn', 'borderline', 'smote', 'svm'; got "
        "'smoot'. Did you mean 'smote'?"
    )


def test_synthetic_rows_have_no_weight():
    text = (
        "AutoSMOTE takes no sample_weight. Expected rows that all count the same, as nobody knows "
        "what a synthetic row weighs; got weights. Leave them out, or use RandomOverSampler, "
        "which repeats rows with their weights."
    )
    assert error(AutoSMOTE().fit_resample, X, y, sample_weight=np.ones(20)) == text
    resampled = Resampled(AutoSMOTE(), LogisticRegression())
    assert error(resampled.fit, X, y, sample_weight=np.ones(20)) == text


def test_values_are_missing():
    holes = np.where(X > 1, np.nan, X)
    assert error(AutoSMOTE().fit_resample, holes, y).startswith(
        "Input X contains NaN.\nAutoSMOTE does not accept missing values"
    )


def test_ratio_is_no_share():
    assert "The 'ratio' parameter of BalancedSampler must be a float in the range (0.0, 1.0]" in (
        error(BalancedSampler(0).fit_resample, X, y)
    )


class Suspicious(OutlierMixin, BaseEstimator):
    """Takes the rows above a value of the first feature for outliers."""

    def __init__(self, above=0.0):
        self.above = above

    def fit_predict(self, X, y=None):
        return np.where(X[:, 0] > self.above, -1, 1)


def test_all_rows_are_dropped():
    assert error(DropOutliers(Suspicious(-9)).fit_resample, X, X[:, 0]) == (
        "DropOutliers drops all rows. Expected at least one row that is left; got none. Let it "
        "drop less."
    )


def test_all_rows_of_a_class_are_dropped():
    apart = X + 99 * y[:, None]
    text = (
        "{} drops all rows of some classes. Expected at least one row of each class that is left; "
        "got none of {}. Let it drop less; if y are no classes but numbers to be predicted, make "
        "them floats."
    )
    assert error(DropOutliers(Suspicious(50)).fit_resample, apart, y) == text.format(
        "DropOutliers", 1
    )
    # a classifier's labels are classes even as floats
    resampled = Resampled(DropOutliers(Suspicious(50)), LogisticRegression())
    assert error(resampled.fit, apart, y.astype(float)) == text.format("DropOutliers", 1.0)
    sampler = DropDuplicates(conflicts="drop")
    assert error(sampler.fit_resample, [[1], [1], [2]], ["a", "b", "a"]) == text.format(
        "DropDuplicates", "'b'"
    )


def test_the_detector_is_none():
    assert error(DropOutliers(StandardScaler()).fit_resample, X, y) == (
        "detector cannot tell outliers. Expected an outlier detector, which has fit_predict, or "
        "None; got StandardScaler. Choose one, such as IsolationForest, LocalOutlierFactor or "
        "EllipticEnvelope."
    )


def test_the_sampler_is_none():
    start = "sampler cannot resample. Expected a sampler, which has fit_resample, or None; got "
    choose = "Choose one of sknn_tricks.resampling or of imbalanced-learn."
    assert error(Resampled("smote", Ridge()).fit, X, y) == f"{start}str. {choose}"
    assert error(Resampled(RandomOverSampler, Ridge()).fit, X, y) == (
        f"{start}the class RandomOverSampler. {choose}"
    )
    assert error(Resampled(StandardScaler(), Ridge()).fit, X, y) == (
        f"{start}StandardScaler. Put transformers into a Pipeline, as or before the estimator."
    )


def test_the_estimator_is_none():
    assert error(Resampled(Ridge(), DropDuplicates).fit, X, y).startswith("sampler cannot resample")
    assert error(Resampled(DropDuplicates(), Ridge).fit, X, y) == (
        "estimator cannot be trained. Expected an estimator, which has fit; got the class Ridge. "
        "Call Resampled(sampler, estimator)."
    )


def test_nobody_takes_the_weights():
    weights = np.ones(20)
    assert error(Resampled(None, KNeighborsClassifier()).fit, X, y, sample_weight=weights) == (
        "KNeighborsClassifier takes no sample_weight. Expected an estimator whose fit takes it; "
        "got weights. Leave them out; for a step of a pipeline, pass step__sample_weight to a "
        "pipeline whose last step is Resampled."
    )


def test_nobody_knows_the_weights_of_centroids():
    from imblearn.under_sampling import ClusterCentroids

    resampled = Resampled(ClusterCentroids(random_state=0), LogisticRegression())
    assert error(resampled.fit, X, y, sample_weight=np.ones(20)) == (
        "ClusterCentroids does not tell which rows it chose. Expected a sampler with "
        "sample_indices_, by which weights can be taken along; got sample_weight. Leave the "
        "weights out, or use a sampler that chooses rows."
    )


def test_there_is_no_prior_to_correct():
    assert error(Resampled(None, Ridge(), prior_correction=True).fit, X, X[:, 0]) == (
        "prior_correction is of no meaning here. Expected a classifier, whose probabilities are "
        "corrected; got Ridge. Set prior_correction=False."
    )
    net = Resampled(None, NetClassifier(max_epochs=1), prior_correction=True)
    assert error(net.fit, X, np.stack([y, 1 - y], axis=1)) == (
        "prior_correction needs classes that exclude each other. Expected one label for each row; "
        "got several columns of targets. Set prior_correction=False, or train one classifier for "
        "each label."
    )


def test_early_stopping_watches_copies():
    net = NetClassifier(max_epochs=2, early_stopping=True, random_state=0)
    for sampler in (RandomOverSampler(random_state=0), AutoSMOTE(random_state=0)):
        with pytest.warns(UserWarning, match="Early stopping") as caught:
            Resampled(sampler, net).fit(X, y)
        assert [str(warning.message) for warning in caught] == [
            "Early stopping holds out rows of which copies are trained on, and stops too late. "
            "Expected held-out rows that are not trained on; got early_stopping=True after "
            f"{named(sampler)}. Pass validation_data to fit, set early_stopping=False, or use "
            "class weights."
        ]
        assert caught[0].filename == __file__


def test_early_stopping_may_watch_other_rows():
    net = NetClassifier(max_epochs=2, early_stopping=True, random_state=0)
    Resampled(RandomOverSampler(random_state=0), net).fit(X, y, validation_data=(X, y))
    Resampled(RandomUnderSampler(random_state=0), net).fit(X, y)
    Resampled(DropDuplicates(), net).fit(X, y)
