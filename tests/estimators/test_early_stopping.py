"""Early stopping and held-out rows."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sknn_tricks.estimators._data import hold_out
from sknn_tricks.fused._random import stream_seed
from sknn_tricks.nets import MLP


@pytest.fixture
def hopeless():
    """Return data with nothing to learn, which a net can only learn by heart."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 10)), rng.integers(0, 2, 60)


def stopped(make, data, **params):
    settings = {"early_stopping": True, "max_epochs": 200, "patience": 3, "lr": 0.05, **params}
    return make(MLP((32,)), **settings).fit(*data)


def test_training_stops_when_the_validation_loss_no_longer_falls(hopeless, classifier):
    net = stopped(classifier, hopeless)
    losses = [epoch["valid_loss"] for epoch in net.history_]
    assert net.n_iter_ < 200
    assert net.best_epoch_ == int(np.argmin(losses)) + 1
    assert net.n_iter_ == net.best_epoch_ + 3


def test_patience_and_tol_decide_when(hopeless, classifier):
    assert stopped(classifier, hopeless, patience=20).n_iter_ > 20
    nothing_counts = stopped(classifier, hopeless, patience=4, tol=100.0)
    assert (nothing_counts.best_epoch_, nothing_counts.n_iter_) == (1, 5)


def test_training_runs_to_the_end_while_the_loss_falls(class_data, classifier):
    net = stopped(classifier, class_data, max_epochs=5, lr=0.005, patience=5)
    assert net.n_iter_ == 5


def test_the_best_weights_are_put_back(hopeless, classifier):
    X, y = hopeless
    other = np.random.default_rng(1)
    valid = other.normal(size=(40, 10)), other.integers(0, 2, 40)
    settings = {"early_stopping": True, "max_epochs": 50, "patience": 3, "lr": 0.05}
    net = classifier(MLP((32,), batch_norm=True), **settings).fit(X, y, validation_data=valid)
    losses = [epoch["valid_loss"] for epoch in net.history_]
    assert losses[-1] > min(losses)
    np.testing.assert_allclose(loss_of_module(net, *valid), min(losses), rtol=1e-6)


def loss_of_module(net, X, y):
    with torch.no_grad():
        logits = net.net_.module_.eval()(torch.from_numpy(X).float())
    return F.cross_entropy(logits, torch.from_numpy(y)).item()


def test_held_out_rows_are_never_trained_on(hopeless, classifier):
    X, y = hopeless
    net = stopped(classifier, hopeless, validation_fraction=0.3)
    _, held_out = hold_out(60, 0.3, y, stream_seed(net.net_.seed, "split"))
    losses = [epoch["valid_loss"] for epoch in net.history_]
    np.testing.assert_allclose(
        loss_of_module(net, X[held_out], y[held_out]), min(losses), rtol=1e-6
    )


def test_held_out_rows_have_each_class_in_its_share():
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    train, valid = hold_out(160, 0.1, labels, seed=0)
    assert np.bincount(labels[valid]).tolist() == [10, 5, 1]
    assert sorted([*train, *valid]) == list(range(160))


def test_held_out_rows_are_shuffled():
    _, valid = hold_out(100, 0.2, None, seed=0)
    assert not np.array_equal(valid, np.arange(80, 100))
    assert not np.array_equal(np.sort(valid), np.sort(hold_out(100, 0.2, None, seed=1)[1]))


@pytest.mark.parametrize("labels", [[0, 0, 0, 0, 1], ["a", "b", "c", "d", "e"], None])
def test_rows_are_held_out_where_no_stratified_split_exists(labels):
    labels = None if labels is None else np.array(labels)
    train, valid = hold_out(5, 0.2, labels, seed=0)
    assert (len(train), len(valid)) == (4, 1)


@pytest.mark.parametrize(("fraction", "n_valid"), [(0.001, 1), (0.25, 3), (0.999, 9)])
def test_at_least_one_row_stays_on_each_side(fraction, n_valid):
    train, valid = hold_out(10, fraction, None, seed=0)
    assert (len(train), len(valid)) == (10 - n_valid, n_valid)


def test_a_regressor_holds_rows_out_too(number_data, regressor):
    net = stopped(regressor, number_data, max_epochs=20)
    assert len(net.validation_scores_) == net.n_iter_
    assert net.validation_scores_[net.best_epoch_ - 1] > 0.9


def test_early_stopping_watches_the_validation_data_that_are_given(number_data, regressor):
    X, y = number_data
    nothing_held_out = regressor(early_stopping=True, patience=100).fit(
        X, y, validation_data=(X[:9], y[:9])
    )
    watched = regressor().fit(X, y, validation_data=(X[:9], y[:9]))
    assert nothing_held_out.loss_curve_ == watched.loss_curve_
