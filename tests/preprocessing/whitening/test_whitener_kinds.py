"""Rows of any shape, in whatever holds them: pictures, tensors, files."""

import pickle
import re

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline

from sknn_tricks import NetClassifier, OnDisk
from sknn_tricks.nets import MLP
from sknn_tricks.preprocessing import Whitener
from sknn_tricks.preprocessing.whitening._linear_map import LinearMap

methods = pytest.mark.parametrize("method", ["pca", "zca", "zca_cor"])
SHAPE = (3, 4, 2)


def pictures(n_samples=500, dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    smooth = rng.normal(size=(n_samples, 24)) @ (np.eye(24) + 0.5 * np.eye(24, k=1))
    return (30 * smooth + 128).clip(0, 255).reshape(-1, *SHAPE).astype(dtype)


def covariance_error(Z):
    covariance = np.cov(np.asarray(Z, np.float64).reshape(len(Z), -1), rowvar=False)
    return np.abs(covariance - np.eye(len(covariance))).max()


def exactly(text):
    return "^" + re.escape(text) + "$"


# --- rows of any shape ----------------------------------------------------------------------


@methods
def test_pictures_are_flattened_and_come_back(method):
    X = pictures()
    whitener = Whitener(method)
    Z = whitener.fit_transform(X)
    assert Z.shape == ((500, 24) if method == "pca" else X.shape)
    assert Z.dtype == np.float32
    assert covariance_error(Z) < 1e-5
    assert whitener.row_shape_ == SHAPE
    assert whitener.mean_.shape == (24,)
    assert whitener.components_.shape == (24, 24)
    back = whitener.inverse_transform(Z)
    assert back.shape == X.shape
    np.testing.assert_allclose(back, X, atol=1e-3)
    flat = Whitener(method).fit_transform(X.reshape(500, -1))
    np.testing.assert_array_equal(Z.reshape(500, -1), flat)


@methods
def test_pixels_that_are_never_on_stay_zero(method):
    X = pictures()
    X[:, 0, 0, :] = 0
    whitener = Whitener(method, n_components=10)
    Z = whitener.fit_transform(X)
    assert whitener.n_components_ == 10
    back = whitener.inverse_transform(Z)
    assert (back[:, 0, 0] == 0).all()
    if method != "pca":
        assert (Z[:, 0, 0] == 0).all()


@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda X: X[::-1][::-1],
        lambda X: np.ascontiguousarray(np.moveaxis(X, 1, -1)).transpose(0, 3, 1, 2),
        lambda X: np.repeat(X, 2, axis=0)[::2],
    ],
    ids=["fortran", "negative strides", "channels last", "every other row"],
)
def test_any_layout(layout):
    X = pictures()
    Z = Whitener("zca").fit_transform(X)
    np.testing.assert_array_equal(Whitener("zca").fit_transform(layout(X)), Z)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "int16", "uint16", "int64", "float16", "float32", ">f4"]
)
def test_any_type_gives_what_float64_gives(dtype):
    X = pictures() // 4 if dtype != "bool" else pictures() > 128
    Z = Whitener("zca").fit_transform(X.astype(np.float64))
    found = Whitener("zca").fit_transform(X.astype(dtype))
    assert found.dtype == (np.float64 if dtype in ("int64", ">f4") else np.float32)
    np.testing.assert_allclose(found, Z, atol=1e-5)


def test_names_of_pictures():
    assert list(Whitener(n_components=2).fit(pictures()).get_feature_names_out()) == [
        "whitener0",
        "whitener1",
    ]
    text = (
        "The outputs have no columns to be named. Expected rows of one axis; got rows of shape "
        "(3, 4, 2). Flatten them first, or use method='pca'."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        Whitener("zca").fit(pictures()).get_feature_names_out()


def test_lost_pixels_are_named_by_their_place():
    X = pictures(dtype=np.float64)
    X[:, 1, 2] *= 1e-7
    with pytest.warns(UserWarning, match=r"almost no variance in \(1, 2, 0\), \(1, 2, 1\)\. "):
        Whitener().fit(X)


@pytest.mark.parametrize("use", ["transform", "partial_fit"])
def test_rows_of_another_shape(use):
    whitener = Whitener().fit(pictures())
    text = (
        "The rows of X have another shape than those of fit. Expected (3, 4, 2); got (3, 2, 4). "
        "Reshape X, or fit again."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        getattr(whitener, use)(pictures().reshape(-1, 3, 2, 4))
    assert whitener.n_samples_seen_ == 500


def test_inverse_of_flattened_pictures():
    whitener = Whitener("zca").fit(pictures())
    text = (
        "X is not an output of this Whitener. Expected rows of shape (3, 4, 2); got (24,). "
        "Pass what transform gave."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        whitener.inverse_transform(np.zeros((2, 24)))


def test_pictures_after_a_table():
    X = pictures().reshape(500, -1)
    assert Whitener("zca").fit(X).fit(X.reshape(-1, *SHAPE)).transform(pictures()).ndim == 4


# --- tensors --------------------------------------------------------------------------------


@methods
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64, torch.bfloat16])
def test_tensor_in_tensor_out(method, dtype):
    X = torch.from_numpy(pictures()).to(dtype)
    whitener = Whitener(method)
    Z = whitener.fit_transform(X)
    assert isinstance(Z, torch.Tensor)
    assert Z.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    expected = Whitener(method).fit_transform(X.double().numpy())
    np.testing.assert_allclose(Z.numpy(), expected, atol=1e-4)
    assert isinstance(whitener.inverse_transform(Z), torch.Tensor)


@methods
def test_on_another_device_the_same_is_computed(method):
    whitener = Whitener(method).fit(pictures())
    X = pictures(10)
    step = LinearMap(whitener.whitening_, (-1,), before=whitener.mean_, after=3.0)
    np.testing.assert_allclose(step.on_tensor(torch.from_numpy(X)).numpy(), step(X), atol=1e-12)


# --- rows on the disk -----------------------------------------------------------------------


@methods
def test_memmap_is_read_by_blocks(method, mapped):
    X = pictures(5000)
    whitener = Whitener(method).fit(X)
    Z = Whitener(method).fit(mapped(X)).transform(mapped(X))
    assert isinstance(Z, np.ndarray)
    np.testing.assert_allclose(Z, whitener.transform(X), atol=1e-6)


@methods
def test_rows_on_the_disk_are_whitened_when_they_are_read(method, sliceable):
    X = pictures()
    file = sliceable(X)
    whitener = Whitener(method).fit(OnDisk(file))
    n_reads = len(file.reads)
    Z = whitener.transform(OnDisk(file))
    assert isinstance(Z, OnDisk)
    assert Z.dtype == np.float32
    assert Z.shape == ((500, 24) if method == "pca" else X.shape)
    assert len(file.reads) == n_reads
    np.testing.assert_allclose(np.asarray(Z[10:20]), whitener.transform(X[10:20]), atol=1e-6)
    np.testing.assert_allclose(np.asarray(whitener.inverse_transform(Z)), X, atol=1e-3)


def test_partial_fit_of_rows_on_the_disk_and_in_memory(mapped):
    X = pictures(3000)
    whitener = Whitener().partial_fit(OnDisk(mapped(X[:1000]))).partial_fit(mapped(X[1000:2000]))
    whitener.partial_fit(torch.from_numpy(X[2000:]))
    expected = Whitener().fit(X)
    np.testing.assert_allclose(whitener.whitening_, expected.whitening_, atol=1e-12)


def test_lazily_whitened_rows_are_the_same_only_for_the_same_whitening(mapped):
    rows = OnDisk(mapped(pictures()))
    one, two = Whitener().fit(rows), Whitener("zca").fit(rows)
    assert one.transform(rows).is_same(one.transform(rows))
    assert one.transform(rows).is_same(pickle.loads(pickle.dumps(one)).transform(rows))
    assert not one.transform(rows).is_same(two.transform(rows))
    identities = [str(one.transform(rows).identity()), str(two.transform(rows).identity())]
    assert identities[0] != identities[1]
    copied = pickle.loads(pickle.dumps(one.transform(rows)))
    np.testing.assert_array_equal(np.asarray(copied), np.asarray(one.transform(rows)))


@pytest.mark.parametrize("part", ["matrix", "before", "after", "row_shape"])
def test_maps_that_differ_in_one_number_have_other_identities(part):
    parts = {"matrix": np.eye(3), "before": np.ones(3), "after": np.ones(3), "row_shape": (3,)}
    other = parts | {part: (3, 1) if part == "row_shape" else parts[part] + 1e-15}
    assert LinearMap(**parts).identity() == LinearMap(**parts).identity()
    assert LinearMap(**parts).identity() != LinearMap(**other).identity()


def test_nan_on_the_disk_leaves_the_whitener_as_it_was(mapped):
    X = pictures(3000, np.float32)
    whitener = Whitener().partial_fit(X)
    before = dict(vars(whitener))
    X[2500, 1, 1, 1] = np.nan
    text = (
        "Row 2500 of X holds a number that is not finite. Expected finite numbers; got nan. "
        "Leave such rows out, or impute them."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        whitener.partial_fit(OnDisk(mapped(X)))
    assert vars(whitener) == before


def test_a_net_is_trained_on_rows_that_are_whitened_as_they_are_read(mapped):
    X = pictures(400)
    y = X[:, 0, 0, 0] > X[:, 2, 3, 1]
    pipe = make_pipeline(
        Whitener("pca"), NetClassifier(MLP(hidden=(32,)), max_epochs=15, random_state=0)
    )
    in_memory = pipe.fit(X, y).predict_proba(X)
    on_disk = pipe.fit(OnDisk(mapped(X)), y).predict_proba(OnDisk(mapped(X)))
    np.testing.assert_array_equal(on_disk, in_memory)
    assert pipe.score(X, y) > 0.9
