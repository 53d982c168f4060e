import joblib
import numpy as np
import pytest
from sklearn import model_selection
from sklearn.callback import ProgressBar
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.model_selection import cross_validate
from sknn_tricks.nets import MLP
from sknn_tricks.tracking import MLflowCallback


@pytest.fixture
def pipe(stub_net, no_callbacks):
    return Pipeline([("scale", StandardScaler()), ("white", no_callbacks()), ("net", stub_net())])


def _runs(seen):
    return seen.client.search_runs([seen.run.info.experiment_id])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_cross_validation_is_one_run(pipe, n_jobs, callback, logged, data):
    scores = cross_validate(
        pipe.set_params(net__lr=0.4),
        *data,
        cv=3,
        scoring=["accuracy", "f1_macro"],
        return_train_score=True,
        n_jobs=n_jobs,
        callbacks=[callback],
    )
    seen = logged(callback)
    (run,) = _runs(seen)
    assert run.data.tags["kind"] == "cross_validation"
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "cross_validate: StandardScaler > _NoCallbacks > _StubNet"
    assert run.data.params == {
        "estimator": "StandardScaler > _NoCallbacks > _StubNet",
        "lr": "0.4",
        "cv": "3",
        "scoring": "accuracy, f1_macro",
        "n_splits": "3",
    }
    metrics, tested = run.data.metrics, scores["test_f1_macro"]
    assert metrics["cv_f1_macro"] == tested.mean()
    assert metrics["cv_f1_macro_std"] == tested.std()
    assert (metrics["cv_f1_macro_min"], metrics["cv_f1_macro_max"]) == (tested.min(), tested.max())
    assert metrics["cv_train_accuracy"] == scores["train_accuracy"].mean()
    assert metrics["fit_time"] == scores["fit_time"].mean()
    assert "cv_f1_macro_rank" not in metrics
    assert seen.curve("fold_accuracy") == dict(enumerate(scores["test_accuracy"]))
    for fold in range(3):
        assert seen.curve(f"fold_{fold}/train_loss") == {1: 0.4, 2: 0.2, 3: 0.4 / 3}
    assert seen.curve("curve/train_loss") == pytest.approx({1: 0.4, 2: 0.2, 3: 0.4 / 3})
    assert seen.config(run)["params"]["steps"][2][1]["params"]["lr"] == 0.4


def test_callbacks_of_the_estimator_are_those_of_the_whole(pipe, callback, logged, data):
    cross_validate(pipe.set_callbacks(callback), *data, cv=3)
    (run,) = _runs(logged(callback))
    assert run.data.tags["kind"] == "cross_validation"


def test_a_callback_given_twice_is_one(pipe, callback, logged, data):
    cross_validate(pipe.set_callbacks(callback), *data, cv=3, callbacks=[callback, ProgressBar()])
    assert len(_runs(logged(callback))) == 1


def test_runs_of_the_folds_are_below_it(pipe, uri, logged, data):
    callback = MLflowCallback("demo", tracking_uri=uri, fold_runs=True)
    scores = cross_validate(pipe, *data, cv=3, callbacks=[callback])
    seen = logged(callback)
    folds = sorted(seen.children(seen.run), key=lambda run: run.data.tags["fold"])
    assert [run.data.metrics["fold_score"] for run in folds] == list(scores["test_score"])
    assert {run.data.tags["kind"] for run in folds} == {"fold"}
    assert seen.curve("train_loss", folds[1]) == {1: 0.1, 2: 0.05, 3: 0.1 / 3}


def test_an_estimator_without_callbacks(callback, logged, data):
    scores = cross_validate(LogisticRegression(C=0.5), *data, cv=3, callbacks=[callback])
    (run,) = _runs(logged(callback))
    assert run.data.metrics["cv_score"] == scores["test_score"].mean()
    assert run.data.params["C"] == "0.5"


def test_one_that_raises_is_failed(stub_net, callback, logged, data):
    net = stub_net(accident="error")
    with pytest.raises(ValueError, match="an accident"):
        cross_validate(net, *data, cv=3, callbacks=[callback], error_score="raise")
    (run,) = _runs(logged(callback))
    assert run.info.status == "FAILED"
    assert run.data.tags["error"] == "ValueError: an accident of two lines"


def test_real_nets_train_together_and_are_what_they_were(callback, logged):
    X, y = model_selection.train_test_split(np.eye(60, 4), random_state=0)[0], np.arange(45) % 3
    net = NetClassifier(MLP(hidden=(8,)), max_epochs=3, early_stopping=True, random_state=0)
    before = model_selection.cross_validate(net, X, y, cv=3)["test_score"]
    scores = cross_validate(net, X, y, cv=3, callbacks=[callback], return_estimator=True)
    np.testing.assert_array_equal(scores["test_score"], before)
    metrics = logged(callback).run.data.metrics
    nets = scores["estimator"]
    assert metrics["best_epoch"] == np.mean([each.best_epoch_ for each in nets])
    assert metrics["n_parameters"] == 4 * 8 + 8 + 8 * 3 + 3
    for fold, each in enumerate(nets):
        curve = logged(callback).curve(f"fold_{fold}/valid_loss")
        assert curve == {row["epoch"]: row["valid_loss"] for row in each.history_}


def test_in_worker_processes(pipe, callback, logged, data):
    from sknn_tricks.model_selection._cross_validation import CrossValidation

    with joblib.parallel_config("loky", n_jobs=2):
        validation = CrossValidation(pipe, cv=3).set_callbacks(callback)
        validation.run(model_selection.cross_validate, *data)
    curve = logged(callback).curve("fold_2/train_loss")
    assert curve == {1: 0.1, 2: 0.05, 3: 0.1 / 3}
