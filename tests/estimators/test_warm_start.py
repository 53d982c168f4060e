"""warm_start and partial_fit."""

from functools import partial

import numpy as np
import pytest
import torch

from sknn_tricks.nets import MLP

# The order of rows, which is drawn for each fit, then does not matter.
ONE_BATCH = {"batch_size": 1000, "dtype": "float64"}


def test_warm_start_goes_on_where_the_last_fit_ended(number_data, regressor):
    net = regressor(warm_start=True).fit(*number_data)
    first = list(net.loss_curve_)
    net.fit(*number_data)
    assert net.n_iter_ == len(net.loss_curve_) == 10
    assert net.loss_curve_[:5] == first
    assert net.loss_curve_[5] < first[0]
    assert [epoch["epoch"] for epoch in net.history_] == list(range(1, 11))


@pytest.mark.parametrize("optimizer", ["adam", "momentum", "sgd"])
def test_two_warm_fits_are_one_long_fit(optimizer, number_data, regressor, weights):
    make = partial(regressor, optimizer=optimizer, **ONE_BATCH)
    twice = make(warm_start=True).fit(*number_data).fit(*number_data)
    once = make(max_epochs=10).fit(*number_data)
    np.testing.assert_allclose(weights(twice), weights(once), rtol=1e-6)


def test_a_second_fit_without_warm_start_begins_anew(number_data, regressor, weights):
    net = regressor().fit(*number_data)
    first = weights(net)
    np.testing.assert_array_equal(weights(net.fit(*number_data)), first)
    assert net.n_iter_ == 5


def test_a_second_fit_without_warm_start_takes_other_data(number_data, class_data, regressor):
    net = regressor().fit(*number_data)
    X, y = class_data
    assert net.fit(X, np.c_[y, y]).predict(X).shape == (150, 2)


def test_warm_start_takes_a_new_learning_rate(number_data, regressor, weights):
    net = regressor(warm_start=True, optimizer="sgd").fit(*number_data)
    before = weights(net)
    net.set_params(lr=1e-12).fit(*number_data)
    np.testing.assert_allclose(weights(net), before, atol=1e-6)


def test_warm_start_takes_new_penalties(number_data, regressor):
    net = regressor(warm_start=True, optimizer="sgd", max_epochs=30).fit(*number_data)
    before = net.net_.module_.linear_0.weight.norm().item()
    net.set_params(l1=1.0, lr=0.01).fit(*number_data)
    assert net.net_.module_.linear_0.weight.norm() < 0.5 * before
    net = regressor(warm_start=True, optimizer="sgd", max_epochs=30).fit(*number_data)
    net.set_params(weight_decay=10.0, lr=0.01).fit(*number_data)
    assert net.net_.module_.linear_0.weight.norm() < 0.5 * before


def test_warm_starts_with_early_stopping_never_get_worse(number_data, regressor):
    net = regressor(warm_start=True, early_stopping=True, max_epochs=10, patience=3, lr=0.03)
    kept = []
    for _ in range(4):
        net.fit(*number_data)
        assert 0 < net.best_epoch_ <= net.n_iter_
        kept.append(net.history_[net.best_epoch_ - 1]["valid_loss"])
    assert kept == sorted(kept, reverse=True)


def test_warm_start_draws_new_dropout_masks(number_data, regressor):
    net = regressor(MLP((8,), dropout=0.5), warm_start=True, lr=1e-12, max_epochs=1)
    net.fit(*number_data).fit(*number_data)
    assert net.loss_curve_[0] != net.loss_curve_[1]


def test_partial_fit_over_chunks_learns(class_data, classifier):
    X, y = class_data
    net = classifier()
    for _ in range(10):
        for rows in np.arange(150).reshape(3, 50):
            net.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    assert net.n_iter_ == 30
    assert net.score(X, y) > 0.8


def test_partial_fit_is_an_epoch_of_fit(class_data, classifier, weights):
    X, y = class_data
    net = classifier(**ONE_BATCH)
    for _ in range(5):
        net.partial_fit(X, y, classes=[0, 1, 2])
    once = classifier(**ONE_BATCH).fit(X, y)
    np.testing.assert_allclose(weights(net), weights(once), rtol=1e-6)


def test_partial_fit_goes_on_after_fit(number_data, regressor, weights):
    net = regressor(max_epochs=4, **ONE_BATCH).fit(*number_data).partial_fit(*number_data)
    once = regressor(**ONE_BATCH).fit(*number_data)
    np.testing.assert_allclose(weights(net), weights(once), rtol=1e-6)
    assert net.n_iter_ == 5


def test_partial_fit_takes_classes_that_come_later(class_data, classifier):
    X, y = class_data
    net = classifier().partial_fit(X[y == 0], y[y == 0], classes=[0, 1, 2])
    net.partial_fit(X[y > 0], y[y > 0])
    assert net.predict_proba(X).shape == (150, 3)


def test_partial_fit_with_class_weights_takes_a_chunk_without_one_of_them(class_data, classifier):
    X, y = class_data
    net = classifier(class_weight={1: 3.0}).partial_fit(X, y, classes=[0, 1, 2])
    assert net.partial_fit(X[y == 0], y[y == 0]).n_iter_ == 2


def test_partial_fit_takes_multi_label_targets(class_data, classifier):
    X, y = class_data
    labels = np.c_[y == 0, y < 2].astype(int)
    net = classifier().partial_fit(X, labels, classes=[0, 1]).partial_fit(X, labels)
    assert net.predict(X).shape == (150, 2)


def test_partial_fit_keeps_the_first_scale_of_targets(number_data, regressor):
    X, y = number_data
    net = regressor().partial_fit(X, y)
    scale = net.target_scale_
    np.testing.assert_array_equal(net.partial_fit(X, 2 * y).target_scale_, scale)


def test_partial_fit_weighs_rows(number_data, regressor, weights):
    X, y = number_data
    kept = np.arange(150) % 2 == 0
    weighted = regressor().partial_fit(X, y, sample_weight=kept * 1.0)
    removed = regressor().partial_fit(X[kept], y[kept], sample_weight=np.ones(75))
    np.testing.assert_array_equal(weights(weighted), weights(removed))


def test_the_net_of_the_last_fit_is_left_as_it_was_by_a_fit_anew(number_data, regressor):
    net = regressor().fit(*number_data)
    old = net.net_
    before = [parameter.detach().clone() for parameter in old.module_.parameters()]
    net.fit(*number_data)
    assert net.net_ is not old
    assert all(map(torch.equal, old.module_.parameters(), before))


def test_the_precision_cannot_change_while_training_goes_on(number_data, regressor):
    net = regressor(warm_start=True).fit(*number_data).set_params(dtype="float64")
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the whole text follows
        net.fit(*number_data)
    assert str(raised.value) == (
        "dtype cannot change while training goes on. Expected dtype='float32'; got "
        "dtype='float64'. Set it back, or fit anew with warm_start=False."
    )


def test_partial_fit_weighs_each_chunk_against_the_first(number_data, regressor, weights):
    X, y = number_data

    def fit_with(weight):
        net = regressor().partial_fit(X, y, sample_weight=np.ones(150))
        return weights(net.partial_fit(X, y, sample_weight=np.full(150, weight)))

    start = weights(regressor().partial_fit(X, y, sample_weight=np.ones(150)))
    light, usual = fit_with(1e-9), fit_with(1.0)
    assert not np.array_equal(light, usual)
    assert not np.array_equal(start, usual)


def test_partial_fit_of_a_single_row_under_batch_norm_is_refused(number_data, regressor):
    X, y = number_data
    net = regressor(MLP((8,), batch_norm=True)).partial_fit(X, y)
    with pytest.raises(ValueError, match="BatchNorm cannot train on 1 sample at a time"):
        net.partial_fit(X[:1], y[:1])
