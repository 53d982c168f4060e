"""A sampler and an estimator as one estimator."""

import pickle

import imblearn.pipeline
import imblearn.under_sampling
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes, make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils import get_tags

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.fused import fused_training
from sknn_tricks.model_selection import FusedGridSearchCV
from sknn_tricks.nets import MLP
from sknn_tricks.resampling import (
    AutoSMOTE,
    BalancedSampler,
    DropDuplicates,
    DropOutliers,
    RandomOverSampler,
    RandomUnderSampler,
    Resampled,
)


@pytest.fixture
def data():
    """X of shape (200, 4), three classes of very different size."""
    return make_classification(
        200, 4, n_informative=3, n_redundant=0, n_classes=3, weights=[0.7, 0.2], random_state=1
    )


@pytest.fixture
def net():
    return NetClassifier(MLP(hidden=(8,)), max_epochs=2, lr=0.02, random_state=0)


# --- fit ------------------------------------------------------------------------------------


def test_it_is_the_estimator_fitted_on_resampled_rows(data):
    sampler, estimator = AutoSMOTE(random_state=0), LogisticRegression()
    resampled = Resampled(sampler, estimator).fit(*data)
    alone = clone(estimator).fit(*sampler.fit_resample(*data))
    X, y = data
    np.testing.assert_array_equal(resampled.predict(X), alone.predict(X))
    np.testing.assert_array_equal(resampled.predict_proba(X), alone.predict_proba(X))
    np.testing.assert_array_equal(resampled.predict_log_proba(X), alone.predict_log_proba(X))
    np.testing.assert_array_equal(resampled.decision_function(X), alone.decision_function(X))
    assert resampled.score(X, y) == alone.score(X, y)
    assert resampled.score(X, y, sample_weight=y + 1) == alone.score(X, y, sample_weight=y + 1)


def test_sampler_and_estimator_stay_as_they_are(data):
    sampler, estimator = RandomUnderSampler(random_state=0), LogisticRegression()
    resampled = Resampled(sampler, estimator).fit(*data)
    assert resampled.sampler_.sample_indices_.shape == (3 * min(np.bincount(data[1])),)
    assert not hasattr(sampler, "sample_indices_")
    assert not hasattr(estimator, "coef_")


def test_no_sampler_passes_all_rows_on(data):
    resampled = Resampled(None, LogisticRegression()).fit(*data)
    np.testing.assert_array_equal(resampled.estimator_.coef_, LogisticRegression().fit(*data).coef_)
    assert resampled.sampler_ is None


def test_weights_go_along(data):
    X, y = data
    weights = np.random.default_rng(0).uniform(0.1, 5, len(y))
    ours = RandomUnderSampler(random_state=0)
    theirs = imblearn.under_sampling.RandomUnderSampler(random_state=0)
    for sampler in (ours, theirs):
        resampled = Resampled(sampler, LogisticRegression()).fit(X, y, sample_weight=weights)
        rows = resampled.sampler_.sample_indices_
        alone = LogisticRegression().fit(X[rows], y[rows], sample_weight=weights[rows])
        np.testing.assert_array_equal(resampled.estimator_.coef_, alone.coef_)
        assert not np.array_equal(alone.coef_, LogisticRegression().fit(X[rows], y[rows]).coef_)


def test_other_parameters_of_fit_are_passed_on(data, net):
    X, y = data
    resampled = Resampled(RandomOverSampler(random_state=0), net)
    resampled.fit(X, y, validation_data=(X[:50], y[:50]))
    assert "valid_loss" in resampled.estimator_.history_[-1]


def test_a_failing_fit_leaves_no_trace(data):
    X, y = data
    resampled = Resampled(RandomOverSampler(random_state=0), LogisticRegression()).fit(X, y)
    before = dict(vars(resampled))
    with pytest.raises(ValueError, match="could not convert string"):
        resampled.fit([["a"]] * len(y), y)
    assert vars(resampled) == before


def test_it_can_be_fitted_again_without_correction(data):
    resampled = Resampled(BalancedSampler(random_state=0), GaussianNB(), prior_correction=True)
    resampled.fit(*data).set_params(prior_correction=False).fit(*data)
    assert not hasattr(resampled, "log_prior_shift_")


# --- what it shows of the estimator ---------------------------------------------------------


def test_it_has_the_methods_that_the_estimator_has():
    svc, ridge, pca = (Resampled(None, one) for one in (LinearSVC(), Ridge(), PCA()))
    assert hasattr(svc, "decision_function")
    assert not hasattr(svc, "predict_proba")
    assert not hasattr(svc, "predict_log_proba")
    assert not hasattr(ridge, "decision_function")
    assert hasattr(pca, "transform")
    assert not hasattr(pca, "predict")
    assert is_classifier(svc)
    assert is_regressor(ridge)


def test_it_transforms_all_rows(data):
    X, y = data
    resampled = Resampled(DropOutliers(random_state=0), PCA(2)).fit(X, y)
    expected = PCA(2).fit(X[resampled.sampler_.sample_indices_]).transform(X)
    np.testing.assert_array_equal(resampled.transform(X), expected)


def test_it_knows_classes_and_features(data):
    X, y = data
    table = pd.DataFrame(X, columns=list("abcd"))
    resampled = Resampled(AutoSMOTE(random_state=0), LogisticRegression())
    assert not hasattr(resampled, "classes_")
    with pytest.raises(NotFittedError):
        resampled.predict(X)
    resampled.fit(table, np.array(["x", "y", "z"])[y])
    assert resampled.classes_.tolist() == ["x", "y", "z"]
    assert resampled.n_features_in_ == 4
    assert resampled.feature_names_in_.tolist() == list("abcd")


def test_tags_are_those_of_both():
    tags = get_tags(Resampled(RandomOverSampler(), KNeighborsClassifier()))
    assert tags.input_tags.sparse
    assert not tags.target_tags.multi_output
    assert get_tags(Resampled(DropDuplicates(), KNeighborsClassifier())).target_tags.multi_output
    assert get_tags(Resampled(None, KNeighborsClassifier())).target_tags.multi_output
    assert not get_tags(Resampled(RandomOverSampler(), PCA())).input_tags.allow_nan


def test_it_can_be_pickled_and_cloned(data):
    resampled = Resampled(RandomOverSampler(random_state=0), LogisticRegression()).fit(*data)
    again = pickle.loads(pickle.dumps(resampled))
    np.testing.assert_array_equal(again.predict(data[0]), resampled.predict(data[0]))
    assert clone(resampled).sampler is not resampled.sampler


# --- where it is put ------------------------------------------------------------------------


def test_around_a_pipeline_and_in_one(data):
    X, y = data
    sampler = RandomUnderSampler(random_state=0)
    around = Resampled(sampler, make_pipeline(StandardScaler(), LogisticRegression())).fit(X, y)
    X_new, _ = sampler.fit_resample(X, y)
    np.testing.assert_allclose(around.estimator_[0].mean_, X_new.mean(axis=0))
    inside = make_pipeline(StandardScaler(), Resampled(sampler, LogisticRegression())).fit(X, y)
    np.testing.assert_allclose(inside[0].mean_, X.mean(axis=0))


def test_in_one_another(data):
    X, y = np.repeat(data[0], 2, axis=0), np.repeat(data[1], 2)
    inner = Resampled(RandomUnderSampler(random_state=0), LogisticRegression())
    nested = Resampled(DropDuplicates(), inner).fit(X, y)
    np.testing.assert_array_equal(nested.predict(X), clone(inner).fit(*data).predict(X))


def test_regressors_without_outliers_and_duplicates():
    X, y = load_diabetes(return_X_y=True)
    X, y = np.concatenate([X, X, X[:1] + 10]), np.concatenate([y, y, [1e6]])
    net = NetRegressor(MLP(hidden=(8,)), max_epochs=2, random_state=0)
    forest = IsolationForest(contamination=1 / len(X), random_state=0)
    resampled = Resampled(DropOutliers(forest), Resampled(DropDuplicates(), net)).fit(X, y)
    assert len(resampled.estimator_.sampler_.sample_indices_) == 442
    assert resampled.predict(X[:-1]).max() < 500


def test_images_and_tensors(net):
    images = torch.randn(60, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    y = torch.as_tensor([0] * 50 + [1] * 10)
    resampled = Resampled(RandomOverSampler(random_state=0), net, prior_correction=True)
    assert resampled.fit(images, y).predict_proba(images).shape == (60, 2)


# --- searches -------------------------------------------------------------------------------

GRID = {
    "resampled__sampler": [None, RandomOverSampler(random_state=0), AutoSMOTE(random_state=0)],
    "resampled__estimator__lr": [0.01, 0.1],
}


def test_scores_are_the_same_one_by_one_and_fused(data, net):
    pipe = Pipeline([("scale", StandardScaler()), ("resampled", Resampled(None, net))])
    settings = {"cv": 3, "scoring": "balanced_accuracy"}
    one_by_one = GridSearchCV(pipe, GRID, **settings).fit(*data)
    fused = FusedGridSearchCV(pipe, GRID, **settings).fit(*data)
    stock = GridSearchCV(pipe, GRID, **settings)
    with fused_training() as training:
        stock.fit(*data)
    for report in (fused.report_, training.report):
        assert report.n_nets == 6 * 3 + 1
        assert report.n_alone == 0
    for search in (fused, stock):
        for key in ("split0_test_score", "split1_test_score", "split2_test_score"):
            np.testing.assert_array_equal(search.cv_results_[key], one_by_one.cv_results_[key])
    scores = one_by_one.cv_results_["mean_test_score"].reshape(2, 3)
    assert (scores[1, 1:] != scores[1, 0]).all()  # the samplers do something


def test_parameters_of_sampler_and_estimator_are_searched(data, net):
    pipe = Pipeline([("resampled", Resampled(AutoSMOTE(random_state=0), net))])
    grid = {"resampled__sampler__k_neighbors": [1, 3], "resampled__estimator__lr": [0.1]}
    search = FusedGridSearchCV(pipe, grid, cv=2).fit(*data)
    assert (
        search.best_estimator_[0].sampler_.k_neighbors_
        == (search.best_params_["resampled__sampler__k_neighbors"])
    )


def test_samplers_work_in_the_pipeline_of_imblearn(data, net):
    X, y = data
    for sampler in (RandomOverSampler(random_state=0), DropDuplicates(), AutoSMOTE(random_state=0)):
        pipe = imblearn.pipeline.Pipeline([("sampler", sampler), ("net", net)])
        theirs = FusedGridSearchCV(pipe, {"net__lr": [0.01, 0.1]}, cv=2).fit(X, y)
        ours = GridSearchCV(Resampled(sampler, net), {"estimator__lr": [0.01, 0.1]}, cv=2).fit(X, y)
        assert theirs.report_.n_alone == 0
        np.testing.assert_array_equal(
            theirs.cv_results_["mean_test_score"], ours.cv_results_["mean_test_score"]
        )


def test_callbacks_hear_of_the_estimator(data, net):
    class Listener:
        max_propagation_depth = None

        def __init__(self):
            self.tasks = []

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            self.tasks.append((context.estimator_name, context.task_name))

    listener = Listener()
    Resampled(RandomOverSampler(random_state=0), net).set_callbacks(listener).fit(*data)
    assert listener.tasks[-1] == ("Resampled", "fit")
    assert ("NetClassifier", "fit") in listener.tasks


# --- prior correction -----------------------------------------------------------------------


def corrected(sampler, estimator, X, y, **params):
    return Resampled(sampler, estimator, prior_correction=True).fit(X, y, **params)


def test_correction_is_the_formula(data):
    X, y = data
    sampler = RandomUnderSampler(random_state=0)
    resampled = corrected(sampler, LogisticRegression(), X, y)
    before = np.bincount(y) / len(y)
    p = resampled.estimator_.predict_proba(X) * before / np.full(3, 1 / 3)
    p /= p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(resampled.predict_proba(X), p, rtol=1e-12)
    np.testing.assert_allclose(resampled.predict_log_proba(X), np.log(p), rtol=1e-9)
    np.testing.assert_array_equal(resampled.predict(X), resampled.estimator_.predict(X))


def test_correction_undoes_over_sampling_exactly_where_priors_are_a_factor():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [90, 10])
    X = rng.normal(size=(100, 2)) + y[:, None]
    # Each row of the small class nine times: same means and variances, other priors.
    resampled = corrected(RandomOverSampler(random_state=0), GaussianNB(), X, y)
    plain = GaussianNB().fit(X, y)
    np.testing.assert_allclose(resampled.predict_proba(X), plain.predict_proba(X), atol=1e-9)
    assert resampled.predict(X).sum() > plain.predict(X).sum()


def test_shares_are_those_of_the_weights(data):
    X, y = data
    weights = np.where(y == 0, 0.2, 3.0)
    sampler = RandomUnderSampler(random_state=0)
    resampled = corrected(sampler, LogisticRegression(), X, y, sample_weight=weights)
    before = np.bincount(y, weights) / weights.sum()
    after = np.array([0.2, 3, 3]) / 6.2
    np.testing.assert_allclose(resampled.log_prior_shift_, np.log(before / after))


def test_log_probabilities_do_not_underflow():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [30, 10])
    X = rng.normal(size=(40, 1)) + y[:, None]
    resampled = corrected(RandomUnderSampler(random_state=0), GaussianNB(), X, y)
    log_p = resampled.predict_log_proba([[-1e3], [1e3]])
    assert np.isfinite(log_p).all()
    assert log_p.min() < -1000
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1)


def test_classes_without_weight_have_no_probability(data):
    X, y = data
    resampled = corrected(None, GaussianNB(), X, y, sample_weight=(y != 2) + 1e-300)
    assert np.isfinite(resampled.predict_proba(X)).all()


def test_nested_corrections_add_up():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [80, 20])
    X = rng.normal(size=(100, 2)) + y[:, None]
    sampler = RandomUnderSampler(sampling_strategy={0: 40}, random_state=0)
    inner = Resampled(RandomOverSampler(random_state=0), GaussianNB(), prior_correction=True)
    nested = corrected(sampler, inner, X, y)
    expected = corrected(sampler, GaussianNB(), X, y)
    np.testing.assert_allclose(nested.predict_proba(X), expected.predict_proba(X), atol=1e-9)


def test_a_net_is_calibrated_again():
    X, y = make_classification(2000, 5, n_informative=5, n_redundant=0, weights=[0.95], flip_y=0.05,
                               class_sep=0.5, random_state=0)  # fmt: skip
    net = NetClassifier(MLP(hidden=(16,)), max_epochs=10, lr=0.01, random_state=0)
    train, test = slice(0, 1000), slice(1000, 2000)
    losses, shares = {}, {}
    for correction in (False, True):
        model = Resampled(RandomOverSampler(random_state=0), net, prior_correction=correction)
        p = model.fit(X[train], y[train]).predict_proba(X[test])
        losses[correction], shares[correction] = log_loss(y[test], p), p[:, 1].mean()
    assert losses[True] < 0.6 * losses[False]
    assert abs(shares[True] - y.mean()) < 0.03 < 0.15 < shares[False] - y.mean()


def test_scorers_see_corrected_probabilities(data):
    model = Resampled(RandomOverSampler(random_state=0), GaussianNB(), prior_correction=True)
    uncorrected = clone(model).set_params(prior_correction=False)
    scores = [cross_val_score(one, *data, scoring="neg_log_loss") for one in (model, uncorrected)]
    assert scores[0].mean() > scores[1].mean()
