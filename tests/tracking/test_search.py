import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sknn_tricks.tracking import MLflowCallback


@pytest.fixture
def pipe(stub_net, no_callbacks):
    return Pipeline([("scale", StandardScaler()), ("white", no_callbacks()), ("net", stub_net())])


def test_a_grid_search_has_a_run_and_one_for_each_candidate(pipe, callback, logged, data, capfd):
    grid = {"net__lr": [0.1, 0.2], "net__max_epochs": [2, 3]}
    search = GridSearchCV(pipe, grid, cv=3).set_callbacks(callback).fit(*data)

    seen = logged(callback)
    assert seen.run.info.status == "FINISHED"
    assert seen.run.info.run_name == "GridSearchCV: StandardScaler > _NoCallbacks > _StubNet"
    assert seen.run.data.params == {
        "search": "GridSearchCV",
        "estimator": "StandardScaler > _NoCallbacks > _StubNet",
        "cv": "3",
        "scoring": "estimator.score",
        "n_splits": "3",
        "n_candidates": "4",
        "best_lr": "0.1",
        "best_max_epochs": "2",
    }
    assert seen.run.data.metrics["best_cv_score"] == search.best_score_
    assert [run.data.params for run in seen.candidates] == [
        {"lr": "0.1", "max_epochs": "2"},
        {"lr": "0.1", "max_epochs": "3"},
        {"lr": "0.2", "max_epochs": "2"},
        {"lr": "0.2", "max_epochs": "3"},
    ]
    assert seen.run.data.tags["best_run_id"] == seen.candidates[0].info.run_id
    assert [run.info.status for run in seen.candidates] == ["FINISHED"] * 4
    assert seen.candidates[1].info.run_name == "lr=0.1, max_epochs=3"
    assert capfd.readouterr() == ("", "")


def test_scores_and_curves_of_a_candidate(pipe, callback, logged, data):
    search = GridSearchCV(pipe, {"net__lr": [0.1, 0.2]}, cv=3, return_train_score=True)
    search.set_callbacks(callback).fit(*data)

    seen, results = logged(callback), search.cv_results_
    metrics = seen.candidates[1].data.metrics
    assert metrics["cv_score"] == results["mean_test_score"][1]
    assert metrics["cv_score_std"] == results["std_test_score"][1]
    assert metrics["cv_score_rank"] == results["rank_test_score"][1]
    assert metrics["cv_train_score"] == results["mean_train_score"][1]
    assert metrics["fit_time"] == results["mean_fit_time"][1]
    by_fold = {fold: results[f"split{fold}_test_score"][1] for fold in range(3)}
    assert seen.curve("fold_score", seen.candidates[1]) == by_fold
    for fold in range(3):
        curve = seen.curve(f"fold_{fold}/train_loss", seen.candidates[1])
        assert curve == {1: 0.2, 2: 0.1, 3: 0.2 / 3}
        curve = seen.curve(f"fold_{fold}/valid_loss", seen.candidates[1])
        assert curve == {1: 2.0, 2: 4.0, 3: 6.0}
    assert not [name for name in metrics if "dur" in name or "note" in name]
    assert seen.curve("refit/train_loss") == {1: 0.1, 2: 0.05, 3: 0.1 / 3}


def test_times_are_those_of_the_fits(pipe, callback, logged, data):
    GridSearchCV(pipe, {"net__lr": [0.1, 0.2]}, cv=2).set_callbacks(callback).fit(*data)

    seen = logged(callback)
    first, second = seen.candidates
    times = [run.info.start_time for run in (seen.run, first, second)]
    assert times == sorted(times)
    assert first.info.start_time <= first.info.end_time <= second.info.start_time
    assert second.info.end_time <= seen.run.info.end_time
    points = seen.client.get_metric_history(first.info.run_id, "fold_0/train_loss")
    assert np.diff([point.timestamp for point in points]).tolist() == [500, 500]  # dur


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_candidates_come_from_workers(backend, pipe, callback, logged, data):
    search = GridSearchCV(pipe, {"net__lr": [0.1, 0.2, 0.3]}, cv=2, n_jobs=2)
    with joblib.parallel_config(backend):
        search.set_callbacks(callback).fit(*data)

    seen = logged(callback)
    assert [run.data.params for run in seen.candidates] == [{"lr": f"0.{i}"} for i in (1, 2, 3)]
    for run, lr in zip(seen.candidates, (0.1, 0.2, 0.3), strict=True):
        for fold in (0, 1):
            curve = seen.curve(f"fold_{fold}/train_loss", run)
            assert curve == {1: lr, 2: lr / 2, 3: lr / 3}


def test_candidates_appear_while_the_search_runs(stub_net, callback, logged, data):
    seen_before_refit = []

    class Look(stub_net):
        def fit(self, X, y):
            if len(X) == 24:  # the refit
                from sknn_tricks.tracking._callback import _sessions

                (session,) = _sessions.values()
                while not session._writer._queue.empty():
                    pass
                seen_before_refit.extend(logged(callback).candidates)
            return super().fit(X, y)

    GridSearchCV(Look(), {"lr": [0.1, 0.2]}, cv=2).set_callbacks(callback).fit(*data)
    assert seen_before_refit[0].data.params == {"lr": "0.1"}
    assert seen_before_refit[0].info.status == "FINISHED"
    assert seen_before_refit[0].data.metrics["fold_1/train_loss"] == 0.1 / 3


def test_a_bare_net(stub_net, callback, logged, data):
    GridSearchCV(stub_net(), {"lr": [0.1, 0.2]}, cv=2, refit=False).set_callbacks(callback).fit(
        *data
    )
    seen = logged(callback)
    assert seen.curve("fold_1/train_loss", seen.candidates[1]) == {1: 0.2, 2: 0.1, 3: 0.2 / 3}
    assert "refit/train_loss" not in seen.run.data.metrics


def test_several_scorers(pipe, callback, logged, data):
    search = GridSearchCV(
        pipe, {"net__lr": [0.1, 0.2]}, cv=2, scoring=["accuracy", "f1_macro"], refit="f1_macro"
    )
    search.set_callbacks(callback).fit(*data)

    seen = logged(callback)
    assert seen.run.data.params["scoring"] == "accuracy, f1_macro"
    assert seen.run.data.metrics["best_cv_f1_macro"] == search.best_score_
    names = {"cv_accuracy", "cv_accuracy_std", "cv_accuracy_rank", "fold_accuracy", "cv_f1_macro"}
    assert names <= seen.candidates[0].data.metrics.keys()


def test_a_randomized_search(pipe, callback, logged, data):
    space = {"net__lr": np.linspace(0.1, 1, 10), "white": ["passthrough", FunctionTransformer()]}
    search = RandomizedSearchCV(pipe, space, n_iter=3, cv=KFold(2), random_state=0)
    search.set_callbacks(callback).fit(*data)

    seen = logged(callback)
    assert seen.run.data.params["search"] == "RandomizedSearchCV"
    assert seen.run.data.params["cv"] == "KFold(n_splits=2, random_state=None, shuffle=False)"
    drawn = [
        {"lr": repr(float(params["net__lr"])), "white": str(params["white"])}
        for params in search.cv_results_["params"]
    ]
    assert [run.data.params for run in seen.candidates] == drawn


@pytest.mark.parametrize("resource", ["n_samples", "net__max_epochs"])
def test_a_halving_search_has_candidates_in_each_iteration(pipe, resource, callback, logged, data):
    sizes = {"max_resources": 4, "min_resources": 2} if resource != "n_samples" else {}
    search = HalvingGridSearchCV(
        pipe, {"net__lr": [0.1, 0.2, 0.3, 0.4]}, cv=2, factor=2, resource=resource, **sizes
    )
    search.set_callbacks(callback).fit(*data)

    seen, results = logged(callback), search.cv_results_
    assert seen.run.data.params["n_candidates"] == str(len(results["params"]))
    assert seen.run.data.params["factor"] == "2"
    for row, run in enumerate(seen.candidates):
        assert run.data.params["lr"] == str(results["params"][row]["net__lr"])
        assert run.data.params["iter"] == str(results["iter"][row])
        assert run.data.params["n_resources"] == str(results["n_resources"][row])
        assert run.data.metrics["cv_score"] == results["mean_test_score"][row]
        lr = results["params"][row]["net__lr"]
        assert seen.curve("fold_1/train_loss", run)[1] == lr
    assert len(seen.candidates) == len(results["params"])


def test_grids_with_different_keys(pipe, callback, logged, data):
    grids = [{"net__lr": [0.1], "net__max_epochs": [2]}, {"net__lr": [0.2]}]
    GridSearchCV(pipe, grids, cv=2).set_callbacks(callback).fit(*data)
    params = [run.data.params for run in logged(callback).candidates]
    assert params == [{"lr": "0.1", "max_epochs": "2"}, {"lr": "0.2"}]


def test_an_estimator_without_callbacks_has_no_curves(callback, logged, data):
    # its parameter is named like one of the search's own
    search = GridSearchCV(DummyClassifier(), {"strategy": ["prior", "uniform"]}, cv=2)
    search.set_callbacks(callback).fit(*data)

    first, second = logged(callback).candidates
    assert first.data.params == {"strategy": "prior"}
    assert first.info.run_name == "strategy=prior"
    assert "cv_score" in second.data.metrics
    assert first.info.start_time <= first.info.end_time


def test_the_search_is_not_taken_for_its_estimator(callback, logged, data):
    search = GridSearchCV(KNeighborsClassifier(), {"n_jobs": [1, 2]}, cv=2, n_jobs=1)
    search.set_callbacks(callback).fit(*data)
    assert [run.data.params["n_jobs"] for run in logged(callback).candidates] == ["1", "2"]


def test_the_filter_for_steps_without_callbacks_is_taken_away(pipe, callback, data):
    before = list(warnings.filters)
    GridSearchCV(pipe, {"net__lr": [0.1]}, cv=2).set_callbacks(callback).fit(*data)
    assert warnings.filters == before


@pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_candidate_with_failed_folds_is_failed(pipe, n_jobs, callback, logged, data):
    search = GridSearchCV(pipe, {"net__accident": [None, "error"]}, cv=2, n_jobs=n_jobs)
    search.set_callbacks(callback)
    with joblib.parallel_config("threading"), pytest.warns(FitFailedWarning):
        search.fit(*data)

    good, bad = logged(callback).candidates
    assert (good.info.status, bad.info.status) == ("FINISHED", "FAILED")
    assert bad.data.params == {"accident": "error"}
    assert "cv_score" not in bad.data.metrics
    assert bad.data.metrics["cv_score_rank"] == 2
    assert bad.info.start_time <= bad.info.end_time


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_a_failed_fold_with_a_number_for_its_score_is_failed_too(pipe, callback, logged, data):
    search = GridSearchCV(pipe, {"net__accident": [None, "error"]}, cv=2, error_score=0.0)
    search.set_callbacks(callback).fit(*data)
    assert [run.info.status for run in logged(callback).candidates] == ["FINISHED", "FAILED"]


def test_numbers_that_are_not_finite_are_left_out(pipe, callback, logged, data):
    GridSearchCV(pipe, {"net__accident": ["nan"]}, cv=2).set_callbacks(callback).fit(*data)
    seen = logged(callback)
    (candidate,) = seen.candidates
    assert seen.curve("fold_0/train_loss", candidate) == {1: 0.1, 3: 0.1 / 3}
    assert seen.curve("fold_0/valid_loss", candidate) == {}
    assert candidate.info.status == "FINISHED"


def test_a_search_that_raises_is_failed_and_keeps_what_was_complete(pipe, callback, logged, data):
    search = GridSearchCV(pipe, {"net__accident": [None, "error"]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="an accident"):
        search.set_callbacks(callback).fit(*data)

    seen = logged(callback)
    assert seen.run.info.status == "FAILED"
    assert seen.run.data.tags["error"] == "ValueError: an accident of two lines"
    good, bad = seen.candidates
    assert (good.info.status, bad.info.status) == ("FINISHED", "FAILED")
    assert seen.curve("fold_1/train_loss", good) == {1: 0.1, 2: 0.05, 3: 0.1 / 3}


def test_ctrl_c_leaves_no_run_running(pipe, callback, logged, data):
    search = GridSearchCV(pipe, {"net__accident": [None, "interrupt"]}, cv=2)
    with pytest.raises(KeyboardInterrupt):
        search.set_callbacks(callback).fit(*data)

    seen = logged(callback)
    assert seen.run.info.status == "KILLED"
    assert [run.info.status for run in seen.candidates] == ["FINISHED", "KILLED"]
    assert seen.candidates[1].data.params == {"accident": "interrupt"}
    assert seen.run.data.params["n_candidates"] == "2"


def test_one_callback_for_two_fits_and_a_clone(pipe, callback, logged, data):
    search = GridSearchCV(pipe, {"net__lr": [0.1]}, cv=2).set_callbacks(callback)
    search.fit(*data)
    first = callback.run_id_
    clone(search).fit(*data)
    assert callback.run_id_ != first
    runs = logged(callback).client.search_runs([callback.experiment_id_], "tags.kind = 'search'")
    assert {run.info.run_id for run in runs} == {first, callback.run_id_}
    assert len(logged(callback).candidates) == 1


def test_the_search_as_the_last_step_of_a_pipeline(stub_net, callback, logged, data):
    search = GridSearchCV(stub_net(), {"lr": [0.1, 0.2]}, cv=2)
    Pipeline([("scale", StandardScaler()), ("search", search)]).set_callbacks(callback).fit(*data)

    seen = logged(callback)
    assert seen.run.data.tags["kind"] == "fit"
    assert seen.run.data.params["search"] == "GridSearchCV"
    assert seen.run.data.params["best_lr"] == "0.1"
    assert len(seen.candidates) == 2
    assert seen.curve("refit/train_loss") == {1: 0.1, 2: 0.05, 3: 0.1 / 3}


def test_a_search_within_the_folds_counts_as_one_fit_a_fold(stub_net, callback, logged, data):
    inner = GridSearchCV(stub_net(), {"lr": [0.1, 0.2]}, cv=2)
    GridSearchCV(inner, {"estimator__max_epochs": [2]}, cv=2).set_callbacks(callback).fit(*data)

    seen = logged(callback)
    (candidate,) = seen.candidates
    assert candidate.data.params == {"max_epochs": "2"}
    assert seen.curve("fold_0/train_loss", candidate) == {1: 0.1, 2: 0.05}  # of its refit


def test_each_fit_of_a_cross_validation_is_a_search_of_its_own(pipe, callback, logged, data):
    search = GridSearchCV(pipe, {"net__lr": [0.1]}, cv=2).set_callbacks(callback)
    cross_val_score(search, *data, cv=2)
    runs = logged(callback).client.search_runs([callback.experiment_id_], "tags.kind = 'search'")
    assert [run.info.status for run in runs] == ["FINISHED", "FINISHED"]


def test_a_net_before_the_last_step_keeps_the_name_of_its_step(stub_net, callback, logged, data):
    class Embed(stub_net):
        def transform(self, X):
            return X

    pipe = Pipeline([("embed", Embed(lr=0.4)), ("net", stub_net())])
    GridSearchCV(pipe, {"net__lr": [0.1]}, cv=2).set_callbacks(callback).fit(*data)
    seen = logged(callback)
    (candidate,) = seen.candidates
    assert seen.curve("fold_0/train_loss", candidate)[1] == 0.1
    assert seen.curve("fold_0/embed/train_loss", candidate)[1] == 0.4


def test_a_search_that_hands_out_no_callback_contexts(pipe, callback, logged, data):
    class Own(GridSearchCV):
        def _run_search(self, evaluate_candidates):
            evaluate_candidates([{"net__lr": 0.1}])
            evaluate_candidates([{"net__lr": 0.2}])

    Own(pipe, {}, cv=2).set_callbacks(callback).fit(*data)
    runs = logged(callback).candidates
    assert [run.data.params for run in runs] == [{"lr": "0.1"}, {"lr": "0.2"}]
    assert all("cv_score" in run.data.metrics for run in runs)


def test_beside_a_progress_bar(pipe, callback, logged, data, capsys):
    search = GridSearchCV(pipe, {"net__lr": [0.1]}, cv=2)
    search.set_callbacks(ProgressBar(), callback).fit(*data)
    assert len(logged(callback).candidates) == 1


def test_what_a_candidate_is_judged_by(pipe, callback, logged, data):
    search = GridSearchCV(pipe, {"net__lr": [0.1, 0.2]}, cv=3).set_callbacks(callback).fit(*data)
    seen = logged(callback)
    for row, run in enumerate(seen.candidates):
        scores = [search.cv_results_[f"split{fold}_test_score"][row] for fold in range(3)]
        assert run.data.metrics["cv_score_min"] == min(scores)
        assert run.data.metrics["cv_score_max"] == max(scores)
    run = seen.candidates[1]
    assert seen.curve("curve/train_loss", run) == pytest.approx({1: 0.2, 2: 0.1, 3: 0.2 / 3})
    assert seen.curve("curve/train_loss_std", run) == pytest.approx({1: 0, 2: 0, 3: 0})
    assert run.data.metrics["best_epoch"] == 1  # of the least valid_loss
    assert seen.run.data.metrics["refit/best_epoch"] == 1


def test_curves_of_folds_that_stop_at_other_epochs(stub_net, callback, logged, data):
    class Stops(stub_net):
        def fit(self, X, y):
            self.max_epochs = 2 + int(X[0, 0] > 0)  # another one for each fold
            return super().fit(X, y)

    X, y = data
    X[:, 0] = np.where(np.arange(24) < 12, -1, 1)
    search = GridSearchCV(Stops(), {"lr": [0.6]}, cv=KFold(2), refit=False)
    search.set_callbacks(callback).fit(X, y)
    seen = logged(callback)
    (run,) = seen.candidates
    assert sorted(seen.curve("fold_0/train_loss", run)) == [1, 2, 3]
    assert sorted(seen.curve("fold_1/train_loss", run)) == [1, 2]
    assert seen.curve("curve/train_loss", run) == pytest.approx({1: 0.6, 2: 0.3, 3: 0.2})


def test_every_run_has_its_configuration(pipe, callback, logged, data):
    grid = [{"net__lr": [0.1]}, {"scale": ["passthrough", StandardScaler(with_mean=False)]}]
    GridSearchCV(pipe, grid, cv=2).set_callbacks(callback).fit(*data)
    seen = logged(callback)
    configs = [seen.config(run)["params"]["steps"] for run in seen.candidates]
    assert configs[0][2][1]["params"] == {"accident": None, "lr": 0.1, "max_epochs": 3}
    assert configs[1][0] == ["scale", "passthrough"]
    assert configs[2][0][1]["params"]["with_mean"] is False
    assert seen.config(seen.run)["class"] == "sklearn.model_selection._search.GridSearchCV"


def test_runs_of_the_folds(pipe, uri, logged, data):
    callback = MLflowCallback("demo", tracking_uri=uri, fold_runs=True)
    search = GridSearchCV(pipe, {"net__lr": [0.1, 0.2]}, cv=3).set_callbacks(callback).fit(*data)
    seen = logged(callback)
    for row, candidate in enumerate(seen.candidates):
        folds = sorted(seen.children(candidate), key=lambda run: run.data.tags["fold"])
        assert [run.info.run_name for run in folds] == ["fold 0", "fold 1", "fold 2"]
        for index, run in enumerate(folds):
            assert (run.data.tags["kind"], run.data.tags["candidate"]) == ("fold", str(row))
            assert run.data.params == candidate.data.params
            assert run.info.status == "FINISHED"
            score = search.cv_results_[f"split{index}_test_score"][row]
            assert run.data.metrics["fold_score"] == score
            lr = search.cv_results_["params"][row]["net__lr"]
            assert seen.curve("train_loss", run) == {1: lr, 2: lr / 2, 3: lr / 3}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_the_run_of_a_failed_fold_is_failed(stub_net, uri, logged, data):
    callback = MLflowCallback("demo", tracking_uri=uri, fold_runs=True)
    search = GridSearchCV(stub_net(), {"accident": [None, "error"]}, cv=2, error_score=0.0)
    search.set_callbacks(callback).fit(*data)
    seen = logged(callback)
    good, bad = ([r.info.status for r in seen.children(run)] for run in seen.candidates)
    assert good == ["FINISHED", "FINISHED"]
    assert bad == ["FAILED", "FAILED"]


def test_there_are_no_runs_of_folds_by_default(pipe, callback, logged, data):
    GridSearchCV(pipe, {"net__lr": [0.1]}, cv=3).set_callbacks(callback).fit(*data)
    assert logged(callback).children(logged(callback).candidates[0]) == []
