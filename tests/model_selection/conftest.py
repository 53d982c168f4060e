"""Small data, small nets, and a comparison of what two searches found."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.fused.rendezvous import _backend
from sknn_tricks.nets import MLP


def _small(estimator):
    def make(**params):
        usual = {"max_epochs": 2, "batch_size": 64, "lr": 0.02, "random_state": 0}
        return estimator(MLP(hidden=(8,)), **{**usual, **params})

    return make


@pytest.fixture
def data():
    """X of shape (60, 4), two classes."""
    return make_classification(60, 4, n_informative=3, n_redundant=0, random_state=0)


@pytest.fixture
def net():
    return _small(NetClassifier)


@pytest.fixture
def regressor():
    return _small(NetRegressor)


@pytest.fixture
def pipe(net):
    return Pipeline([("scale", StandardScaler()), ("net", net())])


@pytest.fixture
def batches(monkeypatch):
    """How many jobs each call of `train` was given."""
    sizes, train = [], _backend.train

    def spy(jobs, **settings):
        sizes.append(len(jobs))
        return train(jobs, **settings)

    monkeypatch.setattr(_backend, "train", spy)
    return sizes


@pytest.fixture
def outcome():
    """Return a function that calls another, and says what it returned or raised and warned."""

    def record(function):
        with warnings.catch_warnings(record=True) as log:
            warnings.simplefilter("always")
            try:
                result = function()
            except Exception as error:
                result = f"{type(error).__name__}: {_without_traceback(str(error))}"
        return result, [(w.category, _without_traceback(str(w.message))) for w in log]

    return record


def _without_traceback(text):
    return [line for line in text.splitlines() if not line.startswith("  ")]


@pytest.fixture
def found():
    """Return a function from a fitted search to all it found, times apart."""

    def of(search, X):
        results = {k: v for k, v in search.cv_results_.items() if not k.endswith("_time")}
        best = {k: v for k, v in vars(search).items() if k in ("best_index_", "best_score_")}
        output = search.predict(X) if hasattr(search, "best_estimator_") else None
        return {**results, **best, "predictions": output}

    return of


@pytest.fixture
def assert_same():
    def check(first, second):
        assert first.keys() == second.keys()
        for name in first:
            if name == "params":
                assert repr(first[name]) == repr(second[name])
            elif isinstance(first[name], np.ndarray) and first[name].dtype == object:
                assert repr(first[name].tolist()) == repr(second[name].tolist()), name
            else:
                np.testing.assert_array_equal(first[name], second[name], err_msg=name)

    return check
