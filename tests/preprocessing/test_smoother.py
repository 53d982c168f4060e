import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknn_tricks.preprocessing import Smoother
from sknn_tricks.preprocessing._smoother import METHODS

every_method = pytest.mark.parametrize("method", sorted(METHODS))


@parametrize_with_checks(
    # The checks have series of two steps, too short for longer windows.
    [Smoother(method, window=1, polyorder=0) for method in METHODS]
    + [Smoother(method, window=2, polyorder=1, causal=True) for method in METHODS]
    + [Smoother("exponential", window=4, causal=causal) for causal in (False, True)]
)
def test_sklearn(estimator, check):
    check(estimator)


def series(n_series=4, n_steps=30, seed=0, missing=0.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_series, n_steps)).cumsum(axis=1)
    X[rng.random(X.shape) < missing] = np.nan
    return X


def exactly(text):
    return "^" + re.escape(text) + "$"


# --- equal to what others compute -----------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    window=st.integers(1, 12),
    causal=st.booleans(),
    missing=st.sampled_from([0.0, 0.3, 0.9]),
    seed=st.integers(0, 1000),
)
@pytest.mark.parametrize(("method", "of_pandas"), [("moving_average", "mean"), ("median",) * 2])
def test_windows_are_those_of_pandas(method, of_pandas, window, causal, missing, seed):
    window = window if causal else window // 2 * 2 + 1
    X = series(seed=seed, missing=missing)
    rolling = pd.DataFrame(X.T).rolling(window, center=not causal, min_periods=1)
    Z = Smoother(method, window=window, causal=causal).fit_transform(X)
    np.testing.assert_allclose(Z, getattr(rolling, of_pandas)().T, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(window=st.integers(2, 50), missing=st.sampled_from([0.0, 0.5]), seed=st.integers(0, 1000))
def test_causal_exponential_is_that_of_pandas(window, missing, seed):
    X = series(seed=seed, missing=missing)
    expected = pd.DataFrame(X.T).ewm(span=window).mean().T
    Z = Smoother("exponential", window=window, causal=True).fit_transform(X)
    np.testing.assert_allclose(Z, expected, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(window=st.integers(2, 50), seed=st.integers(0, 1000))
def test_exponential_weights_decay_on_both_sides(window, seed):
    X = series(seed=seed, missing=0.2)
    steps = np.arange(X.shape[1])
    weights = (1 - 2 / (window + 1)) ** np.abs(steps[:, None] - steps)
    expected = np.nan_to_num(X) @ weights / (~np.isnan(X) @ weights)
    Z = Smoother("exponential", window=window).fit_transform(X)
    np.testing.assert_allclose(Z, expected, atol=1e-12)


def fitted_value(values, polyorder, at):
    steps = np.arange(len(values))
    return np.polyval(np.polyfit(steps, values, min(polyorder, len(values) - 1)), at)


@pytest.mark.parametrize("polyorder", [0, 1, 2, 3])
@pytest.mark.parametrize("window", [5, 9])
def test_savgol_is_a_fit_of_polynomials(window, polyorder):
    X, half = series(), window // 2
    Z = Smoother("savgol", window=window, polyorder=polyorder).fit_transform(X)
    for x, z in zip(X, Z, strict=True):
        for t in range(len(x)):
            start = min(max(t - half, 0), len(x) - window)
            expected = fitted_value(x[start : start + window], polyorder, t - start)
            assert z[t] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("polyorder", [0, 1, 3])
@pytest.mark.parametrize("window", [4, 7])
def test_causal_savgol_is_a_fit_of_polynomials_to_the_past(window, polyorder):
    X = series()
    smoother = Smoother("savgol", window=window, polyorder=polyorder, causal=True)
    for x, z in zip(X, smoother.fit_transform(X), strict=True):
        for t in range(len(x)):
            past = x[max(t - window + 1, 0) : t + 1]
            assert z[t] == pytest.approx(fitted_value(past, polyorder, len(past) - 1), abs=1e-9)


# --- what a user relies on ------------------------------------------------------------------


@every_method
@pytest.mark.parametrize("causal", [False, True])
@settings(max_examples=20, deadline=None)
@given(value=st.floats(-1e9, 1e9))
def test_a_constant_stays_constant_up_to_its_ends(method, causal, value):
    X = np.full((2, 12), value)
    Z = Smoother(method, window=5, causal=causal).fit_transform(X)
    np.testing.assert_allclose(Z, X, rtol=1e-12)


@every_method
@settings(max_examples=20, deadline=None)
# Up to 24: of fewer changed rows a median may know nothing.
@given(at=st.integers(0, 24), seed=st.integers(0, 1000))
def test_causal_never_looks_ahead(method, at, seed):
    X = series(seed=seed)
    changed = X.copy()
    changed[:, at + 1 :] = 1e6
    smoother = Smoother(method, window=6, causal=True)
    before, after = smoother.fit_transform(X), smoother.fit_transform(changed)
    np.testing.assert_array_equal(before[:, : at + 1], after[:, : at + 1])
    assert (before[:, at + 1 :] != after[:, at + 1 :]).any()


@every_method
def test_not_causal_is_the_same_backwards(method):
    X, smoother = series(), Smoother(method, window=7)
    backwards = smoother.fit_transform(X[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(smoother.fit_transform(X), backwards, atol=1e-12)


@every_method
def test_noise_goes_and_the_signal_stays(method):
    signal = np.sin(np.linspace(0, 6, 200)) * np.ones((20, 1))
    noise = np.random.default_rng(0).normal(0, 0.3, size=signal.shape)
    Z = Smoother(method, window=11).fit_transform(signal + noise)
    assert np.square(Z - signal).mean() < 0.3 * np.square(noise).mean()


def test_the_median_forgets_a_spike_and_savgol_keeps_a_peak():
    X = np.zeros((1, 21))
    X[0, 10] = 1
    assert not Smoother("median").fit_transform(X).any()
    peak = np.exp(-np.square(np.linspace(-3, 3, 21)))[None]
    assert Smoother("savgol", window=7).fit_transform(peak).max() > 0.97
    assert Smoother("moving_average", window=7).fit_transform(peak).max() < 0.8


@every_method
def test_series_of_several_features(method):
    X = series(12, 20).reshape(4, 3, 20).transpose(0, 2, 1)  # (N, T, D)
    smoother = Smoother(method, time_axis=1)
    Z = smoother.fit_transform(X)
    assert Z.shape == X.shape
    for d in range(3):
        np.testing.assert_allclose(Z[..., d], Smoother(method).fit_transform(X[..., d]))
    np.testing.assert_array_equal(Z, Smoother(method, time_axis=-2).fit_transform(X))


@every_method
def test_rows_are_smoothed_by_themselves(method, monkeypatch):
    X, smoother = series(9), Smoother(method)
    together = smoother.fit_transform(X)
    monkeypatch.setattr("sknn_tricks.preprocessing._smoother.SORTED_AT_ONCE", 2 * 30 * 5)
    np.testing.assert_array_equal(smoother.fit_transform(X), together)
    np.testing.assert_allclose(smoother.transform(X[3:4]), together[3:4], rtol=1e-13)


@pytest.mark.parametrize("method", ["moving_average", "median", "exponential"])
def test_short_gaps_are_filled_and_series_of_nothing_stay_so(method):
    X = np.arange(20.0) * np.ones((2, 1))
    X[0, 7], X[1] = np.nan, np.nan
    Z = Smoother(method, window=3).fit_transform(X)
    assert Z[0, 7] == pytest.approx(7, abs=0.05)
    assert np.isnan(Z[1]).all()


@every_method
@pytest.mark.parametrize(
    ("dtype", "out"), [("float32", "float32"), ("float64", "float64"), ("int16", "float64")]
)
def test_dtypes(method, dtype, out):
    X = (10 * series()).astype(dtype)
    before = X.copy()
    Z = Smoother(method).fit_transform(X)
    assert Z.dtype == out
    np.testing.assert_allclose(Z, Smoother(method).fit_transform(X.astype(float)), rtol=1e-5)
    np.testing.assert_array_equal(X, before)


def test_float32_far_from_zero():
    X = series() + 1e6
    Z = Smoother(window=9).fit_transform(X.astype(np.float32))
    np.testing.assert_allclose(Z, Smoother(window=9).fit_transform(X), atol=0.1)


def test_table_in_table_out_and_without_fit():
    X = pd.DataFrame(series(3, 6), columns=list("abcdef"), index=[3, 1, 2])
    smoother = Smoother(window=3).set_output(transform="pandas")
    Z = smoother.fit_transform(X)
    assert list(Z.columns) == list(smoother.get_feature_names_out()) == list("abcdef")
    assert list(Z.index) == [3, 1, 2]
    np.testing.assert_array_equal(Smoother(window=3).transform(X.to_numpy()), Z)


def test_in_a_pipeline():
    X = series(50, 12)
    pipe = make_pipeline(Smoother(causal=True), LinearRegression()).fit(X, X[:, -1])
    pipe = clone(pipe).set_params(smoother__method="median").fit(X, X[:, -1])
    loaded = pickle.loads(pickle.dumps(pipe))
    np.testing.assert_array_equal(loaded.predict(X), pipe.predict(X))


# --- what is said when something is wrong ---------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"method": "savgo"},
            "method='savgo' is not known. Expected one of 'exponential', 'median', "
            "'moving_average', 'savgol'; got 'savgo'. Did you mean 'savgol'?",
        ),
        (
            {"window": 4},
            "window=4 has no step in its middle. Expected an odd number, unless causal=True; "
            "got 4. Use 5.",
        ),
        (
            {"method": "savgol", "window": 5, "polyorder": 5},
            "polyorder=5 fits any window of 5. Expected an order below 5; got 5. "
            "Lower polyorder, or use a longer window.",
        ),
        (
            {"window": 31},
            "window=31 is longer than the series. Expected at most n_features = 30 for X of shape "
            "(4, 30); got 31. Use a shorter window, or correct time_axis.",
        ),
        (
            {"time_axis": 0},
            "time_axis=0 is no axis of a series. Expected 1 to 1, or -1 to -1, for X of shape "
            "(4, 30); got 0. Give the axis of X along which time goes; axis 0 counts the series.",
        ),
        (
            {"time_axis": 2},
            "time_axis=2 is no axis of a series. Expected 1 to 1, or -1 to -1, for X of shape "
            "(4, 30); got 2. Give the axis of X along which time goes; axis 0 counts the series.",
        ),
    ],
)
def test_wrong_settings(settings, text):
    with pytest.raises(ValueError, match=exactly(text)):
        Smoother(**settings).fit(series())
    with pytest.raises(ValueError, match=exactly(text)):
        Smoother(**settings).transform(series())


def test_window_longer_than_series_of_several_features():
    with pytest.raises(ValueError, match="Expected at most 2 for X of shape \\(3, 9, 2\\); got 5"):
        Smoother().fit(np.zeros((3, 9, 2)))


def test_savgol_refuses_missing_values():
    with pytest.raises(
        ValueError,
        match=exactly(
            "method='savgol' cannot fit missing values. Expected numbers; got NaN in X. "
            "Fill the gaps before, or use another method."
        ),
    ):
        Smoother("savgol").fit(series(missing=0.1))


@every_method
def test_infinity_is_refused(method):
    X = series()
    X[0, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        Smoother(method).fit(X)


@pytest.mark.parametrize("settings", [{"window": 0}, {"window": 2.5}, {"causal": "yes"}])
def test_parameters_of_the_wrong_kind(settings):
    with pytest.raises(ValueError, match=f"'{next(iter(settings))}' parameter of Smoother must be"):
        Smoother(**settings).fit(series())
