"""The parameters `augment` and `cutmix` of the estimators."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import sknn_tricks
from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.augment import (
    Albumentation,
    Augment,
    Cutout,
    Flip,
    Noise,
    Shift,
    Transform,
    as_augment,
)
from sknn_tricks.fused import fused_training
from sknn_tricks.nets import MLP, ConvNet, TorchModule
from sknn_tricks.resampling import AugmentedOverSampler

SOME = Augment([Flip(), Shift(1), Cutout(2)])


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:300].reshape(-1, 8, 8) * 15.9).astype(np.uint8), y[:300]


def net(**params):
    usual = {"module": MLP(hidden=(16,)), "max_epochs": 3, "random_state": 0}
    return NetClassifier(**{**usual, **params})


def weights(net):
    return torch.cat([each.flatten() for each in net.net_.module_.parameters()])


class Convolutions(torch.nn.Sequential):
    def __init__(self, n_outputs):
        super().__init__(
            torch.nn.Unflatten(1, (1, 8)),
            torch.nn.Conv2d(1, 4, 3),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Linear(144, n_outputs),
        )


class Black(Transform):
    def __init__(self, p=1.0):
        self.p = p

    def change(self, x, draws):
        return torch.zeros_like(x)


@pytest.mark.parametrize("module", [MLP(hidden=(16,)), TorchModule(Convolutions)], ids=str)
def test_fits_repeat_and_differ_by_seed_and_augmentation(digits, module):
    def fit(**params):
        return weights(clone(net(module=module, **params)).fit(*digits))

    first = fit(augment=SOME, cutmix=1.0)
    assert torch.equal(first, fit(augment=SOME, cutmix=1.0))
    for others in ({}, {"cutmix": 1.0}, {"augment": SOME}, {"augment": SOME, "random_state": 1}):
        assert not torch.equal(first, fit(**others))


@pytest.mark.parametrize("augment", [[Flip(), Shift()], "flip_shift", Flip()], ids=str)
def test_short_forms(digits, augment):
    X, y = digits
    fitted = net(augment=augment).fit(X, y)
    assert torch.equal(weights(fitted), weights(clone(fitted).fit(X, y)))


def test_bytes_and_their_shares_are_the_same(digits):
    X, y = digits
    ours = Augment([Shift(1), Noise()])
    floats = X.astype(np.float32) / 255
    assert torch.equal(
        weights(net(augment=ours).fit(X, y)), weights(net(augment=ours).fit(floats, y))
    )


def test_search_over_augmentations_alone_and_fused(digits):
    grid = {
        "augment": [None, "shift", Augment([Flip(), Noise(0.1)])],
        "augment__strength": [0.5, 1.0],
        "cutmix": [0.0, 1.0],
    }
    search = GridSearchCV(net(augment=SOME), grid, cv=2, refit=False, error_score="raise")
    stock = clone(search).fit(*digits).cv_results_
    with fused_training() as fused:
        together = clone(search).fit(*digits).cv_results_
    assert np.array_equal(stock["mean_test_score"], together["mean_test_score"])
    assert fused.report.n_alone == 0
    scores = dict(zip(map(str, stock["params"]), stock["mean_test_score"], strict=True))
    assert len(set(scores.values())) > 6
    without = [score for name, score in scores.items() if "'augment': None" in name]
    assert len(set(without)) == 2  # strength means nothing there


def test_set_params_leaves_what_was_given_alone():
    estimator = net(augment=SOME).set_params(augment__strength=0.3)
    assert (estimator.augment.strength, SOME.strength) == (0.3, 1.0)
    assert estimator.get_params()["augment__strength"] == 0.3
    estimator.set_params(augment=None, augment__strength=0.3)
    assert estimator.augment is None
    estimator.set_params(augment="shift", augment__strength=2)
    assert (type(estimator.augment), estimator.augment.strength) == (Augment, 2)
    with pytest.raises(ValueError, match="Invalid parameter 'strenght'"):
        net().set_params(augment__strenght=1)


def test_in_a_pipeline(digits):
    X, y = digits
    scale = FunctionTransformer(lambda X: X / np.float32(255))
    piped = make_pipeline(scale, net(augment=SOME)).set_params(netclassifier__augment__strength=0.5)
    alone = net(augment=Augment(SOME.transforms, strength=0.5)).fit(X, y)
    assert torch.equal(weights(piped.fit(X, y)[-1]), weights(alone))


def test_nothing_but_training_sees_it(digits):
    X, y = digits
    black = net(augment=Augment(Black()), early_stopping=True, monitor="accuracy", max_epochs=2)
    black.fit(X, y)
    assert len(np.unique(black.predict_proba(X), axis=0)) > 250
    plain = net().fit(X, y)
    scores = plain.predict_proba(X)
    plain.set_params(augment=Augment(Black()))
    assert np.array_equal(plain.predict_proba(X), scores)


def test_ensembles_and_regression(digits):
    X, y = digits
    both = net(augment=SOME, n_members=2).fit(X, y)
    assert not torch.equal(weights(both.members_[0]), weights(both.members_[1]))
    regressor = NetRegressor(
        MLP(hidden=(16,)), max_epochs=3, random_state=0, augment=SOME, cutmix=0.5
    )
    assert np.isfinite(regressor.fit(X, y).predict(X)).all()


def test_saved_and_loaded(digits, tmp_path):
    X, y = digits
    augment = Augment([Flip(), Albumentation("HorizontalFlip", p=0.2)], strength=0.5)
    fitted = net(augment=augment).fit(X, y)
    sknn_tricks.save(fitted, tmp_path / "net.sknn")
    loaded = sknn_tricks.load(tmp_path / "net.sknn")
    assert repr(loaded) == repr(fitted)
    assert np.array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    assert torch.equal(weights(clone(loaded).fit(X, y)), weights(fitted))


def test_over_sampler(digits):
    X, y = digits
    keep = (y != 3) | (np.arange(300) < 60)
    sampler = AugmentedOverSampler(Augment([Shift(1)]), random_state=0)
    more, labels = sampler.fit_resample(X[keep], y[keep])
    assert more.dtype == np.uint8
    assert np.bincount(labels).std() == 0
    added, drawn = more[keep.sum() :], X[keep][sampler.sample_indices_[keep.sum() :]]
    inner = (slice(None), slice(2, 6), slice(2, 6))
    assert 0.5 < (added[inner] != drawn[inner]).any((1, 2)).mean() <= 1
    again, _ = clone(sampler).fit_resample(X[keep], y[keep])
    assert np.array_equal(more, again)
    weaker, _ = clone(sampler).set_params(augment__strength=0.0).fit_resample(X[keep], y[keep])
    assert np.array_equal(weaker[keep.sum() :], X[keep][sampler.sample_indices_[keep.sum() :]])


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"augment": "flips"}, ValueError, "augment='flips' is not known"),
        ({"augment": 3}, TypeError, "augment has something that is no transform"),
        ({"augment": Augment(Shift(-1))}, ValueError, "distance of Shift is out of range"),
        ({"cutmix": -1.0}, ValueError, "cutmix"),
    ],
)
def test_wrong_settings(digits, params, error, text):
    with pytest.raises(error, match=text):
        net(**params).fit(*digits)


MANY = np.random.default_rng(0).random((16, 8, 9, 8), np.float32)
FEW = {"max_epochs": 1, "batch_size": 16}


@pytest.mark.parametrize("more", [{"cutmix": 1.0}, {"augment": "flip_shift"}], ids=str)
def test_images_of_many_channels_as_the_net_or_the_augmentation_says(more):
    y = np.arange(16) % 2

    def fit(axis, **params):
        return weights(net(module=ConvNet((4,), channels_axis=axis), **FEW, **params).fit(MANY, y))

    said = fit("last", **more)
    assert not torch.equal(said, fit("last"))
    also = Augment(as_augment(more.get("augment") or ()).transforms, channels="last")
    assert torch.equal(said, fit("last", **{**more, "augment": also}))
    moved = net(module=ConvNet((4,), channels_axis="first"), **FEW, **more)
    first = weights(moved.fit(MANY.transpose(0, 3, 1, 2), y))
    torch.testing.assert_close(said, first, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match=r'Say it with channels_axis="first" or channels_axis='):
        fit("auto", **more)
    with pytest.raises(ValueError, match=r"^channels_axis is no axis of images"):
        fit("lats", **more)
    with pytest.raises(ValueError, match=r"^channels is no axis of images"):
        fit("last", **{**more, "augment": Augment(channels="lats")})


def test_search_over_nets_of_many_channels_alone_and_fused():
    y = np.arange(16) % 2
    grid = {"augment": [None, "shift", Augment(Flip())], "cutmix": [0.0, 1.0]}
    usual = net(module=ConvNet((4,), channels_axis="last"), **FEW)
    search = GridSearchCV(usual, grid, cv=2, scoring="neg_log_loss", error_score="raise")
    stock = clone(search).fit(MANY, y)
    with fused_training() as fused:
        together = clone(search).fit(MANY, y)
    name = "mean_test_score"
    assert np.array_equal(stock.cv_results_[name], together.cv_results_[name])
    assert len(set(stock.cv_results_[name])) == 6
    assert fused.report.n_alone == 0


def test_an_augmentation_that_is_given_is_left_as_it_is():
    augment = Augment(Flip())
    net(module=ConvNet((4,), channels_axis="last"), augment=augment, **FEW).fit(
        MANY, np.arange(16) % 2
    )
    assert augment.channels == "auto"


def test_settings_within_an_augmentation_mean_nothing_without_one():
    assert net().set_params(augment__transforms__p=0.5).augment is None
    augment = Augment(Flip())
    inner = net(augment=augment).set_params(augment__transforms__p=0.3)
    assert (inner.augment.transforms.p, augment.transforms.p) == (0.3, 0.5)


@pytest.mark.parametrize("params", [{"augment": "shift"}, {"cutmix": 1.0}])
def test_tables_are_no_images(digits, params):
    X, y = digits
    with pytest.raises(ValueError, match=r"These rows are no images.*got rows of shape \(64,\)"):
        net(**params).fit(X.reshape(-1, 64), y)
