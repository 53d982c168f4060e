import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.nets import MLP
from sknn_tricks.preprocessing import Whitener


@pytest.fixture
def pipe():
    net = NetClassifier(MLP(hidden=(8,)), max_epochs=3, early_stopping=True, random_state=0)
    return Pipeline([("scale", StandardScaler()), ("white", Whitener()), ("net", net)])


def test_a_search_over_a_real_net_in_worker_processes(pipe, callback, logged):
    grid = {"net__init": ["xavier_normal", "orthogonal"], "net__module__dropout": [0.2]}
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=2).set_callbacks(callback)
    search.fit(*load_iris(return_X_y=True))

    seen = logged(callback)
    assert [run.data.params for run in seen.candidates] == [
        {"init": "xavier_normal", "dropout": "0.2"},
        {"init": "orthogonal", "dropout": "0.2"},
    ]
    history = search.best_estimator_["net"].history_
    for name in ("train_loss", "valid_loss"):
        curve = seen.curve(f"refit/{name}")
        assert curve == {row["epoch"]: row[name] for row in history}
        for run in seen.candidates:
            assert sorted(seen.curve(f"fold_1/{name}", run)) == [1, 2, 3]
    scores = [run.data.metrics["cv_score"] for run in seen.candidates]
    np.testing.assert_array_equal(scores, search.cv_results_["mean_test_score"])


def test_a_single_fit_of_a_real_net(pipe, callback, logged):
    pipe.set_callbacks(callback).fit(*load_iris(return_X_y=True))
    seen = logged(callback)
    assert seen.run.data.params == {
        "estimator": "StandardScaler > Whitener > NetClassifier",
        "hidden": "(8,)",
        "max_epochs": "3",
        "early_stopping": "True",
        "random_state": "0",
    }
    history = pipe["net"].history_
    assert seen.curve("train_loss") == {row["epoch"]: row["train_loss"] for row in history}


def test_the_default_module_is_not_listed(callback, logged):
    NetClassifier(max_epochs=1).set_callbacks(callback).fit(*load_iris(return_X_y=True))
    assert logged(callback).run.data.params == {"estimator": "NetClassifier", "max_epochs": "1"}


def test_a_partial_fit_is_a_run_of_its_own_epoch(callback, logged):
    X, y = load_iris(return_X_y=True)
    net = NetClassifier(max_epochs=2, random_state=0).set_callbacks(callback).fit(X, y)
    net.partial_fit(X, y)
    curve = logged(callback).curve("train_loss")
    assert curve == {3: net.history_[-1]["train_loss"]}
