"""Scalers on what is no array in memory: tensors, memmaps, rows on the disk."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sknn_tricks import NetClassifier, OnDisk
from sknn_tricks.fused.cache._digest import describe
from sknn_tricks.model_selection import FusedGridSearchCV
from sknn_tricks.preprocessing import MinMaxScalerND, RobustScalerND, StandardScalerND

SCALERS = (StandardScalerND, MinMaxScalerND, RobustScalerND)
every_scaler = pytest.mark.parametrize("scaler", SCALERS)
every_dtype = pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])


def images(dtype="float32", n=60):
    rng = np.random.default_rng(0)
    return rng.integers(0, 200, (n, 3, 5, 6)).astype(dtype)


# --- tensors --------------------------------------------------------------------------------


@every_scaler
@every_dtype
def test_tensor_in_tensor_out(scaler, dtype):
    X = images(dtype)
    fitted = scaler(per="channel").fit(torch.from_numpy(X))
    expected = scaler(per="channel").fit(X)
    Z = fitted.transform(torch.from_numpy(X))
    assert isinstance(Z, torch.Tensor)
    np.testing.assert_array_equal(Z.numpy(), expected.transform(X))
    back = fitted.inverse_transform(Z)
    np.testing.assert_array_equal(back.numpy(), expected.inverse_transform(Z.numpy()))


@every_scaler
def test_what_a_device_computes_is_what_numpy_computes(scaler):
    X = images()
    X[3, 2] = np.nan
    fitted = scaler(per="channel").fit(X)
    for step, of in ((fitted._forth(), X), (fitted._back(np.dtype("float32")), X / 1000)):
        on_device = step.on_tensor(torch.from_numpy(of)).float().numpy()
        np.testing.assert_allclose(on_device, step(of).astype(np.float32), rtol=1e-7)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no device")
@every_scaler
@every_dtype
def test_a_tensor_stays_on_its_device(scaler, dtype):
    X = images(dtype)
    fitted = scaler(per="channel").fit(torch.from_numpy(X).cuda())
    Z = fitted.transform(torch.from_numpy(X).cuda())
    assert Z.is_cuda
    expected = scaler(per="channel").fit(X)
    np.testing.assert_allclose(Z.cpu(), expected.transform(X), rtol=1e-6, atol=1e-6)
    back = fitted.inverse_transform(Z).cpu()
    np.testing.assert_allclose(back, expected.inverse_transform(Z.cpu().numpy()), rtol=1e-5)


def test_bfloat16_becomes_float32():
    X = torch.from_numpy(images())
    Z = StandardScalerND().fit_transform(X.bfloat16())
    assert Z.dtype == torch.float32
    np.testing.assert_array_equal(Z, StandardScalerND().fit_transform(X.bfloat16().float()))


# --- memmaps and rows on the disk -----------------------------------------------------------


@every_scaler
@every_dtype
@pytest.mark.parametrize("per", ["feature", "channel", "pixel", "global"])
def test_statistics_of_rows_on_the_disk_are_those_of_memory(scaler, dtype, per, mapped, sliceable):
    X = images(dtype, n=40)
    expected = vars(scaler(per=per).fit(X))
    weight = np.random.default_rng(0).integers(0, 3, len(X))
    weighted = vars(scaler(per=per).fit(X, sample_weight=weight))
    for rows in (mapped(X), OnDisk(mapped(X)), sliceable(X), OnDisk(sliceable(X))[::-1][::-1]):
        fitted = vars(scaler(per=per).fit(rows))
        with_weights = vars(scaler(per=per).fit(rows, sample_weight=weight))
        for name in ("mean_", "scale_", "data_min_", "data_max_", "center_"):
            if name in expected:
                np.testing.assert_allclose(fitted[name], expected[name], rtol=1e-14)
                np.testing.assert_allclose(with_weights[name], weighted[name], rtol=1e-14)
        assert fitted["n_features_in_"] == 3


@every_scaler
def test_a_memmap_gives_an_array_in_memory(scaler, mapped):
    X = images()
    Z = scaler().fit(X).transform(mapped(X))
    assert type(Z) is np.ndarray
    np.testing.assert_array_equal(Z, scaler().fit_transform(X))


@every_scaler
@every_dtype
def test_on_disk_gives_on_disk_that_is_scaled_when_it_is_read(scaler, dtype, sliceable):
    X = images(dtype)
    fitted = scaler(per="channel").fit(X)
    rows = OnDisk(data := sliceable(X))
    Z = fitted.transform(rows)
    assert isinstance(Z, OnDisk)
    assert (Z.shape, Z.ndim) == (X.shape, 4)
    assert Z.dtype == fitted.transform(X).dtype
    assert data.reads == []
    expected = fitted.transform(X)
    np.testing.assert_array_equal(Z, expected)
    np.testing.assert_array_equal(Z[7], expected[7])
    np.testing.assert_array_equal(Z[[5, 3, 50]][::-1], expected[[50, 3, 5]])
    np.testing.assert_array_equal(fitted.transform(rows[10:20]).read(2, 4), expected[12:14])
    back = fitted.inverse_transform(Z)
    assert isinstance(back, OnDisk)
    np.testing.assert_array_equal(back, fitted.inverse_transform(expected))


def test_scaled_rows_can_be_told_from_others(mapped):
    X = images()
    rows = OnDisk(mapped(X))
    scaled = StandardScalerND().fit(X).transform(rows)
    same = StandardScalerND().fit(rows).transform(rows)
    others = [
        rows,
        scaled[1:],
        StandardScalerND().fit(X[1:]).transform(rows),
        StandardScalerND(with_mean=False).fit(X).transform(rows),
        MinMaxScalerND().fit(X).transform(rows),
        MinMaxScalerND((0, 2)).fit(X).transform(rows),
        StandardScalerND(per="global").fit(X).transform(scaled),
    ]
    assert scaled.is_same(same)
    assert scaled.identity() == same.identity()
    for other in others:
        assert not scaled.is_same(other)
        assert scaled.identity() != other.identity()
        assert describe(scaled.identity()) != describe(other.identity())


def test_scaled_rows_travel(mapped):
    X = images()
    fitted = StandardScalerND(per="channel").fit(X)
    scaled = fitted.transform(OnDisk(mapped(X)))
    assert scaled.can_travel
    packed = pickle.dumps(scaled)
    assert len(packed) < 5000
    np.testing.assert_array_equal(pickle.loads(packed), fitted.transform(X))


def test_infinity_in_a_row_on_the_disk(mapped):
    X = images()
    X[41, 0, 0, 0] = -np.inf
    for rows in (mapped(X), OnDisk(mapped(X))):
        for scaler in SCALERS:
            with pytest.raises(
                ValueError, match=r"Row 41 of X holds .*finite numbers or NaN; got -inf"
            ):
                scaler().fit(rows)


# --- in front of a net ----------------------------------------------------------------------


@pytest.fixture
def data():
    X, y = make_classification(240, 6, n_informative=5, n_redundant=0, random_state=0)
    return (100 + 50 * X).astype(np.float32), y


def pipeline():
    net = NetClassifier(max_epochs=3, batch_size=32, random_state=0)
    return Pipeline([("scale", StandardScalerND()), ("net", net)])


def test_a_pipeline_on_the_disk_predicts_what_it_predicts_in_memory(data, mapped):
    X, y = data
    memory = pipeline().fit(X, y)
    disk = pipeline().fit(OnDisk(mapped(X)), y)
    np.testing.assert_array_equal(memory[0].mean_, disk[0].mean_)
    np.testing.assert_array_equal(memory.predict_proba(X), disk.predict_proba(X))
    np.testing.assert_array_equal(disk.predict_proba(OnDisk(mapped(X))), disk.predict_proba(X))


@pytest.mark.usefixtures("small_windows")
def test_a_pipeline_learns_from_more_than_a_window(data, mapped):
    X, y = data
    rows = OnDisk(mapped(X))
    pipe = pipeline().set_params(net__max_epochs=15).fit(rows, y)
    assert pipe.score(rows, y) > 0.8
    np.testing.assert_array_equal(pipe.predict_proba(rows), pipe.predict_proba(X))


@pytest.mark.usefixtures("small_windows")
def test_a_search_on_the_disk_scales_each_fold_by_itself(data, mapped):
    X, y = data
    rows = OnDisk(mapped(X))
    grid = {"net__lr": [0.01, 0.1]}
    fused = FusedGridSearchCV(pipeline(), grid, cv=3).fit(rows, y)
    stock = GridSearchCV(pipeline(), grid, cv=3).fit(rows, y)
    np.testing.assert_array_equal(
        fused.cv_results_["mean_test_score"], stock.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(fused.best_estimator_[0].mean_, StandardScalerND().fit(X).mean_)


def test_a_search_on_few_rows_on_the_disk_is_that_of_memory(data, mapped):
    X, y = data
    grid = {"net__lr": [0.01, 0.1]}
    disk = FusedGridSearchCV(pipeline(), grid, cv=3).fit(OnDisk(mapped(X)), y)
    memory = FusedGridSearchCV(pipeline(), grid, cv=3).fit(X, y)
    np.testing.assert_array_equal(
        disk.cv_results_["mean_test_score"], memory.cv_results_["mean_test_score"]
    )
