"""Scores of linear models, and the choice of a strategy by them."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.linear_model import Ridge
from torch import nn

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.nets import MLP, ImageInput
from sknn_tricks.transfer import FineTuner, linear_score
from sknn_tricks.transfer import _choice as choice
from sknn_tricks.transfer import _linear_score as module


@pytest.mark.parametrize("width", [4, 200])
@pytest.mark.parametrize("weighted", [False, True])
def test_leave_one_out_is_what_it_says(monkeypatch, width, weighted):
    """The closed form is compared with as many fits as there are rows."""
    X, y = load_iris(return_X_y=True)
    X, y = X[::3], y[::3]
    rng = np.random.default_rng(0)
    X = np.tanh((rng.normal(size=(width, 4)) @ X.T).T)
    weight = rng.uniform(0.1, 3, len(X)) if weighted else np.ones(len(X))
    weight /= weight.mean()
    mean, scale = module.moments(X, weight)
    scaled = (X - mean) / scale
    penalty = 0.03
    monkeypatch.setattr(module, "PENALTIES", np.array([penalty]))

    found = module.ridge(X, np.eye(3)[y], 7 * weight if weighted else None)

    alpha = penalty * (weight[:, None] * scaled**2).sum() / len(X)
    model, targets, expected = Ridge(alpha), np.eye(3)[y], []
    for i in range(len(X)):
        others = np.arange(len(X)) != i
        model.fit(scaled[others], targets[others], weight[others])
        expected.append(model.predict(scaled[[i]])[0])
    np.testing.assert_allclose(found.left_out, expected, atol=1e-8)
    whole = model.fit(scaled, targets, weight).predict(scaled)
    np.testing.assert_allclose(X @ found.weights.T + found.bias, whole, atol=1e-8)
    if not weighted:
        assert linear_score(X, y, classes=True) == (np.argmax(expected, axis=1) == y).mean()


def test_numbers_are_scored_by_r2():
    X, y = load_diabetes(return_X_y=True)

    assert 0.45 < linear_score(X, y, classes=False) < 0.5
    assert linear_score(X, np.stack([y, y], axis=1), classes=False) == pytest.approx(
        linear_score(X, y, classes=False)
    )
    noise = np.random.default_rng(0).normal(size=X.shape)
    assert linear_score(noise, y, classes=False) < 0.05


def test_constant_features_and_few_rows_are_no_trouble():
    assert linear_score(np.ones((6, 3)), [0, 0, 0, 0, 1, 1], classes=True) <= 4 / 6
    assert np.isfinite(linear_score([[1.0], [2.0]], [0.0, 1.0], classes=False))


def rows(n, seed, other=False):
    """Return rows of four classes that a ring divides, which no linear model of them can tell."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 20))
    u, v = X[:, :2].T if not other else X[:, 2:4].T
    return X, (u * v > 0) + 2 * (np.abs(u) > 0.67)


@pytest.fixture(scope="module")
def backbone():
    net = NetClassifier(MLP((64, 64)), max_epochs=30, lr=0.003, random_state=0)
    return net.fit(*rows(4000, 0))


@pytest.mark.parametrize(
    ("n", "other", "strategy"),
    [
        (18, False, "linear_probe"),
        (18, True, "truncate"),
        (200, False, "fine_tune"),
        (200, True, "fine_tune"),
        (2400, False, "fine_tune"),
        (2400, True, "pretrained_init"),
    ],
)
def test_each_case_has_its_strategy_and_its_reason(backbone, n, other, strategy):
    X, y = rows(n, 3, other)

    fitted = FineTuner(backbone, NetClassifier(max_epochs=1, random_state=0)).fit(X, y)

    assert fitted.strategy_ == strategy
    size = "few" if n < 20 else "some" if n < 2000 else "many"
    finding = f"they look {'different from' if other else 'similar to'} those of the backbone"
    if size == "few":
        finding = f"the best features are those behind '{fitted.cut_}'"
    scores = fitted.layer_scores_
    assert fitted.reason_.startswith(f"{strategy}: there are {size} data (about ")
    assert f"rows a class), and {finding}: linear models have" in fitted.reason_
    assert f"{scores['activation_1']:.2f} on the features behind 'activation_1'" in fitted.reason_
    assert f"and {scores['the rows themselves']:.2f} on the rows themselves." in fitted.reason_


def test_of_numbers_ten_times_as_many_rows_count(backbone):
    X = np.random.default_rng(0).normal(size=(120, 20))

    fitted = FineTuner(backbone, NetRegressor(max_epochs=1, random_state=0)).fit(X, X[:, 5])

    assert fitted.strategy_ == "fine_tune"
    assert "there are some data (120 rows), and they look different from" in fitted.reason_
    assert "leave-one-out R^2 of" in fitted.reason_


def test_a_net_of_one_hidden_layer_is_never_cut_earlier():
    X, y = rows(16, 0)
    useless = nn.Sequential(nn.Linear(20, 5), nn.ReLU(), nn.Linear(5, 2))
    nn.init.zeros_(useless[0].weight)

    fitted = FineTuner(useless, NetClassifier(max_epochs=1, random_state=0)).fit(X, y)

    assert fitted.strategy_ == "linear_probe"
    text = "linear_probe: there are few data (about 4 rows a class), and the best features are "
    assert fitted.reason_.startswith(text)


def test_classes_of_different_sizes_are_neither_few_nor_many(backbone):
    X, y = rows(2000, 0)
    kept = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:4]])

    fitted = FineTuner(backbone, NetClassifier(max_epochs=1, random_state=0)).fit(X[kept], y[kept])

    n_rows = (4 * (len(kept) - 4)) ** 0.5
    assert f"there are some data (about {n_rows:.0f} rows a class)" in fitted.reason_


def test_rows_of_the_backbone_itself_are_similar():
    X, y = load_digits(return_X_y=True)
    net = NetClassifier(MLP((64, 32)), max_epochs=30, random_state=0).fit(X, y)

    fitted = FineTuner(net, NetClassifier(max_epochs=1, random_state=0)).fit(X, y)

    assert ", and they look similar to those of the backbone: " in fitted.reason_


def test_of_images_the_right_axes_are_averaged_over(monkeypatch):
    """Channels that come last are not taken for a width."""
    seen = []
    monkeypatch.setattr(choice, "linear_score", lambda rows, *_, **__: seen.append(rows) or 0.5)
    X = np.random.default_rng(0).normal(size=(8, 64, 64, 3)).astype(np.float32)
    net = nn.Sequential(ImageInput((64, 64, 3)), nn.Conv2d(3, 4, 3, 16), nn.Flatten())
    net.append(nn.Linear(64, 2))

    FineTuner(net, NetClassifier(max_epochs=1, random_state=0)).fit(X, np.arange(8) % 2)

    means = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(X).permute(0, 3, 1, 2), 26)
    np.testing.assert_allclose(seen[0], means.flatten(1), atol=1e-6)


def test_what_the_user_decides_is_no_choice(backbone):
    X, y = rows(100, 0)
    net = NetClassifier(max_epochs=1, random_state=0)

    probe = FineTuner(backbone, net, strategy="linear_probe").fit(X, y)
    cut = FineTuner(backbone, net, strategy="truncate").fit(X, y)

    assert probe.reason_ == "strategy='linear_probe' was asked for."
    assert probe.layer_scores_ == {}
    score = cut.layer_scores_["activation_0"]
    assert cut.reason_ == (
        "strategy='truncate' was asked for; of the earlier layers, a linear model on the features "
        f"behind 'activation_0' has the highest leave-one-out accuracy, {score:.2f}."
    )
