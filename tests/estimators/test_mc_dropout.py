"""Monte Carlo dropout."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from sknn_tricks import NetClassifier
from sknn_tricks.estimators._mc_dropout import DroppingNet
from sknn_tricks.nets import MLP, ConvNet, Dropout, ResMLP, ResNet

DROPPING = MLP((64,), dropout=0.5, batch_norm=True)


class OwnNet(nn.Module):
    """A user's own module with torch's dropout."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, n_outputs)
        )

    def forward(self, x):
        return self.layers(x)


def test_the_mean_of_many_draws_is_that_of_dropouts_distribution():
    torch.manual_seed(0)
    net = nn.Sequential(Dropout(0.4), nn.Linear(3, 1, bias=False)).double().eval()
    x, weight = torch.randn(2, 3, dtype=torch.float64), net[1].weight.detach()
    draws = DroppingNet(net, False, torch.device("cpu"), 0)(x, 4000, 2)
    assert draws.shape == (4000, 2, 1)
    torch.testing.assert_close(draws.mean(dim=0), x @ weight.T, rtol=0, atol=0.05)
    # Each term is scaled by 1 / 0.6 or dropped: its variance is (1 / 0.6 - 1) of its square.
    variance = (x * weight).square().sum(dim=1, keepdim=True) * (1 / 0.6 - 1)
    torch.testing.assert_close(draws.var(dim=0), variance, rtol=0.1, atol=0)


@pytest.mark.parametrize("module", [DROPPING, OwnNet], ids=["ours", "own"])
def test_draws_of_probabilities(class_data, classifier, weights, module):
    X, y = class_data
    net = classifier(module).fit(X, y)
    state, proba, numbers = torch.get_rng_state(), net.predict_proba(X), weights(net)
    draws = net.predict_proba_dropout(X, n_draws=200, random_state=0)
    assert draws.shape == (200, 150, 3)
    assert draws.dtype == np.float64
    np.testing.assert_allclose(draws.sum(axis=2), 1)
    assert draws.std(axis=0).max() > 0.05
    assert (draws.mean(axis=0).argmax(axis=1) == proba.argmax(axis=1)).mean() > 0.9
    # Nothing has changed.
    assert torch.equal(state, torch.get_rng_state())
    assert not any(part.training for part in net.net_.module_.modules())
    np.testing.assert_array_equal(net.predict_proba(X), proba)
    np.testing.assert_array_equal(weights(net), numbers)


@pytest.mark.parametrize("module", [DROPPING, OwnNet], ids=["ours", "own"])
def test_random_state_decides_what_is_dropped(class_data, classifier, module):
    X, y = class_data
    net = classifier(module).fit(X, y)
    one, same, other, new = (
        net.predict_proba_dropout(X, n_draws=3, random_state=state) for state in (0, 0, 1, None)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, new)
    assert not np.array_equal(one[0], one[1])


def test_a_net_is_less_sure_far_from_its_data(number_data, regressor):
    X, y = number_data
    net = regressor(MLP((32,), dropout=0.2), max_epochs=40).fit(X, y)
    near, far = (
        net.predict_dropout(rows, n_draws=100, random_state=0).std(axis=0).mean()
        for rows in (X, 5 * X)
    )
    assert far > 2 * near


@pytest.mark.parametrize("columns", [None, 2])
def test_draws_of_numbers_are_in_the_users_units(number_data, regressor, columns):
    X, y = number_data
    y = 1000 + y if columns is None else 1000 + np.column_stack([y, -y])
    net = regressor(MLP((64,), dropout=0.2), max_epochs=30).fit(X, y)
    draws = net.predict_dropout(X, n_draws=300, random_state=0)
    assert draws.shape == (300, *y.shape)
    error = np.abs(draws.mean(axis=0) - net.predict(X))
    assert error.mean() < 0.2 * y.std()


@pytest.mark.parametrize(
    "spec",
    [
        MLP((16,), drop_connect=0.3),
        ConvNet((16,), drop_connect=0.3),
        ConvNet((16,), conv_dropout=0.3),
        ConvNet((16,), norm=None, conv_dropout=0.3, dropout=1e-9),
        ResMLP(16, drop_path=0.3),
        ResNet((16,), n_blocks=2, drop_path=0.3),
    ],
    ids=str,
)
def test_dropped_weights_channels_and_blocks_count_too(class_data, classifier, spec):
    X, y = class_data
    X = X if isinstance(spec, MLP | ResMLP) else X.reshape(-1, 2, 3)
    net = classifier(spec).fit(X, y)
    draws = net.predict_proba_dropout(X, random_state=0)
    assert draws.std(axis=0).max() > 0.01
    np.testing.assert_array_equal(net.predict_proba_dropout(X, random_state=0), draws)


def test_each_member_of_an_ensemble_gives_so_many(class_data, classifier):
    X, y = class_data
    net = classifier(DROPPING, n_members=2).fit(X, y)
    draws = net.predict_proba_dropout(X, n_draws=50, random_state=0)
    assert draws.shape == (100, 150, 3)
    members = net.predict_proba_members(X)
    for k in range(2):
        mean = draws[50 * k : 50 * (k + 1)].mean(axis=0)
        distance = [np.abs(mean - member).mean() for member in members]
        assert np.argmin(distance) == k


@pytest.mark.parametrize("spec", [MLP((8,)), MLP((8,), dropout=0.0, batch_norm=True)])
def test_a_net_without_dropout_is_refused(class_data, classifier, spec):
    text = (
        "The net has no dropout. Expected layers of dropout with a rate above 0; got none. Train "
        "it with dropout, such as MLP(dropout=0.2), or use an ensemble: n_members=5."
    )
    net = classifier(spec).fit(*class_data)
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        net.predict_proba_dropout(class_data[0])


@pytest.mark.parametrize("n_draws", [0, -1, 2.5])
def test_a_number_of_draws_that_is_none_is_refused(class_data, classifier, n_draws):
    text = (
        "n_draws is no number of draws. Expected a whole number from 1 up; got "
        f"n_draws={n_draws!r}. Try n_draws=20."
    )
    net = classifier(DROPPING).fit(*class_data)
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        net.predict_proba_dropout(class_data[0], n_draws=n_draws)


def test_an_unfitted_net_is_refused(class_data):
    with pytest.raises(AttributeError, match="not fitted yet"):
        NetClassifier(DROPPING).predict_proba_dropout(class_data[0])
