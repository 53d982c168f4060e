"""What the parts of a net are for, seen on the digits."""

import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.fused import fit_many
from sknn_tricks.nets import MLP, ResMLP

# Nets that learn nothing are part of the experiments.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DEEP = (64,) * 6


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    return train_test_split(X, y, test_size=600, stratify=y, random_state=0)


@pytest.fixture(scope="module")
def accuracies(digits):
    """Return a function that trains nets together and returns their accuracies on held-out rows."""
    X, X_test, y, y_test = digits

    def learn(*nets):
        usual = {"random_state": 0, "optimizer": "sgd", "batch_size": 32, "weight_decay": 0.0}
        fits = [(NetClassifier(**{**usual, **net}), X, y) for net in nets]
        return [net.score(X_test, y_test) for net in fit_many(fits)]

    return learn


def test_batch_norm_allows_higher_rates(accuracies):
    settings = {"lr": 1.0, "max_epochs": 10}
    [normed] = accuracies({"module": MLP(DEEP, batch_norm=True), **settings})
    assert normed > 0.9
    with pytest.raises(DivergenceError):
        accuracies({"module": MLP(DEEP), **settings})


def test_batch_norm_makes_good_for_weights_that_are_too_small(accuracies):
    settings = {"lr": 0.05, "max_epochs": 10, "init": "small_normal"}
    plain, normed = accuracies(
        {"module": MLP(DEEP), **settings},
        {"module": MLP(DEEP, batch_norm=True), **settings},
    )
    assert plain < 0.2
    assert normed > 0.9


def test_a_deep_net_learns_from_fitting_weights_only(accuracies):
    nets = [{"module": MLP(DEEP, "tanh"), "init": init} for init in ("small_normal", "lsuv")]
    small, scaled = accuracies(*({**net, "lr": 0.05, "max_epochs": 10} for net in nets))
    assert small < 0.2
    assert scaled > 0.9


def test_lsuv_makes_good_for_features_that_are_not_scaled(digits):
    X, X_test, y, y_test = digits
    scores = []
    for init in ("auto", "lsuv"):
        net = NetClassifier(init=init, optimizer="sgd", lr=0.1, max_epochs=10, random_state=0)
        scores.append(net.fit(0.01 * X, y).score(0.01 * X_test, y_test))
    auto, lsuv = scores
    assert lsuv > auto + 0.05


def test_residual_blocks_let_a_very_deep_net_learn(accuracies):
    settings = {"lr": 0.02, "max_epochs": 8}
    plain, residual = accuracies(
        {"module": MLP((32,) * 41), **settings},
        {"module": ResMLP(32, 20, expansion=1.0, norm=None), **settings},
    )
    assert plain < 0.4
    assert residual > 0.9


@pytest.mark.parametrize(
    "spec",
    [MLP((256, 256), drop_connect=0.6), ResMLP(64, 3, 1.0, dropout=0.6, drop_path=0.6)],
    ids=["drop_connect", "drop_path"],
)
def test_what_is_dropped_keeps_a_large_net_from_learning_few_rows_by_heart(digits, spec):
    X, X_test, y, y_test = digits
    rates = ("dropout", "drop_connect", "drop_path")
    plain = clone(spec).set_params(**{name: 0.0 for name in rates if hasattr(spec, name)})
    losses = []
    for module in (plain, spec):
        net = NetClassifier(module, max_epochs=30, batch_size=64, random_state=0)
        net.fit(X[:200], y[:200], validation_data=(X_test, y_test))
        losses.append([net.history_[-1][name] for name in ("train_loss", "valid_loss")])
    (train, valid), (train_dropped, valid_dropped) = losses
    assert valid_dropped - train_dropped < valid - train
    assert valid_dropped < valid
