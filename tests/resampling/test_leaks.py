"""Resampling before the split gives dazzling scores that mean nothing."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from sknn_tricks import NetClassifier
from sknn_tricks.model_selection import cross_val_score
from sknn_tricks.nets import MLP
from sknn_tricks.resampling import (
    AutoSMOTE,
    BalancedSampler,
    DropDuplicates,
    DropOutliers,
    RandomOverSampler,
    Resampled,
)

CV = StratifiedKFold(5, shuffle=True, random_state=0)


def score(estimator, X, y, **settings):
    settings = {"cv": CV, "scoring": "balanced_accuracy", **settings}
    return cross_val_score(estimator, X, y, **settings).mean()


@pytest.fixture
def net():
    return NetClassifier(MLP(hidden=(64,)), max_epochs=40, lr=1e-2, random_state=0)


@pytest.fixture
def noise():
    """Features that tell nothing of the class, of which the second has a tenth of the rows."""
    X = np.random.default_rng(0).normal(size=(400, 20)).astype("float32")
    return X, np.arange(400) % 10 == 0


@pytest.mark.parametrize(
    "sampler",
    [RandomOverSampler(random_state=0), AutoSMOTE(random_state=0), BalancedSampler(random_state=0)],
    ids=lambda sampler: type(sampler).__name__,
)
def test_over_sampling_before_the_split_makes_noise_look_learnable(sampler, net, noise):
    assert score(net, *sampler.fit_resample(*noise)) > 0.85
    assert 0.4 < score(Resampled(sampler, net), *noise) < 0.6


def test_duplicates_must_go_before_the_split(net):
    rng = np.random.default_rng(0)
    X, y = np.repeat(rng.normal(size=(150, 20)), 3, axis=0), np.repeat(rng.integers(2, size=150), 3)
    assert score(net, X, y) > 0.9
    # Inside the folds it is too late: copies of the training rows are in the test fold.
    assert score(Resampled(DropDuplicates(), net), X, y) > 0.9
    assert 0.4 < score(net, *DropDuplicates().fit_resample(X, y)) < 0.6
    groups = np.repeat(np.arange(150), 3)
    assert 0.4 < score(net, X, y, cv=GroupKFold(5), groups=groups) < 0.6


def test_outliers_dropped_before_the_split_are_not_scored():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = X @ [1, 2, 3] + rng.normal(size=300)
    X[::20] *= 10  # errors of measurement, which the rows to come will have too
    sampler = DropOutliers(IsolationForest(n_estimators=20, contamination=0.05, random_state=0))
    settings = {"cv": KFold(5, shuffle=True, random_state=0), "scoring": "r2"}
    assert score(LinearRegression(), *sampler.fit_resample(X, y), **settings) > 0.9
    assert score(Resampled(sampler, LinearRegression()), X, y, **settings) < 0
