"""Nets for images as estimators: fitted, searched, saved."""

import re

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from sknn_tricks import NetClassifier, NetRegressor, load, save
from sknn_tricks.fused import fused_training
from sknn_tricks.nets import ConvNet, ResNet

SPECS = {
    "conv": ConvNet((8, 16), n_convs=1),
    "fractional": ConvNet((8, 8, 16), n_convs=1, pool="fractional", head="max"),
    "everything": ConvNet(
        (8, 16),
        norm="group",
        activation="prelu_per_feature",
        pool=("stride", "avg"),
        bottleneck=0.5,
        dropout=0.1,
        conv_dropout=0.1,
        drop_connect=0.1,
        head="flatten",
        hidden=16,
    ),
    "residual": ResNet((8, 16), drop_path=0.1),
    "bottleneck": ResNet((8, 16), block="bottleneck", pre_activation=True, norm="layer"),
}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32).reshape(-1, 8, 8)
    return train_test_split(X, y, train_size=500, random_state=0)


def weights(net):
    return net.net_.module_.state_dict()


def same(first, second):
    pairs = zip(weights(first).items(), weights(second).items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


@pytest.mark.parametrize("kind", SPECS)
def test_a_fit_repeats_to_the_bit(digits, kind):
    X, _, y, _ = digits
    fits = [
        NetClassifier(SPECS[kind], max_epochs=2, random_state=seed).fit(X, y) for seed in (0, 0, 1)
    ]
    assert same(fits[0], fits[1])
    assert not same(fits[0], fits[2])


@pytest.mark.parametrize("kind", ["conv", "residual"])
def test_it_learns(digits, kind):
    X, X_test, y, y_test = digits
    net = NetClassifier(SPECS[kind], max_epochs=12, batch_size=32, lr=0.01, random_state=0)
    assert net.fit(X, y).score(X_test, y_test) > 0.9


@pytest.mark.parametrize("axes", [(0, 1, 2), (0, 2, 3, 1), (0, 3, 1, 2)])
def test_the_layout_of_images_makes_no_difference(digits, axes):
    X, X_test, y, _ = digits
    x, x_test = X, X_test
    if len(axes) == 4:
        x, x_test = (
            np.ascontiguousarray(each[:, None] if axes[1] == 3 else each[..., None])
            for each in (X, X_test)
        )
    spec = ConvNet((8,), n_convs=1)
    plain = NetClassifier(spec, max_epochs=1, random_state=0).fit(X, y)
    other = NetClassifier(spec, max_epochs=1, random_state=0).fit(x, y)
    np.testing.assert_allclose(other.predict_proba(x_test), plain.predict_proba(X_test), atol=1e-5)


@pytest.mark.parametrize("spec", [ConvNet((8,), 1), ResNet((8, 8))], ids=["conv", "residual"])
def test_numbers_can_be_predicted(digits, spec):
    X, X_test, _, _ = digits
    target = X.mean(axis=(1, 2))  # which global pooling can tell
    net = NetRegressor(spec, max_epochs=10, batch_size=32, lr=0.01, random_state=0).fit(X, target)
    assert net.score(X_test, X_test.mean(axis=(1, 2))) > 0.8


@pytest.mark.parametrize(
    ("spec", "grid"),
    [
        (ConvNet((8,), 1), {"module__channels": [(8,), (8, 8)], "module__conv_dropout": [0, 0.2]}),
        (ResNet((8, 8)), {"module__n_blocks": [1, (1, 2)], "module__drop_path": [0.0, 0.2]}),
    ],
    ids=["conv", "residual"],
)
def test_a_search_over_depth_is_that_of_one_by_one(digits, spec, grid):
    X, _, y, _ = digits
    X, y = X[:200], y[:200]
    results = []
    for fused in (False, True):
        net = NetClassifier(spec, max_epochs=2, batch_size=32, random_state=0)
        search = GridSearchCV(net, grid, cv=2)
        if fused:
            with fused_training(n_jobs=1):
                search.fit(X, y)
        else:
            search.fit(X, y)
        results.append(search)
    one, other = results
    assert one.best_params_ == other.best_params_
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"]
    )
    assert same(one.best_estimator_, other.best_estimator_)


@pytest.mark.parametrize("kind", SPECS)
def test_a_saved_net_predicts_to_the_bit(digits, kind, tmp_path):
    X, X_test, y, _ = digits
    net = NetClassifier(SPECS[kind], max_epochs=1, random_state=0).fit(X, y)
    save(net, tmp_path / "net.sknn")
    twin = load(tmp_path / "net.sknn")
    assert repr(twin) == repr(net)
    assert repr(twin.net_.module_) == repr(net.net_.module_)
    np.testing.assert_array_equal(twin.predict_proba(X_test), net.predict_proba(X_test))


def test_max_norm_bounds_each_filter(digits):
    X, _, y, _ = digits
    net = NetClassifier(SPECS["conv"], max_norm=0.3, max_epochs=2, random_state=0).fit(X, y)
    for name, weight in weights(net).items():
        if name.startswith("conv"):
            norms = weight.flatten(1).norm(dim=1)
            assert norms.max() <= 0.3 + 1e-6
            assert norms.max() > 0.29


def test_an_init_that_looks_at_data_gives_each_convolution_outputs_of_variance_1(digits):
    X, _, y, _ = digits
    spec = ConvNet((8, 16), norm=None)
    net = NetClassifier(spec, init="lsuv", max_epochs=1, lr=1e-12, random_state=0).fit(X, y)
    module, x = net.net_.module_, torch.from_numpy(X)
    for name, layer in module.named_children():
        x = layer(x)
        if name.startswith("conv"):
            assert x.std().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("spec", [ConvNet((8,)), ResNet((8,))], ids=["conv", "residual"])
def test_batch_norm_of_channels_wants_more_than_one_image_too(digits, spec):
    X, _, y, _ = digits
    text = (
        "BatchNorm cannot train on 1 sample at a time. Expected batches of 2 samples or more; got "
        "n_samples=10, batch_size=1. Give more rows, a larger batch_size, or a net without "
        "BatchNorm."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        NetClassifier(spec, batch_size=1).fit(X[:10], y[:10])


def test_images_that_do_not_fit_are_refused_before_training(digits):
    X, _, y, _ = digits
    with pytest.raises(ValueError, match=r"^The images are too small for the net's pooling\."):
        NetClassifier(ConvNet((4,) * 4)).fit(X, y)
    with pytest.raises(ValueError, match=r"^These rows are no images\."):
        NetClassifier(ConvNet()).fit(X.reshape(-1, 64), y)
