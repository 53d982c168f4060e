"""Nets inside scikit-learn's meta-estimators."""

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.nets import MLP

GRID = {"net__module__dropout": [0.0, 0.3], "net__init": ["kaiming_normal", "zeros"]}


def scaled(net):
    return Pipeline([("scale", StandardScaler()), ("net", net)])


@pytest.mark.parametrize("module", [None, MLP(hidden=(8,), batch_norm=True)])
def test_grid_search_over_nested_parameters_trains_each_candidate(module, class_data):
    X, y = class_data
    net = NetClassifier(module, max_epochs=20, lr=0.02, random_state=0)
    search = GridSearchCV(scaled(net), GRID, cv=3).fit(X, y)
    by_init = dict(
        zip(
            search.cv_results_["param_net__init"],
            search.cv_results_["mean_test_score"],
            strict=True,
        )
    )
    assert search.best_params_["net__init"] == "kaiming_normal"
    assert search.score(X, y) > 0.8
    assert by_init["zeros"] < 0.5
    assert module is None or module.dropout == 0.0


def test_grid_search_in_two_processes_equals_one_process(class_data, classifier):
    net = scaled(classifier(MLP(hidden=(8,), batch_norm=True), early_stopping=True))
    one, two = (GridSearchCV(net, GRID, cv=2, n_jobs=n_jobs).fit(*class_data) for n_jobs in (1, 2))
    for name in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(one.cv_results_[name], two.cv_results_[name])
    np.testing.assert_array_equal(
        one.predict_proba(class_data[0]), two.predict_proba(class_data[0])
    )


def test_cross_val_score_gives_one_score_per_fold(number_data):
    net = make_pipeline(StandardScaler(), NetRegressor(MLP(hidden=(16,)), lr=0.02, random_state=0))
    scores = cross_val_score(net, *number_data, cv=3)
    assert scores.shape == (3,)
    assert scores.min() > 0.8


def test_calibrated_net_gives_probabilities(class_data, classifier):
    X, y = class_data
    model = CalibratedClassifierCV(classifier(max_epochs=20), cv=3).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_net_votes_beside_another_model(voting, class_data, classifier):
    X, y = class_data
    members = [("net", classifier(max_epochs=20)), ("linear", LogisticRegression())]
    assert VotingClassifier(members, voting=voting).fit(X, y).score(X, y) > 0.8


def test_net_is_stacked_under_another_model(class_data, classifier):
    X, y = class_data
    members = [("small", classifier(max_epochs=20)), ("wide", classifier(MLP((16,))))]
    model = StackingClassifier(members, LogisticRegression(), cv=3).fit(X, y)
    assert model.transform(X).shape == (150, 6)
    assert model.score(X, y) > 0.8


def test_net_is_bagged_with_a_seed_of_its_own_for_each_member(class_data, classifier, weights):
    X, y = class_data
    model = BaggingClassifier(classifier(max_epochs=10), n_estimators=3, random_state=0).fit(X, y)
    first, second = model.estimators_[:2]
    assert model.score(X, y) > 0.7
    assert first.random_state != second.random_state
    assert not np.array_equal(weights(first), weights(second))


def test_transformed_target_is_learnt_on_its_scale(number_data, regressor):
    X, y = number_data
    positive = np.exp(y / y.std())
    model = TransformedTargetRegressor(regressor(max_epochs=60), func=np.log, inverse_func=np.exp)
    assert model.fit(X, positive).score(X, positive) > 0.8
    assert (model.predict(X) > 0).all()


def test_permutation_importance_finds_the_only_feature_that_matters(regressor):
    X = np.random.default_rng(0).normal(size=(200, 3))
    net = regressor(max_epochs=40).fit(X, 5 * X[:, 1])
    importance = permutation_importance(net, X, 5 * X[:, 1], random_state=0).importances_mean
    assert importance.argmax() == 1
    assert importance[1] > 10 * importance[[0, 2]].max()


def test_routed_sample_weight_reaches_the_net_in_a_search(class_data, classifier, weights):
    X, y = class_data
    sample_weight = np.where(np.arange(150) % 3, 1.0, 0.0)
    with sklearn.config_context(enable_metadata_routing=True):
        net = classifier().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(net, {"lr": [0.02]}, cv=3).fit(X, y, sample_weight=sample_weight)
    kept = sample_weight > 0
    direct = classifier().fit(X[kept], y[kept])
    np.testing.assert_array_equal(weights(search.best_estimator_), weights(direct))


def test_routed_validation_data_reaches_the_net_in_a_pipeline(class_data, classifier):
    X, y = class_data
    with sklearn.config_context(enable_metadata_routing=True):
        net = classifier().set_fit_request(validation_data=True)
        pipe = make_pipeline(StandardScaler(), net).fit(X, y, validation_data=(X, y))
    assert len(pipe[-1].validation_scores_) == 5
