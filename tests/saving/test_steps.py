"""Transformers and samplers of ours, on arrays and tables."""

import zipfile

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import preprocessing
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from sknn_tricks import NetClassifier, load, save
from sknn_tricks.nets import MLP
from sknn_tricks.preprocessing import (
    DateFeatures,
    MinMaxScalerND,
    RobustScalerND,
    Smoother,
    StandardScalerND,
    Whitener,
    tabular_preprocessor,
)
from sknn_tricks.resampling import (
    AutoSMOTE,
    BalancedSampler,
    DropDuplicates,
    DropOutliers,
    RandomOverSampler,
    RandomUnderSampler,
)

RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=(40, 3, 8))
IMAGES = RNG.integers(0, 255, (40, 3, 4, 4)).astype(np.uint8)
STEPS = {
    "scaled": (StandardScalerND(per="channel", channel_axis=1), SERIES),
    "scaled images": (StandardScalerND(), IMAGES),
    "to a range": (MinMaxScalerND(feature_range=(-1, 1)), SERIES),
    "robust": (RobustScalerND(), SERIES),
    "robust images": (RobustScalerND(per="channel", channel_axis=1), IMAGES),
    "smoothed": (Smoother(window=3), SERIES),
    "pca": (Whitener(method="pca", n_components=2), SERIES[:, 0]),
    "zca": (Whitener(method="zca"), SERIES[:, 0].astype(np.float32)),
}


@pytest.mark.parametrize(("step", "X"), STEPS.values(), ids=STEPS)
def test_a_transformer_is_the_same_to_the_bit(step, X, again):
    step.fit(X)
    loaded = again(step)
    np.testing.assert_array_equal(loaded.transform(X), step.transform(X))
    if hasattr(step, "inverse_transform"):
        back = step.transform(X)
        np.testing.assert_array_equal(loaded.inverse_transform(back), step.inverse_transform(back))
    if hasattr(step, "partial_fit"):
        more = [each.partial_fit(X[:20]).transform(X) for each in (loaded, step)]
        np.testing.assert_array_equal(*more)


@pytest.mark.parametrize(
    "sampler",
    [
        AutoSMOTE(random_state=0),
        BalancedSampler(random_state=0),
        DropDuplicates(),
        DropOutliers(random_state=0),
        RandomOverSampler(random_state=0),
        RandomUnderSampler(random_state=0),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_a_sampler_draws_the_same_rows(sampler, again):
    X, y = SERIES[:, 0], np.repeat([0, 1], [30, 10])
    drawn = [each.fit_resample(X, y)[0] for each in (sampler, again(sampler))]
    np.testing.assert_array_equal(*drawn)
    loaded = again(sampler)  # fitted now
    assert getattr(loaded, "sampling_strategy_", None) == getattr(
        sampler, "sampling_strategy_", None
    )


@pytest.fixture(scope="module")
def table():
    n = np.arange(90)
    return pd.DataFrame(
        {
            "size": np.where(n % 7, n / 9, np.nan),
            "kind": np.array(["a", "b", "c"])[n % 3],
            "code": [f"k{i % 30}" for i in n],
            "flag": n % 2 == 0,
            "when": pd.date_range("2024-01-01", periods=90, freq="h", tz="Europe/Berlin"),
            "day": pd.date_range("2020-02-02", periods=90, freq="D"),
        }
    )


def test_a_table_of_all_kinds_of_columns(table, again):
    y = np.arange(90) % 3
    fitted = make_pipeline(
        tabular_preprocessor(table), NetClassifier(MLP(hidden=(4,)), max_epochs=2, random_state=0)
    ).fit(table, y)
    loaded = again(fitted)
    np.testing.assert_array_equal(loaded.predict_proba(table), fitted.predict_proba(table))
    names = [each[:-1].get_feature_names_out().tolist() for each in (loaded, fitted)]
    assert names[0] == names[1]


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_the_times_that_dates_are_counted_from(zone, again):
    dates = pd.DataFrame({"when": pd.date_range("2024-03-30", periods=48, freq="h", tz=zone)})
    step = DateFeatures().fit(dates)
    loaded = again(step)
    assert loaded.first_ == step.first_
    assert [str(first.tz) for first in loaded.first_] == [str(first.tz) for first in step.first_]
    np.testing.assert_array_equal(loaded.transform(dates), step.transform(dates))


def test_the_output_that_was_set_stays(again):
    table = pd.DataFrame(SERIES[:, 0], columns=list("abcdefgh"))
    step = StandardScalerND().set_output(transform="pandas").fit(table)
    pd.testing.assert_frame_equal(again(step).transform(table), step.transform(table))


TABLE = pd.DataFrame({"a": list("abcab") * 4, "b": [1, 2, 1, 2, 3] * 4})
NUMBERS = np.random.default_rng(0).normal(size=(20, 4))
USUAL = [
    (preprocessing.StandardScaler(), NUMBERS),
    (preprocessing.MinMaxScaler(), NUMBERS),
    (preprocessing.MaxAbsScaler(), NUMBERS),
    (preprocessing.RobustScaler(), NUMBERS),
    (preprocessing.Normalizer(), NUMBERS),
    (preprocessing.OneHotEncoder(handle_unknown="ignore"), TABLE),
    (preprocessing.OrdinalEncoder(), TABLE),
    (PCA(0.9, whiten=True), NUMBERS),
    (SimpleImputer(add_indicator=True), np.where(NUMBERS > 1, np.nan, NUMBERS)),
]


@pytest.mark.parametrize(("step", "rows"), USUAL, ids=lambda each: type(each).__name__)
def test_usual_steps_of_sklearn_need_no_skops(step, rows, tmp_path):
    step = clone(step).fit(rows)
    save(step, tmp_path / "file")
    with zipfile.ZipFile(tmp_path / "file") as archive:
        assert archive.namelist() == ["config.json", "weights.safetensors"]
    again = load(tmp_path / "file")
    assert repr(again) == repr(step)
    before, after = step.transform(rows), again.transform(rows)
    assert type(before) is type(after)
    assert joblib.hash(before) == joblib.hash(after)
