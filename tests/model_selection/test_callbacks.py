"""scikit-learn's callbacks and MLflow's see each candidate's epochs."""

import threading

import numpy as np
import pytest
import sklearn
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV

from sknn_tricks.fused import fused_training
from sknn_tricks.model_selection import FusedGridSearchCV, FusedHalvingGridSearchCV
from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.stores._quiet import quiet_mlflow

RATES = {"net__lr": [0.001, 0.1]}


class Record:
    """Notes what ends, and the fold's last loss."""

    def __init__(self):
        self.ended = []

    def setup(self, estimator, context):
        self.threads = threading.active_count()

    def teardown(self, estimator, context):
        self.ended.append("teardown")

    def on_fit_task_begin(self, estimator, context, **kwargs):
        pass

    def on_fit_task_end(self, estimator, context, **kwargs):
        path = []
        while context is not None:
            path.append((context.task_name, context.task_id))
            context = context.parent
        self.ended.append(tuple(reversed(path)))


def both_ways(fit, search_class=GridSearchCV, fused_class=FusedGridSearchCV):
    """Return what a function of a search class finds: stock, stock in a block, ours."""
    stock = fit(search_class)
    with fused_training():
        in_block = fit(search_class)
    return stock, in_block, fit(fused_class)


def test_every_task_is_told(pipe, data):
    def fit(search_class):
        record = Record()
        search_class(pipe, RATES, cv=2).set_callbacks(record).fit(*data)
        return record.ended

    stock, in_block, ours = both_ways(fit)
    assert len(stock) == len(set(stock))
    assert sorted(map(str, stock)) == sorted(map(str, in_block)) == sorted(map(str, ours))
    assert stock[-1] == in_block[-1] == ours[-1] == "teardown"


def test_progress_bar(pipe, data, capsys):
    def fit(search_class):
        search_class(pipe, RATES, cv=2).set_callbacks(ProgressBar()).fit(*data)
        return capsys.readouterr().out.count("100%")

    stock, in_block, ours = both_ways(fit)
    assert stock == in_block == ours > 0


@pytest.mark.parametrize("routing", [False, True])
def test_scores_of_each_epoch(pipe, data, routing):
    def fit(search_class):
        monitor = ScoringMonitor(scoring="neg_log_loss")
        pipe["net"].set_callbacks(monitor)
        with sklearn.config_context(enable_metadata_routing=routing):
            search_class(pipe, RATES, cv=2, refit=False).fit(*data)
        return sorted(monitor.get_logs().data, key=lambda row: row["task_id_path"])

    stock, in_block, ours = both_ways(fit)
    assert len(stock) == 4 * (1 + 2)  # each fit, and its two epochs
    assert stock == in_block == ours


@pytest.mark.slow
@pytest.mark.usefixtures("_in_a_folder")
def test_mlflow_curves(pipe, data, tmp_path):
    pipe.set_params(net__early_stopping=True, net__max_epochs=3)

    def fit(search_class):
        callback = MLflowCallback("demo", tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
        search = search_class(pipe, RATES, cv=2).set_callbacks(callback).fit(*data)
        return curves(callback), search.best_estimator_["net"].loss_curve_

    stock, in_block, ours = both_ways(fit)
    assert len(stock[0]) == 1 + 2
    assert stock[0][1]["fold_1/valid_loss"].keys() == {1, 2, 3}
    assert stock == in_block == ours


def curves(callback):
    """Return the curves of the search's run and of its candidates' runs."""
    with quiet_mlflow():
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=callback.tracking_uri_)
    root = client.get_run(callback.run_id_)
    mine = f"tags.`mlflow.parentRunId` = '{callback.run_id_}'"
    candidates = client.search_runs([root.info.experiment_id], mine)
    runs = [root, *sorted(candidates, key=lambda run: int(run.data.tags["candidate"]))]
    return [
        {
            name: {p.step: p.value for p in client.get_metric_history(run.info.run_id, name)}
            for name in run.data.metrics
            if "time" not in name
        }
        for run in runs
    ]


@pytest.fixture
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_halving_with_a_callback(pipe, data):
    record = Record()
    search = FusedHalvingGridSearchCV(pipe, RATES, cv=2, random_state=0, min_resources=20)
    search.set_callbacks(record).fit(*data)
    assert record.ended[-1] == "teardown"
    np.testing.assert_array_equal(search.n_candidates_, [2])
