"""Deep ensembles: the members are single nets, and predictions their means."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.fused import fused_training
from sknn_tricks.nets import MLP

RICH = {"module": MLP((9,), batch_norm=True, dropout=0.2), "max_epochs": 3, "batch_size": 16}


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


def same_weights(one, other):
    states = (net.net_.module_.state_dict().values() for net in (one, other))
    return all(a.equal(b) for a, b in zip(*states, strict=True))


def single(member):
    """Return the net by itself that a member shall equal."""
    return clone(member).set_params(n_members=1)


# --- members are single nets ----------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"early_stopping": True, "validation_fraction": 0.3, "max_epochs": 9, "patience": 1},
        {"bagging": True},
        {"bagging": True, "early_stopping": True},
        {"class_weight": "balanced", "random_state": np.random.RandomState(3)},
    ],
    ids=["plain", "stopping", "bagging", "bagging and stopping", "weighted"],
)
def test_members_are_single_nets_to_the_bit(iris, settings):
    ensemble = NetClassifier(**{**RICH, "random_state": 0, **settings}, n_members=3).fit(*iris)
    assert len(ensemble.members_) == 3
    for member in ensemble.members_:
        alone = single(member).fit(*iris)
        assert same_weights(member, alone)
        assert [e["train_loss"] for e in member.history_] == alone.loss_curve_
        assert (member.best_epoch_, member.n_iter_) == (alone.best_epoch_, alone.n_iter_)
        np.testing.assert_array_equal(member.predict_proba(iris[0]), alone.predict_proba(iris[0]))
    assert not same_weights(*ensemble.members_[:2])


def test_all_members_watch_the_rows_that_are_given(iris):
    (X, X_valid), (y, y_valid) = (train_test_split(each, random_state=0) for each in iris)
    settings = {**RICH, "max_epochs": 9, "early_stopping": True, "patience": 1}
    given = {"validation_data": (X_valid, y_valid)}
    ensemble = NetClassifier(**settings, n_members=3, random_state=0).fit(X, y, **given)
    for member in ensemble.members_:
        alone = single(member).fit(X, y, **given)
        assert same_weights(member, alone)
        assert member.validation_scores_ == alone.validation_scores_


def test_an_ensemble_of_one_is_a_single_net(iris):
    one, plain = (NetClassifier(**RICH, random_state=0, **n) for n in ({"n_members": 1}, {}))
    assert same_weights(one.fit(*iris), plain.fit(*iris))
    assert not hasattr(one, "members_")


def test_same_seed_same_ensemble_another_seed_another(iris):
    nets = [NetClassifier(**RICH, n_members=2, random_state=s).fit(*iris) for s in (0, 0, 1)]
    assert same_weights(nets[0].members_[1], nets[1].members_[1])
    assert not same_weights(nets[0].members_[1], nets[2].members_[1])


def test_bagged_members_see_other_rows(diabetes):
    X, y = diabetes
    net = NetRegressor(MLP(()), n_members=2, bagging=True, max_epochs=1, random_state=0, lr=1e-9)
    losses = [member.loss_curve_ for member in net.fit(X, y).members_]
    assert losses[0] != losses[1]


def test_it_trains_as_one_stack(iris):
    with fused_training(n_jobs=1) as fused:
        NetClassifier(**RICH, n_members=5, random_state=0).fit(*iris)
    assert (fused.report.n_nets, fused.report.n_stacks, fused.report.n_alone) == (5, 1, 0)


def test_a_search_over_ensembles_trains_all_members_together(iris):
    net = NetClassifier(**RICH, n_members=4, random_state=0)
    search = GridSearchCV(net, {"lr": [0.01, 0.1]}, cv=3)
    with fused_training(n_jobs=1) as fused:
        together = clone(search).fit(*iris)
    assert fused.report.n_nets == 4 * (2 * 3 + 1)
    assert fused.report.n_stacks <= 4  # rows differ by fold, not by member
    alone = search.fit(*iris)
    scores = "mean_test_score"
    np.testing.assert_array_equal(together.cv_results_[scores], alone.cv_results_[scores])
    assert same_weights(together.best_estimator_.members_[3], alone.best_estimator_.members_[3])


# --- predictions are means ------------------------------------------------------------------


def test_probabilities_are_the_members_means(iris):
    X, y = iris
    net = NetClassifier(**RICH, n_members=3, random_state=0).fit(X, y)
    members = net.predict_proba_members(X)
    np.testing.assert_array_equal(members, [member.predict_proba(X) for member in net.members_])
    np.testing.assert_allclose(net.predict_proba(X), members.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(np.exp(net.predict_log_proba(X)), net.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(net.predict(X), net.classes_[members.mean(axis=0).argmax(axis=1)])


def test_labels_are_those_of_the_mean_probability(iris):
    X, y = iris
    labels = np.stack([y == 0, y > 0, X[:, 0] > 5], axis=1).astype(int)
    net = NetClassifier(**RICH, n_members=3, random_state=0).fit(X, labels)
    assert net.predict_proba_members(X).shape == (3, 150, 3)
    np.testing.assert_array_equal(net.predict(X), net.predict_proba(X) > 0.5)


@pytest.mark.parametrize("two_targets", [False, True])
def test_numbers_are_the_members_means_and_their_spread_is_the_std(diabetes, two_targets):
    X, y = diabetes
    y = np.stack([y, 1000 - y], axis=1) if two_targets else y
    net = NetRegressor(**RICH, n_members=3, random_state=0).fit(X, y)
    members = np.array([member.predict(X) for member in net.members_])
    assert net.predict(X).shape == net.predict_std(X).shape == y.shape
    np.testing.assert_allclose(net.predict(X), members.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(net.predict_std(X), members.std(axis=0), rtol=1e-6)


def test_a_single_net_is_at_one_with_itself(iris, diabetes):
    assert not NetRegressor(**RICH, random_state=0).fit(*diabetes).predict_std(diabetes[0]).any()
    net = NetClassifier(**RICH, random_state=0).fit(*iris)
    np.testing.assert_array_equal(net.predict_proba_members(iris[0])[0], net.predict_proba(iris[0]))


def test_an_ensemble_errs_less_than_its_members(iris):
    X, X_test, y, y_test = train_test_split(*iris, random_state=0)
    net = NetClassifier(**RICH, n_members=8, random_state=0).fit(X, y)
    members = [log_loss(y_test, member.predict_proba(X_test)) for member in net.members_]
    assert log_loss(y_test, net.predict_proba(X_test)) < np.mean(members)


# --- what else is asked of a fitted net -----------------------------------------------------


def test_histories_are_means_over_the_members_still_training(iris):
    net = NetClassifier(
        **{**RICH, "max_epochs": 40}, n_members=3, early_stopping=True, patience=1, random_state=1
    ).fit(*iris)
    lengths = [member.n_iter_ for member in net.members_]
    assert len(set(lengths)) > 1
    assert net.n_iter_ == len(net.history_) == max(lengths)
    first = [member.loss_curve_[0] for member in net.members_]
    assert net.loss_curve_[0] == pytest.approx(np.mean(first))
    assert net.best_epoch_ == max(member.best_epoch_ for member in net.members_)
    assert len(net.validation_scores_) == max(lengths)


def test_training_goes_on_in_each_member(iris):
    X, y = iris
    net = NetClassifier(**RICH, n_members=2, warm_start=True, random_state=0).fit(X, y)
    before = net.members_
    net.fit(X, y)
    for member, first in zip(net.members_, before, strict=True):
        alone = clone(first).set_params(warm_start=True).fit(X, y).fit(X, y)
        assert same_weights(member, alone)
    assert net.n_iter_ == 6
    net.partial_fit(X, y)
    assert [member.n_iter_ for member in net.members_] == [7, 7]


def test_another_number_of_members_cannot_go_on(iris):
    net = NetClassifier(**RICH, n_members=2, warm_start=True, random_state=0).fit(*iris)
    with pytest.raises(ValueError, match="n_members cannot change while training goes on"):
        net.set_params(n_members=3).fit(*iris)
    net.set_params(n_members=2).fit(*iris)


def test_a_fit_anew_forgets_the_members(iris):
    net = NetClassifier(**RICH, n_members=2, random_state=0).fit(*iris)
    net.set_params(n_members=1).fit(*iris)
    assert not hasattr(net, "members_")
    assert net.predict_proba_members(iris[0]).shape == (1, 150, 3)


def test_a_member_that_fails_fails_the_fit_and_leaves_no_trace(iris):
    net = NetClassifier(**RICH, n_members=2, random_state=0).fit(*iris)
    before = dict(vars(net))
    with pytest.raises(DivergenceError):
        net.set_params(optimizer="sgd", lr=1e38).fit(*iris)
    assert vars(net)["members_"] is before["members_"]


def test_it_survives_pickle(iris):
    net = NetClassifier(**RICH, n_members=2, random_state=0).fit(*iris)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict_proba(iris[0]), net.predict_proba(iris[0]))


@pytest.mark.parametrize("n_members", [0, -1, 1.5])
def test_a_wrong_number_of_members(iris, n_members):
    with pytest.raises(ValueError, match="'n_members' parameter"):
        NetClassifier(n_members=n_members).fit(*iris)


class StopAfter:
    """A callback of scikit-learn's that wants each net to stop after some epochs."""

    max_propagation_depth = None

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        return context.task_name == "epoch" and context.task_id + 1 == self.n_epochs


def test_where_a_callback_stops_the_first_member_the_others_stop(iris):
    net = NetClassifier(**{**RICH, "max_epochs": 9}, n_members=3, random_state=0)
    net.set_callbacks(StopAfter(4)).fit(*iris)
    assert [member.n_iter_ for member in net.members_] == [4, 4, 4]
