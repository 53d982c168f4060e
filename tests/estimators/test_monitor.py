"""Early stopping by a score."""

import pickle
import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import accuracy_score, get_scorer, make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from sknn_tricks import NetClassifier
from sknn_tricks.estimators._data import hold_out
from sknn_tricks.estimators._monitor import monitor_of
from sknn_tricks.fused import Rows, fused_training
from sknn_tricks.fused._random import stream_seed
from sknn_tricks.nets import MLP

WATCHING = {"early_stopping": True, "max_epochs": 12, "patience": 4, "lr": 0.05}


@pytest.fixture
def tumours():
    """Return standardised rows and labels of two classes that are words."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X, y = (X - X.mean()) / X.std(), np.where(y == 0, "malignant", "benign")
    return (X[:150], y[:150]), (X[150:300], y[150:300])


def last_class_recall(estimator, X, y):
    return np.mean(estimator.predict(X[y == 2]) == 2)


def monitored(net):
    return [epoch["monitor"] for epoch in net.history_]


@pytest.mark.parametrize("callbacks", [None, [Callback()]], ids=["stack", "skorch"])
@pytest.mark.parametrize("name", ["roc_auc", "accuracy", "neg_log_loss", "f1_macro"])
def test_the_epoch_of_the_best_score_is_kept(tumours, classifier, name, callbacks):
    train, valid = tumours
    spec = MLP((16,), batch_norm=True, dropout=0.2)
    net = classifier(spec, **WATCHING, monitor=name, callbacks=callbacks)
    net.fit(*train, validation_data=valid)
    scores = monitored(net)
    assert net.best_epoch_ == int(np.argmax(scores)) + 1
    assert get_scorer(name)(net, *valid) == pytest.approx(max(scores), abs=1e-6)
    assert len(set(scores)) > 1
    assert net.n_iter_ == min(net.best_epoch_ + 4, 12)


def test_another_epoch_is_best_by_another_score(tumours, classifier):
    train, valid = tumours
    nets = [
        classifier(MLP((64,)), **{**WATCHING, "max_epochs": 30, "patience": 30}, monitor=monitor)
        for monitor in ("loss", "accuracy")
    ]
    best = [net.fit(*train, validation_data=valid).best_epoch_ for net in nets]
    assert nets[0].loss_curve_ == nets[1].loss_curve_
    assert best[0] != best[1]
    assert nets[1].score(*valid) > nets[0].score(*valid)


def test_a_regressors_score_is_in_the_users_units(number_data, regressor):
    X, y = number_data
    net = regressor(**WATCHING, monitor="neg_mean_absolute_error")
    net.fit(X, y, validation_data=(X[:40], y[:40]))
    error = mean_absolute_error(y[:40], net.predict(X[:40]))
    assert error > 2
    assert error == pytest.approx(-max(monitored(net)), rel=1e-6)


def test_held_out_rows_are_watched(class_data, classifier):
    X, y = class_data
    net = classifier(**WATCHING, monitor="accuracy", validation_fraction=0.3).fit(X, y)
    _, held_out = hold_out(150, 0.3, y, stream_seed(net.net_.seed, "split"))
    assert net.score(X[held_out], y[held_out]) == max(monitored(net))


def test_a_scorer_of_ones_own_sees_a_fitted_estimator(tumours, classifier):
    train, valid = tumours
    seen = []

    def scorer(estimator, X, y):
        labels = sorted(set(y.tolist()))
        seen.append((type(estimator), X.shape, labels, estimator.get_params()["lr"]))
        shares = [estimator.predict_proba(X), np.exp(estimator.predict_log_proba(X))]
        np.testing.assert_allclose(*shares)
        return accuracy_score(y, estimator.predict(X))

    net = classifier(**WATCHING, monitor=scorer).fit(*train, validation_data=valid)
    assert seen == [(NetClassifier, (150, 30), ["benign", "malignant"], 0.05)] * net.n_iter_


def test_watching_changes_nothing_of_the_training(class_data, classifier, weights):
    usual = {**WATCHING, "patience": 100}
    spec = MLP((8,), batch_norm=True, dropout=0.3)
    for callbacks in (None, [Callback()]):
        nets = [
            classifier(spec, **usual, monitor=monitor, callbacks=callbacks).fit(*class_data)
            for monitor in ("loss", "accuracy", make_scorer(accuracy_score))
        ]
        assert nets[0].loss_curve_ == nets[1].loss_curve_ == nets[2].loss_curve_
        np.testing.assert_array_equal(weights(nets[1]), weights(nets[2]))


def test_members_of_an_ensemble_watch_themselves(class_data, classifier):
    net = classifier(MLP((8,)), **WATCHING, monitor="neg_log_loss", n_members=3).fit(*class_data)
    for member in net.members_:
        scores = monitored(member)
        assert member.best_epoch_ == int(np.argmax(scores)) + 1
        alone = classifier(MLP((8,)), **WATCHING, monitor="neg_log_loss")
        alone.set_params(random_state=member.random_state).fit(*class_data)
        assert monitored(alone) == scores
    first = [monitored(member)[0] for member in net.members_]
    assert monitored(net)[0] == pytest.approx(np.mean(first))


def test_nets_that_watch_scores_train_fused_and_to_the_same_bits(tumours, classifier, weights):
    train, _ = tumours
    monitors = ["roc_auc", "loss", "accuracy", make_scorer(accuracy_score)]
    nets = [classifier(MLP((8,)), **WATCHING, monitor=monitor) for monitor in monitors]
    alone = [weights(net.fit(*train)) for net in nets]
    with fused_training() as fused:
        together = Parallel()(delayed(net.fit)(*train) for net in nets)
    assert (fused.report.n_nets, fused.report.n_alone) == (4, 0)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, weights(other))


def test_a_search_over_what_is_watched(class_data, classifier):
    search = GridSearchCV(classifier(**WATCHING), {"monitor": ["loss", "accuracy"]}, cv=2)
    search.fit(*class_data)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_training_that_goes_on_keeps_the_best_score_of_both(class_data, classifier):
    X, y = class_data
    net = classifier(**WATCHING, monitor="accuracy", warm_start=True)
    net.fit(X, y, validation_data=(X, y))
    before = net.score(X, y)
    n_before, kept = net.n_iter_, net.best_epoch_
    # Steps this short cannot lead to a better score than that.
    net.set_params(lr=1e-30).fit(X, y, validation_data=(X, y))
    assert (net.n_iter_, net.best_epoch_) == (n_before + 4, kept)
    assert net.score(X, y) == before


def test_rows_with_names_are_watched_without_warning(tumours, classifier):
    train, valid = tumours
    assert isinstance(train[0], pd.DataFrame)
    net = classifier(**WATCHING, monitor="roc_auc").fit(*train, validation_data=valid)
    assert list(net.feature_names_in_) == list(train[0].columns)


def test_without_early_stopping_nothing_is_scored(class_data, classifier):
    def never(estimator, X, y):
        raise AssertionError

    net = classifier(monitor=never).fit(*class_data, validation_data=class_data)
    assert "monitor" not in net.history_[0]


def test_a_score_that_is_nan_is_never_the_best(class_data, classifier):
    scores = iter([0.1, float("nan"), 0.2, float("nan"), float("nan"), *[0.0] * 10])
    net = classifier(**WATCHING, monitor=lambda *_: next(scores)).fit(*class_data)
    assert (net.best_epoch_, net.n_iter_) == (3, 7)


@pytest.mark.parametrize("monitor", ["accuracy", last_class_recall], ids=["name", "function"])
def test_a_cache_knows_nets_by_what_they_watched(class_data, classifier, tmp_path, monitor):
    def searched(monitor):
        search = GridSearchCV(
            classifier(**WATCHING, monitor=monitor), {"lr": [0.1, 0.01]}, cv=2, refit=False
        )
        with fused_training(cache=tmp_path) as fused:
            search.fit(*class_data)
        return fused.report.n_nets, search.cv_results_["mean_test_score"]

    first, again = searched(monitor), searched(monitor)
    assert (first[0], again[0]) == (4, 0)
    np.testing.assert_array_equal(first[1], again[1])
    assert searched("balanced_accuracy")[0] == 4


@pytest.mark.parametrize("monitor", ["accuracy", make_scorer(accuracy_score), last_class_recall])
def test_what_is_watched_can_go_to_another_process(class_data, classifier, monitor):
    X, y = class_data
    net = classifier(**WATCHING, monitor=monitor).fit(X, y)
    there = pickle.loads(pickle.dumps(monitor_of(net, y[:40])))
    skorch_net = net.net_.twin()
    skorch_net.valid_ = Rows(torch.from_numpy(X[:40]).float())
    assert there(skorch_net) == monitor_of(net, y[:40])(skorch_net)


# --- what goes wrong ------------------------------------------------------------------------


def test_an_unknown_scorer_is_named(class_data, classifier):
    with pytest.raises(ValueError, match=r"^monitor='rocauc' is not known\. Expected one of ") as e:
        classifier(monitor="rocauc").fit(*class_data)
    assert str(e.value).endswith("; got 'rocauc'. Did you mean 'roc_auc'?")
    assert "'loss'" in str(e.value)


def several(estimator, X, y):
    return {"accuracy": 1.0}


def test_a_scorer_that_gives_no_number_is_refused(class_data, classifier):
    net = classifier(**WATCHING, monitor=several)
    text = (
        "monitor gave no score. Expected a function (estimator, X, y) that returns a number, "
        f"higher for better; got dict from {several!r}. Give one scorer, such as "
        "monitor='roc_auc'."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        net.fit(*class_data)
    assert not hasattr(net, "net_")


def test_an_error_of_the_scorer_is_that_of_the_fit(class_data, classifier):
    with pytest.raises(ValueError, match="multi_class must be in"):
        classifier(**WATCHING, monitor="roc_auc").fit(*class_data)  # three classes


def test_a_failing_scorer_fails_its_own_fit_only(class_data, classifier):
    nets = [classifier(**WATCHING, monitor=monitor) for monitor in ("accuracy", several, "loss")]

    def fit(net):
        try:
            return net.fit(*class_data)
        except TypeError:
            return None

    with fused_training():
        fitted = Parallel()(map(partial(delayed(fit)), nets))
    assert [net is None for net in fitted] == [False, True, False]
