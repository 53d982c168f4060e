"""Every sampler carries every kind of data."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.base import clone

from sknn_tricks import OnDisk
from sknn_tricks.resampling import (
    AugmentedOverSampler,
    AutoSMOTE,
    BalancedSampler,
    DropDuplicates,
    DropOutliers,
    RandomOverSampler,
    RandomUnderSampler,
)

N, SHAPE = 60, (3, 4)
y = np.repeat(["cat", "dog", "owl"], [40, 14, 6])


def make_x(shape=SHAPE, dtype=np.float32):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, *shape)) * 20
    X[5], X[0] = X[4], 400.0  # a duplicate and an outlier
    return X.astype(dtype)


def as_they_are(X_rows, random_state):
    return X_rows


DRAWING = [
    BalancedSampler(random_state=0),
    RandomOverSampler(random_state=0),
    RandomUnderSampler(random_state=0),
]
CHOOSING = [*DRAWING, DropDuplicates(), DropOutliers(random_state=0)]
SAMPLERS = [
    *CHOOSING,
    AugmentedOverSampler(as_they_are, random_state=0),
    AutoSMOTE(random_state=0),
]


def named(sampler):
    return type(sampler).__name__


def expected(sampler):
    """Vectors and labels that come out for plain arrays."""
    return clone(sampler).fit_resample(make_x().reshape(N, -1), y)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_rows_of_any_shape_are_those_of_vectors(sampler):
    X, labels = sampler.fit_resample(make_x(), y)
    vectors, expected_labels = expected(sampler)
    assert X.shape[1:] == SHAPE
    assert X.dtype == np.float32
    np.testing.assert_array_equal(X.reshape(len(X), -1), vectors)
    np.testing.assert_array_equal(labels, expected_labels)
    assert sampler.n_features_in_ == SHAPE[0]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_tensors_come_out_as_tensors(sampler):
    codes = torch.as_tensor(np.unique(y, return_inverse=True)[1])
    X, labels = sampler.fit_resample(torch.as_tensor(make_x()), codes)
    vectors, expected_labels = expected(sampler)
    assert isinstance(X, torch.Tensor)
    assert isinstance(labels, torch.Tensor)
    assert X.dtype == torch.float32
    np.testing.assert_array_equal(X.reshape(len(X), -1), vectors)
    np.testing.assert_array_equal(np.unique(y)[labels], expected_labels)


@pytest.mark.parametrize("sampler", DRAWING, ids=named)
def test_tensors_stay_on_their_device(sampler):
    X, _ = sampler.fit_resample(torch.empty(N, 2, device="meta"), y)
    assert X.device.type == "meta"
    assert X.shape == (len(sampler.sample_indices_), 2)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_tables_come_out_as_tables(sampler):
    names = [f"pixel {i}" for i in range(12)]
    table = pd.DataFrame(make_x().reshape(N, -1), columns=names)
    X, labels = sampler.fit_resample(table, pd.Series(y, name="animal", dtype="category"))
    vectors, expected_labels = expected(sampler)
    np.testing.assert_array_equal(X, vectors)
    assert list(X.columns) == names
    assert (X.dtypes == np.float32).all()
    assert labels.name == "animal"
    assert labels.dtype == "category"
    np.testing.assert_array_equal(labels, expected_labels)
    assert X.index.equals(labels.index)
    assert list(sampler.feature_names_in_) == names


@pytest.mark.parametrize("sampler", [*DRAWING, DropDuplicates()], ids=named)
def test_mixed_tables_keep_their_columns_and_row_names(sampler):
    table = pd.DataFrame({"size": np.arange(N), "name": list("ab" * 30), "born": pd.Timestamp(0)})
    table.loc[3, "name"] = None
    table.index = [f"row {i}" for i in range(N)]
    X, _ = sampler.fit_resample(table, y)
    pd.testing.assert_frame_equal(X, table.iloc[sampler.sample_indices_])


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array"])
def test_sparse_stays_sparse(sampler, kind):
    X = getattr(scipy.sparse, kind)(make_x().reshape(N, -1))
    X_new, _ = sampler.fit_resample(X, y)
    assert scipy.sparse.issparse(X_new)
    np.testing.assert_allclose(X_new.toarray(), expected(sampler)[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_lists_stay_lists(sampler):
    X, labels = sampler.fit_resample(make_x(dtype=np.float64).tolist(), y.tolist())
    assert isinstance(X, list)
    assert isinstance(labels, list)
    assert labels == expected(sampler)[1].tolist()


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_memmaps_are_taken(sampler, tmp_path):
    np.save(tmp_path / "X.npy", make_x())
    X, _ = sampler.fit_resample(np.load(tmp_path / "X.npy", mmap_mode="r"), y)
    np.testing.assert_array_equal(X.reshape(len(X), -1), expected(sampler)[0])


@pytest.mark.parametrize("sampler", [*DRAWING, DropDuplicates()], ids=named)
def test_rows_on_the_disk_stay_there(sampler, tmp_path):
    np.save(tmp_path / "X.npy", make_x())
    X, _ = sampler.fit_resample(OnDisk(np.load(tmp_path / "X.npy", mmap_mode="r")), y)
    assert isinstance(X, OnDisk)
    np.testing.assert_array_equal(np.asarray(X).reshape(len(X), -1), expected(sampler)[0])


@pytest.mark.parametrize("sampler", DRAWING, ids=named)
def test_rows_on_the_disk_are_not_read(sampler):
    class Unreadable:
        shape, dtype = (N, 10**6), np.dtype("float32")

        def __getitem__(self, key):
            raise AssertionError("rows were read")

    X, _ = sampler.fit_resample(OnDisk(Unreadable()), y)
    assert X.shape == (len(sampler.sample_indices_), 10**6)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_one_hot_targets_stay_one_hot(sampler):
    one_hot = (y[:, None] == np.unique(y)).astype(int)
    _, rows = sampler.fit_resample(make_x(), one_hot)
    np.testing.assert_array_equal(np.unique(y)[rows.argmax(axis=1)], expected(sampler)[1])


@pytest.mark.parametrize("sampler", CHOOSING, ids=named)
def test_weights_go_along_with_their_rows(sampler):
    weights = np.arange(N) + 0.5
    X, labels, resampled = sampler.fit_resample(make_x(), y, sample_weight=weights.tolist())
    np.testing.assert_array_equal(resampled, weights[sampler.sample_indices_])
    np.testing.assert_array_equal(X, make_x()[sampler.sample_indices_])
    np.testing.assert_array_equal(labels, y[sampler.sample_indices_])


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_the_data_are_not_changed(sampler):
    X = make_x()
    before = X.copy()
    X_new, _ = sampler.fit_resample(X, y)
    X_new[:] = 0
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_fit_alone_learns_the_same(sampler):
    X, seen = make_x(), clone(sampler).fit(make_x(), y)
    sampler.fit_resample(X, y)
    assert vars(seen).keys() == vars(sampler).keys()
    if hasattr(sampler, "sample_indices_"):
        np.testing.assert_array_equal(seen.sample_indices_, sampler.sample_indices_)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_a_failing_fit_leaves_no_trace(sampler):
    X = make_x()
    sampler.fit_resample(X, y)
    before = dict(vars(sampler))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        sampler.fit_resample(X[:30, :2], y)
    with pytest.raises(ValueError, match="weight"):
        sampler.fit_resample(X[:, :2], y, sample_weight=np.ones(3))
    assert vars(sampler) == before


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_global_random_states_are_not_touched(sampler):
    of_numpy, of_torch = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    clone(sampler).fit_resample(make_x(), y)
    np.testing.assert_array_equal(np.random.get_state()[1], of_numpy)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), of_torch)
