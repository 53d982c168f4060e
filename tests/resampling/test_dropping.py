"""Rows that are left out: duplicates and outliers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks.resampling import DropDuplicates, DropOutliers

# --- duplicates -----------------------------------------------------------------------------


def kept(X, y, **params):
    return DropDuplicates(**params).fit(X, y).sample_indices_.tolist()


@settings(max_examples=100, deadline=None)
@given(
    pairs=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40
    )
)
def test_duplicates_are_those_that_python_finds(pairs):
    X, y = np.array(pairs, float)[:, :2], np.array(pairs, float)[:, 2]
    firsts = [i for i, pair in enumerate(pairs) if pair not in pairs[:i]]
    assert kept(X, y) == firsts
    targets = {}
    for *x, target in pairs:
        targets.setdefault(tuple(x), set()).add(target)
    without_conflict = [i for i in firsts if len(targets[pairs[i][:2]]) == 1]
    if without_conflict:
        assert kept(X, y, conflicts="drop") == without_conflict


def test_missing_values_and_zeros_are_equal():
    X = [[0.0, np.nan], [-0.0, np.nan], [0.0, 1.0]]
    assert kept(X, [1, 1, 1]) == [0, 2]


def test_images_and_mixed_tables():
    images = np.zeros((6, 3, 8, 8), np.uint8)
    images[4, 2, 7, 7] = 1
    assert kept(images, [0, 0, 1, 1, 0, 0]) == [0, 2, 4]
    table = pd.DataFrame({"name": ["ann", "ann", None, None], "age": [3.0, 3.0, np.nan, np.nan]})
    assert kept(table, list("abcc")) == [0, 1, 2]


def test_equal_rows_of_other_classes():
    X, y = [[1], [1], [1], [2], [3]], ["a", "b", "a", "b", "a"]
    assert kept(X, y) == [0, 1, 3, 4]
    assert kept(X, y, conflicts="drop") == [3, 4]


def test_numbers_and_several_targets_may_be_predicted():
    X = [[1], [1], [1], [2]]
    assert kept(X, [0.5, 0.5, 0.7, 0.5]) == [0, 2, 3]
    assert kept(X, [[0.5, 1], [0.5, 2], [0.5, 1], [0.5, 1]]) == [0, 1, 3]
    assert kept(X, np.array([[0, 1], [1, 1], [0, 1], [0, 0]])) == [0, 1, 3]


# --- outliers -------------------------------------------------------------------------------


def test_one_row_in_a_hundred_is_an_outlier_by_default():
    X, y = load_diabetes(return_X_y=True)
    sampler = DropOutliers(random_state=0)
    X_new, y_new = sampler.fit_resample(X, y)
    assert len(X_new) == len(y_new) == 437 == len(X) - 5
    assert isinstance(sampler.detector_, IsolationForest)


def test_any_detector_or_pipeline_does():
    X, y = load_iris(return_X_y=True)
    X[7] = 50
    for detector in (LocalOutlierFactor(), make_pipeline(StandardScaler(), LocalOutlierFactor())):
        expected = np.flatnonzero(detector.fit_predict(X) != -1)
        assert 7 not in expected
        sampler = DropOutliers(detector).fit(X, y)
        np.testing.assert_array_equal(sampler.sample_indices_, expected)


def test_the_detector_is_not_fitted_itself():
    X, y = load_iris(return_X_y=True)
    detector = LocalOutlierFactor()
    assert DropOutliers(detector).fit(X, y).detector_ is not detector
    assert not hasattr(detector, "n_features_in_")


def test_a_small_class_that_lies_apart_stays_with_a_detector_of_its_own():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(95, 2)), rng.normal(size=(5, 2)) + 9])
    y = np.repeat([0, 1], [95, 5])
    forest = IsolationForest(contamination=0.04, random_state=0)
    together, apart = (DropOutliers(forest, per_class=one).fit(X, y) for one in (False, True))
    n_small = [(y[sampler.sample_indices_] == 1).sum() for sampler in (together, apart)]
    assert n_small == [1, 4]
    assert sorted(apart.detector_) == [0, 1]


def test_missing_values_are_for_the_detector():
    X, y = load_iris(return_X_y=True)
    X[3, 1] = np.nan
    assert len(DropOutliers(random_state=0).fit(X, y).sample_indices_) == 148
    with pytest.raises(ValueError, match="LocalOutlierFactor does not accept missing values"):
        DropOutliers(LocalOutlierFactor()).fit(X, y)


def test_images_are_vectors_to_the_detector():
    images = np.random.default_rng(0).normal(size=(50, 2, 3, 3))
    images[11] += 30
    assert 11 not in DropOutliers(random_state=0).fit(images, np.arange(50.0)).sample_indices_
