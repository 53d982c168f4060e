"""Synthetic rows."""

from collections import Counter

import imblearn.over_sampling
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification

from sknn_tricks.resampling import AutoSMOTE
from sknn_tricks.resampling._auto_smote import KINDS

THEIRS = {
    "smote": imblearn.over_sampling.SMOTE,
    "borderline": imblearn.over_sampling.BorderlineSMOTE,
    "svm": imblearn.over_sampling.SVMSMOTE,
    "adasyn": imblearn.over_sampling.ADASYN,
}
every_kind = pytest.mark.parametrize("kind", list(KINDS))


def make_data(n_samples=200):
    return make_classification(n_samples, weights=[0.85], flip_y=0.1, random_state=0)


@every_kind
def test_rows_are_those_of_imblearn(kind):
    X, y = make_data()
    ours = AutoSMOTE(kind, random_state=0).fit_resample(X, y)
    theirs = THEIRS[kind](random_state=0).fit_resample(X, y)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])
    assert len(ours[1]) > len(y)


@every_kind
@pytest.mark.parametrize("n_small", [2, 3, 5])
def test_a_tiny_class_has_as_many_neighbors_as_it_can(kind, n_small):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40 + n_small, 2)), np.repeat([0, 1], [40, n_small])
    sampler = AutoSMOTE(kind, random_state=0)
    with pytest.warns(UserWarning, match="Class 1 has too few rows for k_neighbors=5"):
        _, y_new = sampler.fit_resample(X, y)
    assert sampler.k_neighbors_ == n_small - 1
    assert Counter(y_new)[1] > n_small


def test_the_warning_names_class_and_neighbors():
    X, y = make_data()
    rows = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:4]])
    with pytest.warns(UserWarning, match="too few rows") as caught:
        AutoSMOTE(random_state=0).fit_resample(X[rows], np.array(["healthy", "ill"])[y[rows]])
    assert [str(warning.message) for warning in caught] == [
        "Class ill has too few rows for k_neighbors=5. Expected at least 6 rows; got 4, so "
        "k_neighbors=3 is used for all classes. Set k_neighbors to that, or use RandomOverSampler."
    ]
    assert caught[0].filename == __file__


def test_a_tiny_class_that_does_not_grow_is_of_no_matter():
    X = np.random.default_rng(0).normal(size=(41, 2))
    y = np.repeat([0, 1, 2], [30, 10, 1])
    sampler = AutoSMOTE(sampling_strategy={1: 20}, random_state=0)
    _, y_new = sampler.fit_resample(X, y)
    assert Counter(y_new) == {0: 30, 1: 20, 2: 1}
    assert sampler.k_neighbors_ == 5


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float32", "float32"),
        ("float64", "float64"),
        ("float16", "float32"),
        ("uint8", "float32"),
        ("int16", "float32"),
        ("int64", "float64"),
        ("bool", "float32"),
    ],
)
def test_integers_become_floats(dtype, expected):
    X, y = make_data()
    X = np.abs(X * 10).astype(dtype)
    X_new, _ = AutoSMOTE(random_state=0).fit_resample(X, y)
    assert X_new.dtype == expected
    np.testing.assert_array_equal(X_new[: len(X)], X.astype(expected))


def test_whole_numbers_are_not_cut_off():
    X, y = make_data()
    X = np.abs(X * 10).astype("uint8")
    table = pd.DataFrame(X).rename(columns=str)
    for data in (X, X.tolist(), table):
        X_new, _ = AutoSMOTE(random_state=0).fit_resample(data, y)
        assert (np.asarray(X_new)[len(X) :] % 1 != 0).mean() > 0.5


def test_new_rows_lie_between_old_ones():
    X, y = make_data()
    X_new, y_new = AutoSMOTE(random_state=0).fit_resample(X, y)
    small, made = X[y == 1], X_new[len(X) :]
    assert (y_new[len(X) :] == 1).all()
    assert (made >= small.min(axis=0)).all()
    assert (made <= small.max(axis=0)).all()


def test_tables_of_whole_numbers_become_floats_and_the_rows_are_numbered_anew():
    X, y = make_data()
    table = pd.DataFrame({"age": np.arange(len(y)), "size": X[:, 0]}, index=np.arange(len(y)) + 7)
    X_new, y_new = AutoSMOTE(random_state=0).fit_resample(table, pd.Series(y, index=table.index))
    assert X_new.dtypes.to_dict() == {"age": np.float64, "size": np.float64}
    assert X_new.index.equals(pd.RangeIndex(len(X_new)))
    assert y_new.index.equals(X_new.index)
