import warnings

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.model_selection import (
    FusedGridSearchCV,
    FusedHalvingGridSearchCV,
    FusedOptunaSearchCV,
)
from sknn_tricks.nets import MLP
from sknn_tricks.preprocessing import Whitener
from sknn_tricks.tracking import MLflowCallback


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
        "module": "MLP",
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


GRID = {"net__lr": [0.001, 0.01, 0.1], "net__weight_decay": [0.0, 0.1]}


def test_nets_that_train_together_have_their_curves_and_times(pipe, callback, logged):
    search = FusedGridSearchCV(pipe, GRID, cv=3, n_jobs=1).set_callbacks(callback)
    search.fit(*load_iris(return_X_y=True))
    seen = logged(callback)
    assert len(seen.candidates) == 6
    for run in seen.candidates:
        for fold in range(3):
            assert sorted(seen.curve(f"fold_{fold}/valid_loss", run)) == [1, 2, 3]
        assert run.data.metrics["n_parameters"] == 4 * 8 + 8 + 8 * 3 + 3
        # not since its fits began to wait for the others
        took = (run.info.end_time - run.info.start_time) / 1000
        assert 0 <= took < (seen.run.info.end_time - seen.run.info.start_time) / 1000 / 2
        points = seen.client.get_metric_history(run.info.run_id, "fold_0/valid_loss")
        assert max(point.timestamp for point in points) <= run.info.end_time


def test_the_best_epoch_is_the_one_whose_weights_were_kept(callback, logged):
    net = NetClassifier(max_epochs=8, lr=0.5, early_stopping=True, patience=8, random_state=0)
    net.set_callbacks(callback).fit(*load_iris(return_X_y=True))
    assert net.best_epoch_ < 8
    assert logged(callback).run.data.metrics["best_epoch"] == net.best_epoch_


def test_an_ensemble_counts_the_weights_of_all_its_nets(callback, logged):
    net = NetClassifier(MLP(hidden=(8,)), max_epochs=1, n_members=3, random_state=0)
    net.set_callbacks(callback).fit(*load_iris(return_X_y=True))
    assert logged(callback).run.data.metrics["n_parameters"] == 3 * 67


def test_candidates_from_the_cache_are_logged_as_the_first_time(pipe, uri, logged, tmp_path):
    X, y = load_iris(return_X_y=True)
    seen = []
    for _ in range(2):
        callback = MLflowCallback("demo", tracking_uri=uri)
        search = FusedGridSearchCV(pipe, GRID, cv=3, n_jobs=1, cache=tmp_path / "nets")
        search.set_callbacks(callback).fit(X, y)
        seen.append(logged(callback))
    assert search.report_.n_nets == 0
    first, second = seen
    for before, after in zip(first.candidates, second.candidates, strict=True):
        assert after.data.params == before.data.params
        names = before.data.metrics.keys() - {"fit_time", "score_time"}
        assert after.data.metrics.keys() - {"fit_time", "score_time"} == names
        for name in names:
            assert second.curve(name, after) == first.curve(name, before)


def test_a_halving_search_of_nets_that_train_together(pipe, callback, logged):
    search = FusedHalvingGridSearchCV(
        pipe, {"net__lr": [0.001, 0.01, 0.1]}, cv=2, n_jobs=1, random_state=0
    )
    search.set_callbacks(callback).fit(*load_iris(return_X_y=True))
    iterations = [run.data.params["iter"] for run in logged(callback).candidates]
    assert iterations == [str(i) for i in search.cv_results_["iter"]]
    assert all("curve/valid_loss" in run.data.metrics for run in logged(callback).candidates)


def test_pruned_candidates_are_told(callback, logged):
    optuna = pytest.importorskip("optuna")
    net = NetClassifier(MLP(hidden=(8,)), max_epochs=8, early_stopping=True, random_state=0)
    search = FusedOptunaSearchCV(
        net,
        {"lr": [1e-6, 2e-6, 3e-6, 0.05]},  # one rate learns, the others are far too small
        n_trials=12,
        batch_size=4,
        cv=3,
        n_jobs=1,
        random_state=0,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1),
    )
    search.set_callbacks(callback).fit(*load_iris(return_X_y=True))
    runs = logged(callback).candidates
    assert [run.data.tags.get("pruned") == "true" for run in runs] == list(
        search.cv_results_["pruned"]
    )
    assert [run.data.tags["trial"] for run in runs] == [str(n) for n in search.cv_results_["trial"]]
    assert search.cv_results_["pruned"].any()
    epochs = [len(logged(callback).curve("fold_0/train_loss", run)) for run in runs]
    assert all(n < 8 for n, run in zip(epochs, runs, strict=True) if "pruned" in run.data.tags)


@pytest.mark.parametrize("listens", [True, False])
def test_nets_tell_of_epochs_only_to_those_who_listen(pipe, listens):
    names = []

    class Tasks(MLflowCallback):
        listens_to_epochs = listens

        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            names.append(context.task_name)

        def on_fit_task_end(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

    pipe["net"].set_callbacks(Tasks("demo")).fit(*load_iris(return_X_y=True))
    assert names == ["fit", *["epoch"] * 3 * listens]


def test_tracking_does_not_keep_nets_from_training_in_other_processes(callback):
    assert not callback.listens_to_epochs


def test_any_other_estimator(callback, logged):
    grid = {"hidden_layer_sizes": [(3,), (4,)]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search = RandomizedSearchCV(MLPClassifier(max_iter=3), grid, n_iter=2, cv=2)
        search.set_callbacks(callback).fit(*load_iris(return_X_y=True))
    runs = logged(callback).candidates
    assert [run.data.params["hidden_layer_sizes"] for run in runs] == ["(3,)", "(4,)"]
    assert all(0 <= run.data.metrics["cv_score_min"] <= 1 for run in runs)
    assert logged(callback).config(runs[1])["params"]["hidden_layer_sizes"] == [4]


@pytest.mark.slow
def test_on_a_cluster(pipe, callback, logged):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    )
    search = GridSearchCV(pipe, {"net__lr": [0.001, 0.01]}, cv=2).set_callbacks(callback)
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        search.fit(*load_iris(return_X_y=True))
    seen = logged(callback)
    assert [run.data.params for run in seen.candidates] == [{"lr": "0.001"}, {"lr": "0.01"}]
    for run in seen.candidates:
        assert sorted(seen.curve("fold_1/valid_loss", run)) == [1, 2, 3]
        assert "n_parameters" in run.data.metrics
