"""Images of bytes stay bytes, and give the bits of their shares of 255."""

import re

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from torch import nn

from sknn_tricks import NetClassifier, NetRegressor, OnDisk, load, save
from sknn_tricks.averaging import swa
from sknn_tricks.estimators._bytes import are_bytes
from sknn_tricks.fused import fused_training
from sknn_tricks.nets import MLP, ConvNet, TorchModule


class Convolved(nn.Sequential):
    """A small net of convolutions for grey images."""

    def __init__(self, n_outputs):
        super().__init__(
            nn.Unflatten(1, (1, 8)),
            nn.Conv2d(1, 4, 3, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(144, n_outputs),
        )


MODULES = {
    "dense": MLP(hidden=(8,), batch_norm=True, dropout=0.2),
    "convolved": ConvNet(channels=(4, 6), n_convs=1),
    "the user's own": TorchModule(Convolved),
}


@pytest.fixture(scope="module")
def images():
    """Return images (200, 8, 8) of uint8 from 0 to 255, and their ten classes."""
    X, y = load_digits(return_X_y=True)
    return (X[:200] * 15.9).astype("uint8").reshape(-1, 8, 8), y[:200]


@pytest.fixture(params=MODULES)
def module(request):
    return clone(MODULES[request.param])


def shares(X):
    return X.astype("float32") / 255


def same_nets(net, other, X, weights):
    """Compare the bits of two nets: weights, history, predictions of bytes and of their shares."""
    np.testing.assert_array_equal(weights(net), weights(other))
    assert net.loss_curve_ == other.loss_curve_
    assert net.validation_scores_ == other.validation_scores_
    expected = other.predict_proba(shares(X))
    np.testing.assert_array_equal(net.predict_proba(X), expected)
    np.testing.assert_array_equal(net.predict_proba(shares(X)), expected)
    np.testing.assert_array_equal(net.predict_proba(X.astype(int)), expected)


# --- the bits of shares -------------------------------------------------------------------------

SETTINGS = {
    "plain": {},
    "in float64": {"dtype": "float64"},
    "stopped early": {"early_stopping": True, "patience": 2},
    "watched": {"early_stopping": True, "monitor": "balanced_accuracy"},
    "shown rows at the start": {"init": "lsuv"},
    "with mixup and noise": {"mixup": 0.3, "input_noise": 0.1},
    "averaged": {"averaging": swa(start=0.5)},
    "an ensemble": {"n_members": 2, "bagging": True},
    "with a last batch of one row": {"batch_size": 199},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_bytes_give_the_bits_of_their_shares(images, module, settings, classifier, weights):
    X, y = images
    given = X if settings.get("dtype") != "float64" else X.astype("float64") / 255
    as_floats = shares(X) if given is X else given
    net = classifier(module, **settings).fit(X, y)
    other = classifier(module, **settings).fit(as_floats, y)
    np.testing.assert_array_equal(weights(net), weights(other))
    assert net.loss_curve_ == other.loss_curve_
    assert net.validation_scores_ == other.validation_scores_
    expected = other.predict_proba(as_floats)
    for seen in (X, as_floats, X.astype(int), list(X), torch.from_numpy(X)):
        np.testing.assert_array_equal(net.predict_proba(seen), expected)


def test_lists_and_tensors_of_bytes_are_bytes_too(images, classifier, weights):
    X, y = images
    expected = weights(classifier().fit(X, y))
    for given in (list(X), tuple(X), torch.from_numpy(X), X[:, :, ::-1].copy()[:, :, ::-1]):
        np.testing.assert_array_equal(weights(classifier().fit(given, y)), expected)


def test_validation_data_may_be_either(images, module, classifier, weights):
    X, y = images
    (a, b), (c, d) = (X[:150], y[:150]), (X[150:], y[150:])
    nets = [
        classifier(module, early_stopping=True).fit(a, b, validation_data=pair)
        for pair in ((c, d), (shares(c), d), (c.astype("int16"), d))
    ]
    for net in nets[1:]:
        same_nets(nets[0], net, X, weights)


def test_weights_of_rows_and_of_classes_are_as_for_floats(images, module, classifier, weights):
    X, y = images
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    nets = [
        classifier(module, class_weight="balanced").fit(given, y, sample_weight=weight)
        for given in (X, shares(X))
    ]
    same_nets(*nets, X, weights)


def test_training_goes_on_with_either(images, module, classifier, weights):
    X, y = images
    net = classifier(module, warm_start=True).fit(X, y).fit(shares(X), y).fit(X.astype(int), y)
    other = classifier(module, warm_start=True).fit(shares(X), y).fit(shares(X), y)
    same_nets(net, other.fit(shares(X), y), X, weights)
    steps, others = classifier(module), classifier(module)
    for rows in np.array_split(np.arange(200), 3):
        steps.partial_fit(X[rows], y[rows], classes=np.unique(y))
        others.partial_fit(shares(X[rows]), y[rows], classes=np.unique(y))
    same_nets(steps, others, X, weights)


def test_a_regressor_too(images):
    X, y = images
    nets = [NetRegressor(random_state=0, max_epochs=2).fit(given, y) for given in (X, shares(X))]
    np.testing.assert_array_equal(nets[0].predict(X), nets[1].predict(shares(X)))


def test_predictions_with_dropout_too(images, classifier):
    X, y = images
    net = classifier(MODULES["dense"]).fit(X, y)
    drawn = [
        net.predict_proba_dropout(given, n_draws=3, random_state=0) for given in (X, shares(X))
    ]
    np.testing.assert_array_equal(*drawn)


# --- in company, elsewhere, on the disk ---------------------------------------------------------


def test_a_search_of_bytes_is_that_of_floats_alone_and_fused(images, module, classifier):
    X, y = images
    search = GridSearchCV(classifier(module), {"lr": [0.01, 0.03]}, cv=2)
    scores = [clone(search).fit(given, y).cv_results_ for given in (X, shares(X))]
    with fused_training():
        scores.append(clone(search).fit(X, y).cv_results_)
    for other in scores[1:]:
        np.testing.assert_array_equal(scores[0]["mean_test_score"], other["mean_test_score"])


def test_bytes_stay_bytes_until_they_make_a_batch(images, monkeypatch):
    X, y = images
    seen = []
    net = NetClassifier(MLP(hidden=(4,)), max_epochs=1, random_state=0)
    rows_of = NetClassifier._rows
    monkeypatch.setattr(
        NetClassifier, "_rows", lambda *args, **kw: seen.append(rows_of(*args, **kw)) or seen[-1]
    )
    net.fit(X, y)
    [rows] = seen
    assert rows.x.dtype == torch.uint8
    assert rows.x.data_ptr() == X.ctypes.data  # nobody has copied them
    [x, _] = rows.take(slice(0, 2))
    assert x.dtype == torch.float32


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("lay", ["memmap", "OnDisk", "sliceable"])
def test_bytes_on_the_disk_are_shares(images, module, lay, mapped, sliceable, classifier, weights):
    X, y = images
    ways = {"memmap": mapped, "OnDisk": OnDisk, "sliceable": sliceable}
    lay = ways[lay]
    net = classifier(module, early_stopping=True).fit(lay(X), y)
    other = classifier(module, early_stopping=True).fit(mapped(shares(X)), y)
    same_nets(net, other, X, weights)
    expected = net.predict_proba(X)
    for given in (lay(X), mapped(shares(X)), mapped(X.astype("int16")), OnDisk(lay(X))):
        np.testing.assert_array_equal(net.predict_proba(given), expected)


def test_a_part_of_one_window_gives_the_bits_of_memory(images, mapped, classifier, weights):
    X, y = images
    nets = [classifier().fit(given, y) for given in (X, mapped(X), OnDisk(mapped(X)))]
    for net in nets[1:]:
        same_nets(net, classifier().fit(shares(X), y), X, weights)


# --- which X are bytes --------------------------------------------------------------------------


@pytest.mark.parametrize("X", [np.ones((4, 9), "uint8"), np.ones((4, 3, 3), "int64"), [[1, 2]], []])
def test_tables_and_other_numbers_are_no_bytes(X):
    assert not are_bytes(X)


def test_a_net_of_floats_takes_bytes_as_plain_numbers(images, classifier, weights):
    X, y = images
    net = classifier().fit(X.astype("float32"), y)
    np.testing.assert_array_equal(net.predict_proba(X), net.predict_proba(X.astype(float)))
    table = classifier().fit(X.reshape(200, -1), y)
    other = classifier().fit(X.reshape(200, -1).astype(float), y)
    np.testing.assert_array_equal(weights(table), weights(other))


def test_a_fit_that_starts_anew_forgets_what_the_rows_were(images, classifier):
    X, y = images
    net = classifier().fit(X, y).fit(X.astype("float32"), y)
    assert net.predict_proba(X.astype(float) * 2).shape == (200, 10)


# --- what is refused ----------------------------------------------------------------------------

FLOATS = (
    "The net was fitted on images of bytes, which it sees as numbers from 0 to 1. "
    "Expected uint8, or floats from 0 to 1; got floats from 0 to 255. "
    "Give the images as uint8, or divide them by 255."
)
INTEGERS = (
    "The net was fitted on images of bytes, and X has integers that are none. "
    "Expected integers from 0 to 255; got 0 to 256. "
    "Give the images as uint8, or as floats from 0 to 1."
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_that_are_no_shares_are_refused(images, classifier, dtype):
    X, y = images
    net = classifier().fit(X, y)
    X = np.where(X.max() == X, 255, X).astype(dtype)
    with pytest.raises(ValueError, match=f"^{re.escape(FLOATS)}$"):
        net.predict(X)
    with pytest.raises(ValueError, match="sees as numbers from 0 to 1"):
        net.predict(-X / 255)
    assert net.predict(X / 255 * 1.2 - 0.1).shape == (200,)  # a little was added


def test_integers_that_are_no_bytes_are_refused(images, classifier):
    X, y = images
    net = classifier().fit(X, y)
    with pytest.raises(ValueError, match=f"^{re.escape(INTEGERS)}$"):
        net.predict(np.where(X.max() == X, 256, X.astype(int)))
    with pytest.raises(ValueError, match="got -1 to"):
        net.fit(X, y, validation_data=(X.astype(int) - 1, y))


@pytest.mark.usefixtures("small_windows")
def test_on_the_disk_too(images, mapped, classifier):
    X, y = images
    net = classifier().fit(mapped(X), y)
    for dtype in ("float32", "int16"):
        with pytest.raises(ValueError, match="fitted on images of bytes"):
            net.predict(mapped(np.full_like(X, 255).astype(dtype) + 1))


def test_nan_among_shares_is_refused(images, classifier):
    X, y = images
    with pytest.raises(ValueError, match="Input X contains NaN"):
        classifier().fit(X, y).predict(np.where(X > 0, np.nan, X))


# --- what knows of it later ---------------------------------------------------------------------


def test_the_skorch_net_takes_bytes_too(images, module, classifier, tmp_path):
    X, y = images
    net = classifier(module).fit(X, y).partial_fit(shares(X), y)
    expected = net.net_.predict_proba(shares(X))
    np.testing.assert_array_equal(net.net_.predict_proba(X), expected)
    np.testing.assert_allclose(expected, net.predict_proba(X), atol=1e-5)
    of_floats = classifier(module).fit(X.astype("float32"), y)
    np.testing.assert_array_equal(
        of_floats.net_.predict_proba(X), of_floats.net_.predict_proba(X.astype("float32"))
    )


def test_a_saved_net_knows_that_it_saw_bytes(images, classifier, tmp_path):
    X, y = images
    net = classifier(ConvNet(channels=(4,), n_convs=1)).fit(X, y)
    save(net, tmp_path / "net.sknn")
    loaded = load(tmp_path / "net.sknn")
    np.testing.assert_array_equal(loaded.predict_proba(X), net.predict_proba(X))
    np.testing.assert_array_equal(loaded.net_.predict_proba(X), net.net_.predict_proba(X))
    with pytest.raises(ValueError, match="fitted on images of bytes"):
        loaded.predict(X.astype(float))


# --- precision ----------------------------------------------------------------------------------


def test_convolutions_predict_in_their_own_precision_and_dense_nets_in_float64(images, classifier):
    X, y = images
    for module, precise in ((ConvNet(channels=(8,), n_convs=1), False), (MLP(hidden=(8,)), True)):
        net = classifier(module).fit(X, y)
        outputs = net.net_.module_.double()(torch.from_numpy(shares(X)).double())
        expected = outputs.softmax(dim=1).detach().numpy()
        net.net_.module_.float()
        found = net.predict_proba(X)
        one_by_one = np.concatenate([net.predict_proba(X[i : i + 1]) for i in range(20)])
        tol = 1e-12 if precise else 2e-6
        np.testing.assert_allclose(found, expected, rtol=0, atol=tol)
        np.testing.assert_allclose(found[:20], one_by_one, rtol=0, atol=tol)
        assert (np.abs(found - expected).max() > 1e-12) is not precise
