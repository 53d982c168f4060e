import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sknn_tricks.preprocessing import RobustScalerND
from sknn_tricks.preprocessing._arrays import ArrayRows
from sknn_tricks.preprocessing.scalers import _sketch
from sknn_tricks.preprocessing.scalers._groups import Groups
from sknn_tricks.preprocessing.scalers._ordered import ordered
from sknn_tricks.preprocessing.scalers._quantiles import Histogram, Sorted, learn_quantiles
from sknn_tricks.preprocessing.scalers._sketch import Sketch, Summary

SHARES = np.array([0, 0.01, 0.25, 0.3, 0.5, 0.75, 0.999, 1])


def rank_error(values, found, shares, weights=None):
    """How far the share of the numbers up to a quantile is from the share that was asked for."""
    weights = np.ones(len(values)) if weights is None else weights
    below = np.array([weights[values < q].sum() for q in found]) / weights.sum()
    up_to = np.array([weights[values <= q].sum() for q in found]) / weights.sum()
    return np.maximum(np.maximum(below - shares, shares - up_to), 0).max()


def kinds_of_numbers(seed, n):
    rng = np.random.default_rng(seed)
    return {
        "normal": rng.normal(size=n),
        "sorted": np.sort(rng.normal(size=n)),
        "heavy tails": rng.standard_cauchy(n),
        "few values": rng.integers(0, 5, n).astype(float),
        "growing": np.exp(np.linspace(0, 50, n)),
    }


# --- ordered numbers ------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    numbers=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_quantiles_are_those_of_numpy(numbers, shares):
    values = np.array([numbers])
    expected = np.quantile(values[0], shares, method="averaged_inverted_cdf")
    np.testing.assert_allclose(ordered(values).at(np.array(shares))[0], expected, rtol=1e-12)


@settings(max_examples=100, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 4)), min_size=1, max_size=40),
    unit=st.sampled_from([1.0, 0.1, 3.7, 1e-200]),
)
def test_a_weight_is_a_number_given_so_many_times(pairs, unit):
    values, weights = np.array(pairs, float).T
    if not weights.any():
        return
    repeated = np.repeat(values, weights.astype(int))[None]
    found = ordered(values[None], unit * weights[None]).at(SHARES)
    np.testing.assert_array_equal(found, ordered(repeated).at(SHARES))


@pytest.mark.parametrize("weighted", [False, True])
def test_nan_have_no_weight(weighted):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 40))
    values[rng.random(values.shape) < 0.3] = np.nan
    values[1] = np.nan
    weights = rng.integers(1, 4, (1, 40)).astype(float) if weighted else None
    found = ordered(values.copy(), weights).at(SHARES)
    for i in (0, 2):
        present = ~np.isnan(values[i])
        alone = ordered(values[i][present][None], weights[:, present] if weighted else None)
        np.testing.assert_array_equal(found[i], alone.at(SHARES)[0])
    assert np.isnan(found[1]).all()


# --- the sketch -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", kinds_of_numbers(0, 1))
@pytest.mark.parametrize("n_chunks", [1, 2, 7, 64, 100])
def test_the_error_of_a_sketch_is_the_documented_one(kind, n_chunks):
    m = 64
    values = kinds_of_numbers(n_chunks, n_chunks * 2 * m)[kind]
    sketch = Sketch(m).with_numbers(values[None], np.ones((1, len(values))))
    shares = np.linspace(0.01, 0.99, 99)
    error = rank_error(values, sketch.at(shares)[:, 0], shares)
    assert error <= (1 + np.log2(n_chunks)) / (2 * m)
    if n_chunks == 1:
        assert error == 0


def test_a_sketch_is_no_better_than_it_should_be():
    values = np.random.default_rng(0).normal(size=100 * 128)
    shares = np.linspace(0.01, 0.99, 99)
    sketch = Sketch(64).with_numbers(values[None], np.ones((1, len(values))))
    assert rank_error(values, sketch.at(shares)[:, 0], shares) > 0
    stored = sum(s.points.size for s in sketch.summaries if s is not None)
    assert stored + sum(v.size for v in sketch.values) <= 64 * 9


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 5000), max_size=6))
def test_the_error_of_a_stream_in_any_portions_with_weights_and_nan(seed, cuts):
    m, rng = 32, np.random.default_rng(seed)
    values = rng.normal(size=(2, 5000))
    values[rng.random(values.shape) < 0.2] = np.nan
    weights = rng.exponential(size=5000)
    sketch = Sketch(m)
    for part in np.split(np.arange(5000), sorted(cuts)):
        other = Sketch(m).with_numbers(values[:, part], weights[None, part])
        sketch = sketch.merged(other)
    for i in range(2):
        present = ~np.isnan(values[i])
        found = sketch.at(SHARES[1:-1])[:, i]
        error = rank_error(values[i][present], found, SHARES[1:-1], weights[present])
        assert error <= (1 + np.log2(5000 / (2 * m) + len(cuts) + 1)) / (2 * m)


def test_one_number_of_nearly_all_the_weight():
    weights = np.ones((1, 1000))
    weights[0, 500] = 1e9
    sketch = Sketch(16).with_numbers(np.arange(1000.0)[None], weights)
    np.testing.assert_array_equal(sketch.at(np.array([0.01, 0.5, 0.99])), 500)


def test_a_summary_is_merged_without_changing_what_it_was_made_of():
    sketch = Sketch(4).with_numbers(np.arange(8.0)[None], np.ones((1, 8)))
    before = sketch.at(SHARES)
    sketch.merged(sketch).with_numbers(np.full((1, 100), 1e9), np.ones((1, 100)))
    np.testing.assert_array_equal(sketch.at(SHARES), before)


def test_points_of_a_summary_are_the_middles_of_equal_parts():
    summary = Summary.of(ordered(np.arange(12.0)[None]), 3)
    np.testing.assert_array_equal(summary.points, [[1, 5, 9]])
    np.testing.assert_array_equal(summary.weights(), [[4, 4, 4]])


# --- which way is taken ---------------------------------------------------------------------


def test_bytes_are_counted_and_floats_sorted_or_sketched():
    groups = Groups((3,), (3,))
    rows = ArrayRows(np.arange(30, dtype="uint8").reshape(10, 3))
    floats = ArrayRows(np.arange(30.0).reshape(10, 3))
    shares = np.array([0.5])
    assert isinstance(learn_quantiles(rows, None, groups, shares, stream=True), Histogram)
    assert isinstance(learn_quantiles(floats, None, groups, shares, stream=False), Sorted)
    assert isinstance(learn_quantiles(floats, None, groups, shares, stream=True), Sketch)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "bool"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("at_once", [10, 2**22])
def test_histograms_are_exact(dtype, weighted, at_once, monkeypatch):
    monkeypatch.setattr("sknn_tricks.preprocessing.scalers._quantiles.AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (200, 4, 3)).astype("uint8").view("uint8")
    X = X > 100 if dtype == "bool" else X.view(dtype)
    weight = rng.integers(0, 3, 200).astype(float) if weighted else None
    for shape in ((4, 3), (4, 1), (1, 3), (1, 1)):
        groups = Groups((4, 3), shape)
        found = learn_quantiles(ArrayRows(X), weight, groups, SHARES, stream=True).at(SHARES)
        repeated = X if weight is None else np.repeat(X, weight.astype(int), axis=0)
        axes = (0, *(i + 1 for i in groups.shared))
        expected = np.quantile(
            repeated.astype(float), SHARES, axis=axes, method="averaged_inverted_cdf"
        )
        np.testing.assert_array_equal(found, expected.reshape(len(SHARES), -1))


def test_a_long_stream_of_a_scaler_is_as_good_as_documented(monkeypatch):
    monkeypatch.setattr(_sketch, "MOST_POINTS", 64)
    X = np.random.default_rng(0).lognormal(size=(128 * 40, 2)).astype("float32")
    scaler = RobustScalerND()
    for part in np.array_split(X, 33):
        scaler.partial_fit(part)
    allowed = (1 + np.log2(40)) / 128
    for i in range(2):
        error = rank_error(X[:, i], scaler.center_[i : i + 1], np.array([0.5]))
        assert 0 < error <= allowed
    ends = RobustScalerND(quantile_range=(0, 100))
    for part in np.array_split(X, 33):
        ends.partial_fit(part)
    np.testing.assert_array_equal(ends.scale_, np.ptp(X.astype(float), axis=0))


def test_going_on_after_fit_is_nearly_as_good():
    X = np.random.default_rng(0).normal(size=(30_000, 1))
    scaler = RobustScalerND().fit(X[:20_000]).partial_fit(X[20_000:])
    error = rank_error(X[:, 0], scaler.center_, np.array([0.5]))
    assert error < 8 / 4096 + 3 / 4096
