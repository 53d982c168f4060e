import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from cloudpickle import register_pickle_by_value
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.validation import check_is_fitted, validate_data

from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.stores._quiet import quiet_mlflow
from sknn_tricks.tracking.stores._store import Store

# worker processes cannot import test files
register_pickle_by_value(sys.modules[__name__])


class _StubNet(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Speaks sklearn's callback protocol as our nets do, and learns nothing."""

    def __init__(self, lr=0.1, max_epochs=3, accident=None):
        self.lr = lr
        self.max_epochs = max_epochs
        self.accident = accident

    @with_callbacks
    def fit(self, X, y):
        context = self._init_callback_context(max_subtasks=self.max_epochs)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        X, y = validate_data(self, X, y)
        self.classes_ = np.unique(y)
        history = [self._run_epoch(context, epoch) for epoch in range(1, self.max_epochs + 1)]
        self.history_ = history
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _run_epoch(self, context, epoch):
        task = context.subcontext(task_name="epoch")
        task.call_on_fit_task_begin(estimator=self)
        if self.accident == "error":
            raise ValueError("an accident\nof two lines")
        if self.accident == "interrupt":
            raise KeyboardInterrupt
        loss = np.nan if self.accident == "nan" and epoch == 2 else self.lr / epoch
        task.call_on_fit_task_end(estimator=self)
        valid = np.inf if self.accident == "nan" else 2.0 * epoch
        return {"epoch": epoch, "train_loss": loss, "valid_loss": valid, "dur": 0.5, "note": "x"}

    def predict(self, X):
        check_is_fitted(self)
        return np.full(len(X), self.classes_[0])


class _NoCallbacks(BaseEstimator):
    """A transformer without callbacks, as most of sklearn's are."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


@dataclass
class Logged:
    """What a store has of a callback's latest fit."""

    client: object
    run: object

    @property
    def candidates(self):
        return sorted(self.children(self.run), key=lambda run: int(run.data.tags["candidate"]))

    def children(self, run):
        mine = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
        return self.client.search_runs([run.info.experiment_id], mine)

    def config(self, run):
        return json.loads(Path(run.info.artifact_uri, "config.json").read_text(encoding="utf-8"))

    def curve(self, name, run=None):
        points = self.client.get_metric_history((run or self.run).info.run_id, name)
        return {point.step: point.value for point in points}


@pytest.fixture
def stub_net():
    return _StubNet


@pytest.fixture
def no_callbacks():
    return _NoCallbacks


@pytest.fixture(autouse=True)
def _alone_in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory):
    database = tmp_path_factory.mktemp("store") / "mlflow.db"
    Store(f"sqlite:///{database}").open("another")
    return database


@pytest.fixture
def uri(_empty_database, tmp_path):
    """A store that is ready: making one takes a second."""
    shutil.copy(_empty_database, tmp_path / "copy.db")
    return f"sqlite:///{tmp_path}/copy.db"


@pytest.fixture
def callback(uri):
    """Logs runs alone: what is made at the end takes most of the time, and has its own tests."""
    return MLflowCallback("demo", tracking_uri=uri, report=False, log_model=False, print_link=False)


@pytest.fixture
def logged():
    def read(callback):
        with quiet_mlflow():
            from mlflow import MlflowClient

            client = MlflowClient(tracking_uri=callback.tracking_uri_)
        return Logged(client, client.get_run(callback.run_id_))

    return read


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(24, 3)), np.arange(24) % 2
