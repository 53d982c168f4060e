"""Candidates that Optuna's pruners stop early."""

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from scipy.stats import rankdata
from sklearn.callback import ProgressBar
from sklearn.model_selection import cross_val_score, cross_validate

from sknn_tricks.model_selection import FusedOptunaSearchCV
from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.stores._quiet import quiet_mlflow

# One rate learns, the others are far too small.
RATES = {"net__lr": [1e-6, 2e-6, 3e-6, 0.05]}
MEDIAN = optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1)


class Epochs:
    """Counts the epochs of all nets."""

    max_propagation_depth = None

    def __init__(self):
        self.n = 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.n += context.task_name == "epoch"


@pytest.fixture
def search(pipe):
    """A search that evaluates each rate twice, in batches of four."""
    pipe.set_params(net__max_epochs=8, net__early_stopping=True, net__patience=8)

    def make(**settings):
        usual = {"n_trials": 12, "batch_size": 4, "cv": 3, "random_state": 0, "pruner": MEDIAN}
        return FusedOptunaSearchCV(pipe, RATES, **{**usual, **settings})

    return make


def of_state(search, state):
    return [trial for trial in search.study_.trials if trial.state == state]


def test_bad_candidates_end_early_and_the_best_does_not(search, data):
    epochs, all_epochs = Epochs(), Epochs()
    full = search(pruner=None).set_callbacks(all_epochs).fit(*data)
    pruned = search(n_jobs=1).set_callbacks(epochs, ProgressBar()).fit(*data)
    assert pruned._skl_callbacks[0] is epochs
    assert len(pruned._skl_callbacks) == 2
    assert all_epochs.n == 8 * (3 * 12 + 1)
    stopped = of_state(pruned, TrialState.PRUNED)
    assert len(stopped) >= 3
    # In a stack, the last fold's epoch decides; the others hear of it after one more.
    saved = [3 * (7 - trial.last_step) - 2 for trial in stopped]
    assert epochs.n == all_epochs.n - sum(saved)
    assert pruned.best_params_ == full.best_params_ == {"net__lr": 0.05}
    assert not pruned.cv_results_["pruned"][pruned.best_index_]
    assert not full.cv_results_["pruned"].any()


def test_what_a_pruner_is_told(search, data, pipe):
    found = search().fit(*data)
    table = found.cv_results_
    for trial, params, pruned, score in zip(
        found.study_.trials,
        table["params"],
        table["pruned"],
        table["mean_test_score"],
        strict=True,
    ):
        fits = cross_validate(pipe.set_params(**params), *data, cv=3, return_estimator=True)
        curves = [each["net"].validation_scores_ for each in fits["estimator"]]
        means = np.mean(curves, axis=0)[: trial.last_step + 1]
        np.testing.assert_allclose(list(trial.intermediate_values.values()), means, rtol=1e-12)
        assert pruned == (trial.state == TrialState.PRUNED)
        assert trial.value == (means[-1] if pruned else score)
        assert trial.value == pytest.approx(means[-1] if pruned else fits["test_score"].mean())
        assert np.isfinite(score)


def test_without_validation_rows_it_is_the_loss_in_training(search, data, pipe):
    found = search(n_trials=2).set_params(estimator__net__early_stopping=False).fit(*data)
    trial = found.study_.trials[0]
    fits = cross_validate(
        pipe.set_params(**found.cv_results_["params"][0]), *data, cv=3, return_estimator=True
    )
    losses = np.mean([each["net"].loss_curve_ for each in fits["estimator"]], axis=0)
    np.testing.assert_allclose(list(trial.intermediate_values.values()), -losses, rtol=1e-12)


def test_the_same_seed_prunes_the_same(search, data):
    first, again = (search(n_jobs=n_jobs).fit(*data).study_.trials for n_jobs in (1, 2))
    for one, other in zip(first, again, strict=True):
        assert (one.params, one.state, one.value) == (other.params, other.state, other.value)
        assert one.intermediate_values == other.intermediate_values


class Always(optuna.pruners.BasePruner):
    """Prunes at once."""

    def prune(self, study, trial):
        return True


def test_where_all_are_pruned_one_of_them_is_best(search, data):
    found = search(pruner=Always()).fit(*data)
    assert found.cv_results_["pruned"].all()
    assert found.cv_results_["rank_test_score"][found.best_index_] == 1


@pytest.mark.parametrize(
    ("scores", "pruned", "best"),
    [
        ([0.9, 0.5, 0.6], [True, False, False], 2),
        ([0.9, 0.5, 0.6], [True, True, True], 0),
        ([0.4, 0.5, np.nan], [True, True, False], 1),
        ([0.5, 0.5, 0.5], [True, False, False], 1),
    ],
)
def test_a_pruned_candidate_is_best_only_for_want_of_others(scores, pruned, best):
    ranks = rankdata([-np.nan_to_num(score, nan=-1) for score in scores], method="min")
    table = {
        "mean_test_score": np.array(scores),
        "rank_test_score": ranks.astype(int),
        "pruned": np.array(pruned),
    }
    assert FusedOptunaSearchCV._select_best_index(True, "score", table) == best


def test_who_has_come_to_the_end_is_not_pruned(search, data):
    found = search(pruner=Always(), n_trials=4).set_params(estimator__net__max_epochs=1).fit(*data)
    assert not found.cv_results_["pruned"].any()


def test_other_searches_within_are_left_alone(search, data):
    inner = search(n_trials=4, cv=2)
    scores = cross_val_score(inner, *data, cv=2)
    outer = FusedOptunaSearchCV(
        inner, {"random_state": [0, 1]}, n_trials=3, batch_size=3, cv=2, pruner=MEDIAN
    ).fit(*data)
    # It hears of the inner searches' refits only.
    assert all(len(trial.intermediate_values) == 8 for trial in outer.study_.trials)
    assert len(scores) == 2


@pytest.mark.parametrize(
    "pruner",
    [
        optuna.pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=2),
        optuna.pruners.HyperbandPruner(min_resource=2, max_resource=8),
    ],
)
def test_other_pruners_and_a_study_that_goes_on(pruner, search, data, tmp_path):
    kept = {"storage": f"sqlite:///{tmp_path}/study.db", "study_name": "demo"}
    search(pruner=pruner, n_trials=4, n_jobs=2, **kept).fit(*data)
    found = search(pruner=pruner, n_jobs=2, **kept).fit(*data)
    states = [trial.state == TrialState.PRUNED for trial in found.study_.trials]
    assert any(states)
    assert found.cv_results_["pruned"].tolist() == states
    assert found.best_params_ == {"net__lr": 0.05}


@pytest.mark.slow
def test_mlflow_has_each_candidate(search, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    kept = {"storage": f"sqlite:///{tmp_path}/study.db", "study_name": "demo"}
    search(n_trials=4, **kept).fit(*data)
    callback = MLflowCallback("demo", tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    found = search(n_trials=10, **kept).set_callbacks(callback).fit(*data)
    with quiet_mlflow():
        from mlflow import MlflowClient

        runs = MlflowClient(callback.tracking_uri_).search_runs(
            [callback.experiment_id_], "tags.kind = 'candidate'"
        )
    rows = {int(run.data.tags["candidate"]): run.data for run in runs}
    assert sorted(rows) == list(range(10))
    for row, score in enumerate(found.cv_results_["mean_test_score"]):
        assert rows[row].metrics["cv_score"] == pytest.approx(score)
        assert rows[row].params["lr"] == str(found.cv_results_["params"][row]["net__lr"])
        assert ("fold_0/train_loss" in rows[row].metrics) == (row >= 4)
