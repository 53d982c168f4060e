"""What training does: optimisers, weights to start from, penalties, batches, reports."""

import numpy as np
import pytest
import torch

from sknn_tricks.init import SCHEMES, normal
from sknn_tricks.nets import MLP
from sknn_tricks.optim import OPTIMIZERS

LR = {"adagrad": 0.05, "momentum": 0.01, "nesterov": 0.01, "sgd": 0.05}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_lowers_the_loss(optimizer, number_data, regressor):
    net = regressor(optimizer=optimizer, lr=LR.get(optimizer, 0.02), max_epochs=20)
    losses = net.fit(*number_data).loss_curve_
    assert losses[-1] < 0.5 * losses[0]


def test_an_optimizer_may_be_a_class(number_data, regressor):
    net = regressor(optimizer=torch.optim.NAdam, max_epochs=20).fit(*number_data)
    assert type(net.net_.optimizer_) is torch.optim.NAdam
    assert net.loss_curve_[-1] < 0.5 * net.loss_curve_[0]


def test_an_optimizer_by_name_is_the_class_of_that_name(number_data, regressor, weights):
    by_name = regressor(optimizer="sgd").fit(*number_data)
    by_class = regressor(optimizer=torch.optim.SGD).fit(*number_data)
    np.testing.assert_allclose(weights(by_name), weights(by_class), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("init", sorted([*SCHEMES, "auto"]))
@pytest.mark.parametrize("activation", ["relu", "selu"])
def test_every_init_trains_to_a_finite_loss(init, activation, number_data, regressor):
    net = regressor(MLP((8,), activation=activation), init=init, max_epochs=20)
    losses = net.fit(*number_data).loss_curve_
    assert np.isfinite(losses).all()
    # With all weights 0 only the last bias learns, and standardised targets leave it nothing.
    assert losses[-1] < losses[0] or init == "zeros"


def test_init_may_be_a_scheme(number_data, regressor):
    small, large = (
        regressor(init=normal(std), lr=1e-9, weight_decay=0.0).fit(*number_data)
        for std in (0.01, 0.5)
    )
    assert small.net_.module_.linear_0.weight.std() < 0.05
    assert large.net_.module_.linear_0.weight.std() > 0.3


def test_init_changes_the_weights(number_data, regressor, weights):
    one, other = (
        weights(regressor(init=init).fit(*number_data)) for init in ("orthogonal", "lecun_normal")
    )
    assert not np.allclose(one, other)


def test_l1_pushes_weights_to_zero_but_not_biases(number_data, regressor):
    plain, sparse = (
        regressor(l1=l1, weight_decay=0.0, max_epochs=60).fit(*number_data) for l1 in (0.0, 0.05)
    )
    assert near_zero(sparse) > near_zero(plain) + 0.5
    assert sparse.net_.module_.linear_0.bias.abs().max() > 0.5


def near_zero(net):
    weight = net.net_.module_.linear_0.weight
    return (weight.abs() < 0.01).double().mean().item()


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_weight_decay_shrinks_weights(optimizer, number_data, regressor):
    norms = [
        regressor(weight_decay=decay, optimizer=optimizer, max_epochs=30)
        .fit(*number_data)
        .net_.module_.linear_0.weight.norm()
        .item()
        for decay in (0.0, 0.1, 0.5)
    ]
    assert norms == sorted(norms, reverse=True)


def test_weight_decay_leaves_biases_and_norms_alone(number_data, regressor):
    net = regressor(MLP((8,), batch_norm=True), weight_decay=0.1).fit(*number_data)
    decay = {
        parameter: group["weight_decay"]
        for group in net.net_.optimizer_.param_groups
        for parameter in group["params"]
    }
    named = dict(net.net_.module_.named_parameters())
    assert {name for name, parameter in named.items() if decay[parameter]} == {
        "linear_0.weight",
        "output.weight",
    }


@pytest.mark.parametrize("n_rows", [33, 65, 64, 2])
def test_a_last_batch_of_one_row_joins_the_one_before(n_rows, number_data, regressor):
    X, y = number_data
    net = regressor(MLP((8,), batch_norm=True), batch_size=32).fit(X[:n_rows], y[:n_rows])
    assert np.isfinite(net.loss_curve_).all()


def test_a_batch_larger_than_the_data_is_the_whole_data(number_data, regressor, weights):
    exact, larger = (
        weights(regressor(batch_size=size).fit(*number_data)) for size in (150, 10_000)
    )
    np.testing.assert_array_equal(exact, larger)


def test_rows_are_shuffled_anew_each_epoch(regressor):
    X = np.arange(40.0)[:, None]
    seen = []

    class Watch(torch.nn.Linear):
        def forward(self, x):
            if self.training:
                seen.append(x[:, 0].tolist())
            return super().forward(x)

    regressor(Watch(1, 1), batch_size=40, max_epochs=3).fit(X / 40, X[:, 0])
    assert len(seen) == 3
    assert len({tuple(order) for order in seen}) == 3
    assert sorted(seen[0]) == sorted(seen[1]) == sorted(seen[2])


def test_the_history_has_an_entry_per_epoch(number_data, regressor):
    net = regressor().fit(*number_data)
    assert [list(epoch) for epoch in net.history_] == [["epoch", "train_loss", "dur"]] * 5
    assert [epoch["epoch"] for epoch in net.history_] == [1, 2, 3, 4, 5]
    assert net.loss_curve_ == [epoch["train_loss"] for epoch in net.history_]
    assert net.n_iter_ == net.best_epoch_ == 5
    assert net.validation_scores_ is None


def test_the_history_has_the_validation_rows_too(number_data, regressor):
    net = regressor().fit(*number_data, validation_data=number_data)
    assert set(net.history_[0]) == {"epoch", "train_loss", "valid_loss", "valid_score", "dur"}
    assert net.validation_scores_ == [epoch["valid_score"] for epoch in net.history_]


def test_the_reported_loss_is_that_of_the_batches(number_data, regressor):
    X, y = number_data
    net = regressor(init="zeros", lr=1e-12).fit(X, y)
    np.testing.assert_allclose(net.loss_curve_, 1.0, rtol=1e-5)


def test_the_reported_loss_is_without_penalties(number_data, regressor):
    plain, penalised = (
        regressor(init="constant", lr=1e-12, l1=l1, weight_decay=l1).fit(*number_data).loss_curve_
        for l1 in (0.0, 10.0)
    )
    np.testing.assert_allclose(plain, penalised, rtol=1e-6)


def test_watching_validation_rows_does_not_change_the_weights(class_data, classifier, weights):
    X, y = class_data
    module = MLP((8,), batch_norm=True, dropout=0.2)
    alone = classifier(module).fit(X, y)
    watched = classifier(module).fit(X, y, validation_data=(X[:20], y[:20]))
    np.testing.assert_array_equal(weights(watched), weights(alone))
    assert watched.best_epoch_ == 5


def test_validation_scores_are_those_of_score(class_data, number_data, classifier, regressor):
    for make, data in ((classifier, class_data), (regressor, number_data)):
        net = make(dtype="float64").fit(*data, validation_data=data)
        np.testing.assert_allclose(net.validation_scores_[-1], net.score(*data), rtol=1e-9)


def test_validation_score_of_labels_is_the_share_of_exact_rows(class_data, classifier):
    X, y = class_data
    labels = np.c_[y == 0, y < 2].astype(int)
    net = classifier().fit(X, labels, validation_data=(X, labels))
    np.testing.assert_allclose(net.validation_scores_[-1], net.score(X, labels))


def test_fit_is_silent(class_data, classifier, capfd):
    classifier(early_stopping=True).fit(*class_data)
    assert capfd.readouterr() == ("", "")


def test_verbose_prints_a_line_per_epoch(class_data, classifier, capsys):
    classifier(verbose=1).fit(*class_data, validation_data=class_data)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["epoch", "train_loss", "valid_loss", "valid_score", "dur"]
    assert [line.split()[0] for line in lines[2:]] == ["1", "2", "3", "4", "5"]
