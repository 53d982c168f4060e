import pickle
import re

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_digits, load_sample_images
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknn_tricks.preprocessing import MinMaxScalerND, RobustScalerND, StandardScalerND

SCALERS = (StandardScalerND, MinMaxScalerND, RobustScalerND)
every_scaler = pytest.mark.parametrize("scaler", SCALERS)
PER = ("feature", "channel", "pixel", "global")
DTYPES = ("uint8", "int8", "bool", "int16", "uint16", "int32", "float16", "float32", "float64")


@parametrize_with_checks(
    [
        StandardScalerND(),
        StandardScalerND(per="global", with_mean=False),
        MinMaxScalerND(),
        MinMaxScalerND((-1, 1), per="channel", clip=True),
        RobustScalerND(),
        RobustScalerND(smooth_clip=None, quantile_range=(5, 95)),
    ]
)
def test_sklearn(estimator, check):
    check(estimator)


def images(dtype="uint8", shape=(40, 3, 5, 6), seed=0):
    """Images whose channels differ."""
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(shape) < 0.3
    if np.dtype(dtype).kind in "iu":
        return (
            rng.integers(0, 100, shape).astype(dtype)
            + np.arange(shape[1]).astype(dtype)[:, None, None]
        )
    return (rng.normal(size=shape) * 3 + 10 * np.arange(shape[1])[:, None, None]).astype(dtype)


def axes_of(per, channel_axis, ndim):
    """The axes of X over which a statistic is taken."""
    if per == "feature":
        return (0,)
    if per == "channel":
        return tuple(i for i in range(ndim) if i != channel_axis)
    return (0, channel_axis) if per == "pixel" else tuple(range(ndim))


def statistics(scaler):
    names = ("mean_", "var_", "scale_", "data_min_", "data_max_", "center_")
    return {name: vars(scaler)[name] for name in names if name in vars(scaler)}


def assert_same(scaler, other, exactly=True, **tolerance):
    mine, its = statistics(scaler), statistics(other)
    assert mine.keys() == its.keys()
    for name in mine:
        if exactly:
            np.testing.assert_array_equal(mine[name], its[name], err_msg=name)
        else:
            np.testing.assert_allclose(mine[name], its[name], err_msg=name, **tolerance)


# --- what is computed -----------------------------------------------------------------------


@pytest.mark.parametrize("per", PER)
@pytest.mark.parametrize("channel_axis", [1, -1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_statistics_are_those_of_numpy_in_any_type_and_layout(per, channel_axis, dtype):
    X = images(dtype)
    X = np.moveaxis(X, 1, -1) if channel_axis == -1 else X
    exact, axes = X.astype(np.float64), axes_of(per, channel_axis % 4, 4)
    options = {"per": per, "channel_axis": channel_axis}
    standard = StandardScalerND(**options).fit(X)
    np.testing.assert_allclose(standard.mean_, exact.mean(axes, keepdims=True)[0], rtol=1e-13)
    np.testing.assert_allclose(standard.var_, exact.var(axes, keepdims=True)[0], rtol=1e-12)
    min_max = MinMaxScalerND(**options).fit(X)
    np.testing.assert_array_equal(min_max.data_min_, exact.min(axes, keepdims=True)[0])
    np.testing.assert_array_equal(min_max.data_max_, exact.max(axes, keepdims=True)[0])
    robust = RobustScalerND(**options, quantile_range=(10, 80)).fit(X)
    low, middle, high = np.quantile(
        exact, [0.1, 0.5, 0.8], axes, method="averaged_inverted_cdf", keepdims=True
    )
    np.testing.assert_allclose(robust.center_, middle[0], rtol=1e-15)
    half = (exact.max(axes, keepdims=True) - exact.min(axes, keepdims=True)) / 2
    np.testing.assert_allclose(robust.scale_, np.where(high == low, half, high - low)[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_float32_holds_becomes_float32(dtype):
    single = dtype not in ("int32", "float64")
    for scaler in SCALERS:
        Z = scaler(per="channel").fit_transform(images(dtype))
        assert Z.dtype == (np.float32 if single else np.float64)
        assert scaler(per="channel").fit(images(dtype)).inverse_transform(Z).dtype == Z.dtype


@pytest.mark.parametrize("per", PER)
def test_standard_output_has_mean_zero_and_variance_one(per):
    X = images("float32")
    Z = StandardScalerND(per=per).fit_transform(X).astype(np.float64)
    axes = axes_of(per, 1, 4)
    np.testing.assert_allclose(Z.mean(axes), 0, atol=1e-6)
    np.testing.assert_allclose(Z.var(axes), 1, rtol=1e-5)


@pytest.mark.parametrize(
    "ends", [(0, 1), (-1, 1), (0.1, 0.7), (-3.0, -0.9), (-0.3, 0.01), (1, 1e6)]
)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_min_max_output_has_exactly_the_ends_of_the_range(ends, dtype):
    Z = MinMaxScalerND(ends).fit_transform(images(dtype))
    assert (Z.min(axis=0) == Z.dtype.type(ends[0])).all()
    assert (Z.max(axis=0) == Z.dtype.type(ends[1])).all()


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6), low=st.floats(-5, 5), width=st.floats(0.1, 5))
def test_min_max_ends_are_exact_for_any_numbers(seed, low, width):
    X = np.random.default_rng(seed).lognormal(size=(20, 5))
    Z = MinMaxScalerND((low, low + width)).fit_transform(X)
    assert (Z.min(axis=0) == low).all()
    assert (Z.max(axis=0) == low + width).all()


def test_min_max_clips_what_is_beyond_the_training_data():
    X = np.array([[0.0], [10.0]])
    new = np.array([[-5.0], [5.0], [20.0]])
    assert MinMaxScalerND(clip=True).fit(X).transform(new).ravel().tolist() == [0, 0.5, 1]
    assert MinMaxScalerND().fit(X).transform(new).ravel().tolist() == [-0.5, 0.5, 2]


def test_robust_scaler_is_the_published_formula():
    X = load_digits().data[:, 2:3]
    median, (low, high) = np.median(X), np.percentile(X, [25, 75])
    z = (X - median) / (high - low)
    Z = RobustScalerND().fit_transform(X)
    np.testing.assert_allclose(Z, z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-14)
    np.testing.assert_allclose(RobustScalerND(smooth_clip=None).fit_transform(X), z, rtol=1e-14)


def test_robust_scaler_of_equal_quantiles_takes_half_the_extent_and_of_constants_nothing():
    X = np.zeros((10, 2))
    X[0, 0] = 4.0
    scaler = RobustScalerND(smooth_clip=None)
    np.testing.assert_array_equal(scaler.fit_transform(X)[:2, 0], [2, 0])
    assert scaler.scale_.tolist() == [2, 0]
    np.testing.assert_array_equal(scaler.transform(X + 7)[:, 1], 0)
    np.testing.assert_array_equal(scaler.inverse_transform(scaler.transform(X)), X)


def test_an_outlier_comes_no_further_than_the_bound():
    X = np.random.default_rng(0).normal(size=(100, 1))
    scaler = RobustScalerND(smooth_clip=2.0).fit(X)
    far = scaler.transform(np.array([[1e3], [-1e300], [1e308]]))
    assert (np.abs(far) <= 2).all()
    np.testing.assert_allclose(np.abs(far), 2, rtol=1e-5)


def test_an_outlier_moves_the_robust_scaler_little_and_the_standard_one_much():
    X = np.random.default_rng(0).normal(size=(200, 1))
    outlier = X.copy()
    outlier[0] = 1e6
    robust = [RobustScalerND().fit(each).transform(X) for each in (X, outlier)]
    standard = [StandardScalerND().fit(each).transform(X) for each in (X, outlier)]
    assert np.abs(robust[0] - robust[1]).max() < 0.05
    assert np.abs(standard[0] - standard[1]).max() > 1


def test_a_table_is_scaled_as_by_sklearn():
    X = load_digits().data
    np.testing.assert_allclose(
        StandardScalerND().fit_transform(X), StandardScaler().fit_transform(X), atol=1e-12
    )
    np.testing.assert_allclose(
        MinMaxScalerND((-1, 1)).fit_transform(X),
        MinMaxScaler((-1, 1)).fit_transform(X),
        atol=1e-14,
    )


def test_channels_of_photographs_are_scaled_as_by_sklearn():
    X = np.stack(load_sample_images().images)[:, ::4, ::4]
    Z = StandardScalerND(per="channel").fit_transform(X)
    theirs = StandardScaler().fit_transform(X.reshape(-1, 3)).reshape(X.shape)
    np.testing.assert_allclose(Z, theirs, atol=1e-6)


@pytest.mark.parametrize(("with_mean", "with_std"), [(True, False), (False, True), (False, False)])
def test_only_the_mean_or_only_the_deviation(with_mean, with_std):
    X = load_digits().data
    ours = StandardScalerND(with_mean=with_mean, with_std=with_std)
    theirs = StandardScaler(with_mean=with_mean, with_std=with_std)
    Z = ours.fit_transform(X)
    np.testing.assert_allclose(Z, theirs.fit_transform(X), atol=1e-12)
    np.testing.assert_allclose(ours.inverse_transform(Z), X, atol=1e-12)
    assert (ours.scale_ is None) == (not with_std)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_sums_of_large_bytes_are_exact(dtype):
    info, rng = np.iinfo(dtype), np.random.default_rng(0)
    X = rng.choice([info.min, info.max, info.max - 1], p=[0.001, 0.5, 0.499], size=(5000, 1100))
    scaler = StandardScalerND().fit(X.astype(dtype))
    sums, squares = X.sum(axis=0), (X**2).sum(axis=0)
    np.testing.assert_allclose(scaler.mean_, sums / 5000, rtol=1e-15)
    np.testing.assert_allclose(scaler.var_, (5000 * squares - sums**2) / 5000**2, rtol=1e-15)


# --- numbers that are hard ------------------------------------------------------------------


@pytest.mark.parametrize("offset", [1e4, 1e6])
def test_float32_far_from_zero_is_as_right_as_float64(offset):
    rng = np.random.default_rng(0)
    X = (offset + rng.normal(size=(20_000, 3)) * [1, 2, 3]).astype(np.float32)
    exact = X.astype(np.float64)
    expected = (exact - exact.mean(axis=0)) / exact.std(axis=0)
    Z = StandardScalerND().fit_transform(X)
    np.testing.assert_allclose(Z, expected, rtol=1e-6, atol=1e-7)
    robust = RobustScalerND().fit(X)
    np.testing.assert_allclose(robust.transform(X), robust.transform(exact), rtol=1e-6, atol=1e-7)


def test_float64_very_far_from_zero():
    X = 1e9 + np.random.default_rng(0).normal(size=(30_000, 2))
    scaler = StandardScalerND().fit(X)
    np.testing.assert_allclose(scaler.var_, (X - 1e9).var(axis=0), rtol=1e-9)
    stream = StandardScalerND()
    for part in np.array_split(X, 17):
        stream.partial_fit(part)
    assert_same(scaler, stream, exactly=False, rtol=1e-8)  # means are known to 1e-16 of 1e9


def test_rows_sorted_by_value_and_a_first_row_that_is_an_outlier():
    X = np.sort(np.random.default_rng(0).normal(size=(20_000, 1)), axis=0)
    X[0] = -1e8
    np.testing.assert_allclose(StandardScalerND().fit(X).var_, X.var(axis=0), rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(value=st.floats(-1e9, 1e9), n_samples=st.integers(1, 3000))
def test_any_constant_is_seen_as_constant(value, n_samples):
    X = np.full((n_samples, 2), value)
    X[:, 1] += np.arange(n_samples)
    scaler = StandardScalerND().fit(X)
    assert (scaler.var_[0], scaler.scale_[0]) == (0, 1)
    assert (scaler.transform(X)[:, 0] == 0).all()
    assert (MinMaxScalerND((2, 5)).fit_transform(X)[:, 0] == 2).all()
    assert (RobustScalerND().fit_transform(X)[:, 0] == 0).all()


def test_a_difference_of_rounding_is_no_variation():
    X = np.tile([[0.3], [0.1 + 0.2]], (50, 1))
    assert np.ptp(X) > 0
    assert StandardScalerND().fit(X).scale_ == 1
    assert np.abs(MinMaxScalerND().fit_transform(X)).max() < 1e-15


@every_scaler
def test_tiny_numbers_are_scaled_as_others(scaler):
    X = np.random.default_rng(0).normal(size=(50, 2))
    np.testing.assert_allclose(
        scaler().fit_transform(X * 1e-30), scaler().fit_transform(X), rtol=1e-9
    )


@every_scaler
def test_nan_are_left_out_and_remain(scaler):
    X = images("float64")
    X[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
    fitted = scaler(per="channel").fit(X)
    for i in range(3):
        part = X[:, i][~np.isnan(X[:, i])][:, None]
        alone = scaler().fit(part)
        for name, value in statistics(fitted).items():
            np.testing.assert_allclose(value[i].item(), statistics(alone)[name].item(), rtol=1e-12)
    np.testing.assert_array_equal(np.isnan(fitted.transform(X)), np.isnan(X))


@every_scaler
def test_a_column_of_nan_only(scaler):
    X = np.column_stack([np.full(20, np.nan), np.arange(20.0)])
    fitted = scaler().fit(X)
    Z = fitted.transform(X)
    assert np.isnan(Z[:, 0]).all()
    np.testing.assert_array_equal(Z[:, 1:], scaler().fit_transform(X[:, 1:]))
    stream = scaler().partial_fit(X[:10]).partial_fit(np.arange(40.0).reshape(20, 2))
    np.testing.assert_array_equal(
        stream.transform(X[:, [1, 1]])[:, 0],
        scaler().fit(np.arange(40.0).reshape(20, 2)[:, :1]).transform(X[:, 1:])[:, 0],
    )


# --- weights --------------------------------------------------------------------------------


@every_scaler
@pytest.mark.parametrize("per", PER)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_weights_are_rows_given_so_many_times(scaler, per, dtype):
    X = images(dtype)
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    weighted = scaler(per=per).fit(X, sample_weight=weight)
    repeated = scaler(per=per).fit(np.repeat(X, weight, axis=0))
    assert_same(weighted, repeated, exactly=False, rtol=1e-12)
    half = weight > 1
    stream = scaler(per=per).partial_fit(X[half], sample_weight=weight[half])
    stream.partial_fit(X[~half], sample_weight=weight[~half])
    assert_same(weighted, stream, exactly=False, rtol=1e-12)


def test_weights_with_nan():
    X = images("float64")
    X[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    for scaler in SCALERS:
        weighted = scaler(per="channel").fit(X, sample_weight=weight)
        repeated = scaler(per="channel").fit(np.repeat(X, weight, axis=0))
        assert_same(weighted, repeated, exactly=False, rtol=1e-12)


# --- order, streams, layouts ----------------------------------------------------------------

layouts = {
    "fortran": np.asfortranarray,
    "reversed": lambda X: np.ascontiguousarray(X[:, :, ::-1, ::-1])[:, :, ::-1, ::-1],
    "channels last": lambda X: np.moveaxis(np.ascontiguousarray(np.moveaxis(X, 1, -1)), -1, 1),
    "every second": lambda X: np.repeat(X, 2, axis=3)[..., ::2],
    "read-only": lambda X: np.frombuffer(X.tobytes(), X.dtype).reshape(X.shape),
}


@every_scaler
@pytest.mark.parametrize("layout", layouts)
@pytest.mark.parametrize("dtype", ["uint8", "bool", "float32", "float64"])
def test_the_layout_in_memory_changes_nothing(scaler, layout, dtype):
    X = images(dtype)
    other = layouts[layout](X)
    before = other.copy()
    for per in PER:
        plain = scaler(per=per).fit(X)
        fitted = scaler(per=per).fit(other)
        assert_same(plain, fitted, exactly=False, rtol=1e-13)
        np.testing.assert_array_equal(plain.transform(other), plain.transform(X))
    np.testing.assert_array_equal(other, before)


def test_the_byte_order_changes_nothing():
    X = images("float32")
    swapped = StandardScalerND().fit(X.astype(">f4"))
    assert_same(StandardScalerND().fit(X), swapped, exactly=False, rtol=1e-13)


@settings(max_examples=40, deadline=None)
@given(
    scaler=st.sampled_from(SCALERS),
    per=st.sampled_from(PER),
    dtype=st.sampled_from(["uint8", "float32", "float64"]),
    seed=st.integers(0, 1000),
    cuts=st.lists(st.integers(1, 39), max_size=5),
)
def test_neither_the_order_of_rows_nor_their_portions_matter(scaler, per, dtype, seed, cuts):
    X = images(dtype, seed=seed)
    fitted = scaler(per=per).fit(X)
    permuted = scaler(per=per).fit(X[np.random.default_rng(seed).permutation(len(X))])
    exactly = dtype == "uint8" or scaler is not StandardScalerND
    assert_same(fitted, permuted, exactly=exactly, rtol=1e-12, atol=1e-14)
    stream = scaler(per=per)
    for part in np.split(X, sorted(set(cuts))):
        stream.partial_fit(part)
    assert_same(fitted, stream, exactly=scaler is not StandardScalerND, rtol=1e-12, atol=1e-14)
    assert stream.n_samples_seen_ == fitted.n_samples_seen_ == 40


@settings(max_examples=100, deadline=None)
@given(
    scaler=st.sampled_from(
        [
            StandardScalerND(),
            MinMaxScalerND((-2, 1)),
            RobustScalerND(),
            RobustScalerND(smooth_clip=None),
        ]
    ),
    per=st.sampled_from(PER),
    dtype=st.sampled_from(["uint8", "float32", "float64"]),
    log_scale=st.integers(-20, 20),
    offset=st.floats(-10, 10),
    seed=st.integers(0, 1000),
)
def test_inverse_undoes_the_scaling(scaler, per, dtype, log_scale, offset, seed):
    X = images(dtype, seed=seed)
    if dtype != "uint8":
        X = ((X + offset) * 10.0**log_scale).astype(dtype)
    fitted = clone(scaler).set_params(per=per).fit(X)
    back = fitted.inverse_transform(fitted.transform(X))
    size = np.abs(X.astype(np.float64)).max()
    np.testing.assert_allclose(back, X, atol=size * (1e-12 if dtype == "float64" else 1e-5))


def test_what_reached_the_bound_comes_back_as_something_finite():
    X = np.random.default_rng(0).normal(size=(100, 1)).astype(np.float32)
    scaler = RobustScalerND().fit(X)
    far = np.array([[1e9], [-1e9]], np.float32)
    back = scaler.inverse_transform(scaler.transform(far))
    assert np.isfinite(back).all()
    assert (np.sign(back) == np.sign(far)).all()


@every_scaler
def test_partial_fit_goes_on_after_fit(scaler):
    X = images()
    fitted = scaler(per="channel").fit(X[:20]).partial_fit(X[20:])
    assert_same(fitted, scaler(per="channel").fit(X), exactly=False, rtol=1e-13)


@every_scaler
def test_fit_begins_anew(scaler):
    X = images()
    fitted = scaler(per="channel").fit(X[:20]).fit(X[20:, :2, :3])
    assert fitted.input_shape_ == (2, 3, 6)
    assert fitted.n_samples_seen_ == 20


def test_bytes_then_floats():
    X = images()
    for scaler in SCALERS:
        stream = scaler(per="channel").partial_fit(X[:20])
        stream.partial_fit(X[20:].astype("float32"))
        assert_same(stream, scaler(per="channel").fit(X), exactly=False, rtol=1e-12)


# --- channels -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "axis", "found"),
    [
        ((9, 3, 8, 7), None, 1),
        ((9, 8, 7, 3), None, 3),
        ((9, 1, 8, 7), None, 1),
        ((9, 8, 7, 4), None, 3),
        ((9, 16, 8, 7), 1, 1),
        ((9, 8, 7, 16), -1, 3),
        ((9, 10, 6), -1, 2),
        ((9, 10, 6), -2, 1),
        ((9, 6), None, 1),
        ((9, 2, 3, 4, 5), -4, 1),
    ],
)
def test_the_axis_of_channels(shape, axis, found):
    X = np.random.default_rng(0).normal(size=shape)
    scaler = StandardScalerND(per="channel", channel_axis=axis).fit(X)
    assert scaler.channel_axis_ == found
    expected = [1] * (len(shape) - 1)
    expected[found - 1] = shape[found]
    assert scaler.mean_.shape == tuple(expected)


def test_no_channels_no_axis():
    assert StandardScalerND().fit(images()).channel_axis_ is None


def test_one_row_one_number():
    for scaler in SCALERS:
        assert np.isfinite(scaler().fit_transform([[5.0]])).all()


# --- names, tables, pipelines ---------------------------------------------------------------


@every_scaler
def test_table_in_table_out(scaler):
    X = pd.DataFrame({"a": [1, 2, 4], "b": [0.5, np.nan, 3]}, index=[7, 8, 9])
    Z = scaler().set_output(transform="pandas").fit_transform(X)
    assert list(Z.columns) == ["a", "b"]
    assert list(Z.index) == [7, 8, 9]
    assert list(scaler().fit(X).get_feature_names_out()) == ["a", "b"]


def test_names_of_the_numbers_of_an_image():
    names = StandardScalerND().fit(np.zeros((2, 2, 1, 2))).get_feature_names_out()
    assert list(names) == ["x0_0_0", "x0_0_1", "x1_0_0", "x1_0_1"]
    with pytest.raises(NotFittedError):
        StandardScalerND().get_feature_names_out()


@every_scaler
def test_copies_of_a_fitted_scaler(scaler):
    X = images()
    fitted = scaler(per="channel").fit(X)
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.transform(X), fitted.transform(X))
    assert clone(fitted).get_params() == fitted.get_params()
    pipe = make_pipeline(clone(fitted), MinMaxScalerND(per="global"))
    assert pipe.fit_transform(X).shape == X.shape


def test_a_fitted_scaler_is_small():
    X = np.random.default_rng(0).normal(size=(2000, 600)).astype(np.float32)
    assert len(pickle.dumps(RobustScalerND().fit(X))) < 2e6
    assert len(pickle.dumps(StandardScalerND().fit(X))) < 1e5


def test_tags():
    for scaler in SCALERS:
        tags = get_tags(scaler())
        assert tags.input_tags.allow_nan
        assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]


# --- what is said when something is wrong ---------------------------------------------------


def raises(text, kind=ValueError):
    return pytest.raises(kind, match="^" + re.escape(text) + "$")


def test_unknown_per():
    with raises(
        "per='chanel' is not known. Expected one of 'channel', 'feature', 'global', 'pixel'; "
        "got 'chanel'. Did you mean 'channel'?"
    ):
        StandardScalerND(per="chanel").fit(images())


@pytest.mark.parametrize("axis", [0, 4, -4, -5])
def test_no_such_axis(axis):
    with raises(
        f"X of shape (40, 3, 5, 6) has no channels along channel_axis={axis}. Expected 1 to 3, or "
        f"-3 to -1, as axis 0 are the rows; got {axis}. Use 1 for (N, C, H, W), -1 for "
        "(N, H, W, C) or (N, T, D)."
    ):
        StandardScalerND(per="channel", channel_axis=axis).fit(images())


@pytest.mark.parametrize("shape", [(9, 10, 3), (9, 3, 8, 3), (9, 8, 3, 8), (9, 3, 4, 5, 6)])
@pytest.mark.parametrize("per", ["channel", "pixel"])
def test_channels_that_cannot_be_told(shape, per):
    with raises(
        f"channel_axis cannot be told from X of shape {shape}. Expected an int, for per={per!r}; "
        "got None. Set it to 1 for (N, C, H, W), to -1 for (N, H, W, C) or (N, T, D); of grey "
        "images (N, H, W) per='global' is the one channel."
    ):
        StandardScalerND(per=per).fit(np.zeros(shape))


@pytest.mark.parametrize("shape", [(9, 3, 5, 5), (9, 4, 5, 4), (9, 12), (9, 60)])
def test_rows_of_another_shape(shape):
    fitted = StandardScalerND().fit(images())
    text = (
        "The rows of X have another shape than those of fit. Expected (3, 5, 6); "
        f"got {shape[1:]}. Reshape X, or fit again."
    )
    for method in (fitted.transform, fitted.inverse_transform, fitted.partial_fit):
        with raises(text):
            method(np.zeros(shape))


def test_images_for_a_table():
    fitted = StandardScalerND().fit(np.zeros((9, 3)))
    with raises(
        "The rows of X have another shape than those of fit. Expected (3,); got (3, 2). "
        "Reshape X, or fit again."
    ):
        fitted.transform(np.zeros((9, 3, 2)))


@pytest.mark.parametrize(
    "ends", [(1, 0), (1, 1), (0, np.nan), (0, np.inf), (0,), (0, 1, 2), ("a", "b")], ids=str
)
def test_no_range(ends):
    with raises(
        "feature_range is no range. Expected two finite numbers, the lower one first; "
        f"got {ends}. Try (0, 1) or (-1, 1)."
    ):
        MinMaxScalerND(ends).fit(images())


@pytest.mark.parametrize(
    "ends", [(75, 25), (-1, 50), (50, 101), (50, 50), (0.25,), ("a", "b")], ids=str
)
def test_no_range_of_quantiles(ends):
    with raises(
        "quantile_range is no range of percentages. Expected two numbers from 0 to 100, the lower "
        f"one first; got {ends}. Try (25.0, 75.0)."
    ):
        RobustScalerND(quantile_range=ends).fit(images())


@every_scaler
def test_infinity(scaler):
    X = images("float32")
    X[5, 1, 0, 0] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        scaler().fit(X)
    with raises(
        "Row 5 of X holds a number that is not finite. Expected finite numbers or NaN; got inf. "
        "Leave such rows out, or impute them."
    ):
        scaler().fit(torch.from_numpy(X))
    fitted = scaler().fit(images("float32"))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        fitted.transform(X)


@every_scaler
@pytest.mark.parametrize(
    ("X", "kind", "text"),
    [
        (np.array([["a", "b"]]), ValueError, "could not convert string to float"),
        (np.array([[{}, 1]], dtype=object), TypeError, "argument must be"),
        (np.zeros((0, 3)), ValueError, "Found array with 0 sample"),
        (np.zeros((3, 0)), ValueError, "Found array with 0 feature"),
        (np.zeros(3), ValueError, "Expected 2D array, got 1D array instead"),
        (np.zeros((3, 2), complex), ValueError, "Complex data not supported"),
    ],
)
def test_what_are_no_rows_of_numbers(scaler, X, kind, text):
    with pytest.raises(kind, match=text):
        scaler().fit(X)


@every_scaler
def test_weights_that_are_none(scaler):
    for weight, text in [
        ([-1.0] + [1.0] * 39, "Negative values in data"),
        (np.zeros(40), "Sample weights must contain at least one non-zero"),
        (np.ones(39), "sample_weight.shape"),
    ]:
        with pytest.raises(ValueError, match=text):
            scaler().fit(images(), sample_weight=weight)


@every_scaler
def test_a_fit_that_fails_leaves_the_scaler_as_it_was(scaler):
    X = images("float32")
    fitted = scaler().fit(X)
    before = dict(vars(fitted))
    bad = np.full((2, 5, 7), np.inf, np.float32)
    for method in (fitted.fit, fitted.partial_fit):
        for each in (bad, torch.from_numpy(bad), np.zeros((0, 3))):
            with pytest.raises(ValueError):  # noqa: PT011
                method(each)
            assert vars(fitted) == before
    fresh = scaler(per="channel")
    with pytest.raises(ValueError, match="channel_axis cannot be told"):
        fresh.fit(X[:, 0])
    assert vars(fresh) == fresh.get_params()


@every_scaler
@pytest.mark.parametrize("size", [3, 50])
def test_a_spread_that_is_too_large(scaler, size):
    X = np.repeat([[1e308], [-1e308]], size, axis=0)
    text = (
        "The spread of X is too large for float64. Expected values up to about 1e150; "
        "got larger ones. Divide X by a large number first."
    )
    for method in (scaler().fit, scaler().partial_fit(np.ones((2, 1))).partial_fit):
        with raises(text):
            method(X)


def test_the_largest_float32_are_scaled():
    X = np.array([[3e38], [-3e38], [0]], np.float32)
    for scaler in SCALERS:
        Z = scaler().fit_transform(X)
        assert np.isfinite(Z).all()
        np.testing.assert_allclose(scaler().fit(X).inverse_transform(Z), X, rtol=1e-5, atol=1e30)


@every_scaler
def test_before_fit(scaler):
    with pytest.raises(NotFittedError):
        scaler().transform(images())
    with pytest.raises(NotFittedError):
        scaler().inverse_transform(images())
