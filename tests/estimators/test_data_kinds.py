"""What X may be."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sknn_tricks.nets import MLP


@pytest.fixture
def whole_numbers():
    """Return X of shape (60, 4) with the values 0 and 1, which any type can hold, and classes."""
    X = np.random.default_rng(0).integers(0, 2, size=(60, 4))
    return X, X[:, 0] ^ X[:, 1]


KINDS = {
    "float64": lambda X: X.astype(np.float64),
    "float32": lambda X: X.astype(np.float32),
    "int64": lambda X: X.astype(np.int64),
    "uint8": lambda X: X.astype(np.uint8),
    "bool": lambda X: X.astype(bool),
    "object": lambda X: X.astype(object),
    "big-endian": lambda X: X.astype(">f8"),
    "list": lambda X: X.tolist(),
    "frame": lambda X: pd.DataFrame(X, columns=list("abcd")),
    "Fortran order": lambda X: np.asfortranarray(X, dtype=np.float32),
    "backwards in memory": lambda X: X.astype(np.float32)[::-1].copy()[::-1],
    "every other row": lambda X: X.astype(np.float32).repeat(2, axis=0)[::2],
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_type_of_X_does_not_matter(kind, whole_numbers, classifier):
    X, y = whole_numbers
    expected = classifier().fit(X.astype(np.float32), y).predict_proba(X.astype(np.float32))
    np.testing.assert_array_equal(classifier().fit(kind(X), y).predict_proba(kind(X)), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_read_only_data_are_taken_without_a_warning(dtype, number_data, regressor):
    X, y = (array.astype(dtype) for array in number_data)
    sample_weight = np.ones(len(y))
    for array in (X, y, sample_weight):
        array.flags.writeable = False
    net = regressor(dtype=dtype).fit(X, y, sample_weight=sample_weight)
    assert np.isfinite(net.predict(X)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_data_are_never_changed(dtype, number_data, regressor):
    X, y = (array.astype(dtype) for array in number_data)
    X_before, y_before = X.copy(), y.copy()
    regressor(MLP(hidden=()), dtype=dtype, early_stopping=True).fit(X, y).predict(X)
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)


class InPlace(nn.Module):
    """A user's own module that writes into its input."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.linear = nn.Linear(n_features, n_outputs)

    def forward(self, x):
        return self.linear(x.relu_())


def test_data_are_never_changed_by_a_module_that_works_in_place(number_data, regressor):
    X = number_data[0].astype(np.float32)
    before = X.copy()
    regressor(InPlace).fit(X, number_data[1], validation_data=number_data).predict(X)
    np.testing.assert_array_equal(X, before)


def test_feature_names_are_kept_and_checked(whole_numbers, classifier):
    X = pd.DataFrame(whole_numbers[0], columns=list("abcd"))
    net = classifier().fit(X, whole_numbers[1])
    assert net.feature_names_in_.tolist() == list("abcd")
    assert net.n_features_in_ == 4
    with pytest.raises(ValueError, match="feature names should match"):
        net.predict(X.rename(columns={"a": "z"}))


def test_frames_come_through_a_scaler_with_their_names(number_data, regressor):
    X = pd.DataFrame(number_data[0], columns=list("abcde"))
    scaler = StandardScaler().set_output(transform="pandas")
    pipe = make_pipeline(scaler, regressor()).fit(X, number_data[1])
    assert pipe[-1].feature_names_in_.tolist() == list("abcde")
    plain = make_pipeline(StandardScaler(), regressor()).fit(*number_data)
    np.testing.assert_allclose(pipe.predict(X), plain.predict(number_data[0]), rtol=1e-4)


def test_sparse_data_are_refused_with_sklearns_advice(class_data, classifier):
    X, y = class_data
    advice = re.escape("Sparse data was passed for X, but dense data is required. Use '.toarray()'")
    with pytest.raises(TypeError, match=advice):
        classifier().fit(scipy.sparse.csr_array(X), y)
    net = classifier().fit(X, y)
    with pytest.raises(TypeError, match=advice):
        net.predict(scipy.sparse.csr_array(X))


@pytest.fixture
def images():
    """Return images of shape (60, 1, 8, 8), bright at the top or at the bottom, and which."""
    y = np.arange(60) % 2
    X = np.random.default_rng(0).normal(size=(60, 1, 8, 8))
    X[y == 0, :, :4] += 1.0
    X[y == 1, :, 4:] += 1.0
    return X, y


def test_an_mlp_flattens_images(images, classifier):
    X, y = images
    net = classifier(max_epochs=20).fit(X, y)
    flat = classifier(max_epochs=20).fit(X.reshape(60, 64), y)
    assert net.input_shape_ == (1, 8, 8)
    assert net.score(X, y) > 0.9
    np.testing.assert_array_equal(net.predict_proba(X), flat.predict_proba(X.reshape(60, 64)))


class Convolution(nn.Module):
    """A user's own module for images."""

    def __init__(self, input_shape, n_outputs):
        super().__init__()
        self.conv = nn.Conv2d(input_shape[0], 4, kernel_size=3, stride=2)
        self.out = nn.LazyLinear(n_outputs)

    def forward(self, x):
        return self.out(self.conv(x).relu().flatten(1))


def test_a_module_of_the_users_own_gets_images_whole(images, classifier):
    X, y = images
    net = classifier(Convolution, max_epochs=20).fit(X, y)
    assert net.score(X, y) > 0.9
    assert net.net_.module_.conv.weight.shape == (4, 1, 3, 3)


def test_predictions_of_a_row_do_not_depend_on_the_rows_beside_it(number_data, regressor):
    X, y = number_data
    net = regressor(MLP(hidden=(33, 20), batch_norm=True)).fit(X, y)
    one_by_one = [net.predict(row[None])[0] for row in X]
    np.testing.assert_allclose(net.predict(X), one_by_one, rtol=1e-12)


def test_more_rows_than_a_prediction_batch_come_back_in_order(number_data, regressor):
    X, y = number_data
    net = regressor().fit(X, y)
    many = np.tile(X, (40, 1))
    np.testing.assert_allclose(net.predict(many), np.tile(net.predict(X), 40), rtol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "expected"), [("float32", torch.float32), ("float64", torch.float64)]
)
def test_weights_have_the_precision_that_was_asked_for(dtype, expected, number_data, regressor):
    net = regressor(MLP((8,), batch_norm=True), dtype=dtype).fit(*number_data)
    assert {parameter.dtype for parameter in net.net_.module_.parameters()} == {expected}
    assert net.predict(number_data[0]).dtype == np.float64
