"""Small data and helpers for the estimators' tests."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.nets import MLP


@pytest.fixture
def class_data():
    """Return X of shape (150, 6) and three classes."""
    return make_classification(
        n_samples=150, n_features=6, n_informative=4, n_classes=3, class_sep=2.0, random_state=0
    )


@pytest.fixture
def number_data():
    """Return X of shape (150, 5) and a target of shape (150,)."""
    return make_regression(n_samples=150, n_features=5, noise=5.0, random_state=0)


@pytest.fixture
def classifier():
    """Return a maker of small classifiers that train for a moment."""
    return _maker(NetClassifier)


@pytest.fixture
def regressor():
    """Return a maker of small regressors that train for a moment."""
    return _maker(NetRegressor)


def _maker(estimator):
    def make(module=None, **params):
        settings = {"max_epochs": 5, "batch_size": 32, "lr": 0.02, "random_state": 0, **params}
        return estimator(MLP(hidden=(8,)) if module is None else module, **settings)

    return make


@pytest.fixture
def weights():
    """Return a function from a fitted estimator to all its net's numbers as one vector."""

    def vector(estimator):
        state = estimator.net_.module_.state_dict()
        return np.concatenate([value.double().numpy().ravel() for value in state.values()])

    return vector
