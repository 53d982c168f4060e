"""``mlflow.autolog()`` and the callback in one process: each fit is logged once."""

import joblib
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.stores import _autolog
from sknn_tricks.tracking.stores._quiet import quiet_mlflow
from sknn_tricks.tracking.stores._store import Store

with quiet_mlflow():
    import mlflow
    import mlflow.sklearn
    from mlflow.utils import autologging_utils


@pytest.fixture(autouse=True)
def _autolog_on(uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    quickly = {"log_models": False, "log_datasets": False, "log_post_training_metrics": False}
    with quiet_mlflow():
        mlflow.sklearn.autolog(silent=True, **quickly)
        yield
        mlflow.sklearn.autolog(disable=True)
    assert mlflow.active_run() is None
    assert not autologging_utils._AUTOLOGGING_GLOBALLY_DISABLED
    assert not any(each._session_stack for each in autologging_utils._training_sessions)
    assert not _autolog._hidden


@pytest.fixture
def n_runs(uri):
    """Count the runs of our experiment, and those that autologging made."""
    client, experiment_id = Store(uri).open("demo")

    def count():
        return len(client.search_runs([experiment_id])), len(client.search_runs(["0"]))

    return count


@pytest.fixture
def search():
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    return GridSearchCV(pipe, {"logisticregression__C": [0.1, 1.0]}, cv=2)


def test_autologging_is_on(n_runs, data):
    LogisticRegression().fit(*data)
    assert n_runs() == (0, 1)


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky", "multiprocessing"])
def test_a_search_is_logged_once(backend, search, uri, n_runs, data, logged):
    callback = MLflowCallback("demo", tracking_uri=uri, print_link=False)
    search.set_params(n_jobs=None if backend == "sequential" else 2).set_callbacks(callback)
    with joblib.parallel_config(backend):
        search.fit(*data)
    assert n_runs() == (3, 0)
    assert logged(callback).run.info.status == "FINISHED"
    assert [run.data.params["C"] for run in logged(callback).candidates] == ["0.1", "1.0"]

    LogisticRegression().fit(*data)  # autologging works again
    assert n_runs() == (3, 1)


def test_a_fit_of_a_pipeline_is_logged_once(uri, n_runs, data):
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    pipe.set_callbacks(MLflowCallback("demo", tracking_uri=uri)).fit(*data)
    assert n_runs() == (1, 0)
    pipe.set_callbacks().fit(*data)
    assert n_runs() == (1, 1)


def test_a_net_that_fits_other_estimators_inside(uri, n_runs, data):
    class Net(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
        @with_callbacks
        def fit(self, X, y):
            context = self._init_callback_context()
            context.call_on_fit_task_begin(estimator=self, X=X, y=y)
            self.inner_ = LogisticRegression().fit(X, y)
            context.call_on_fit_task_end(estimator=self, X=X, y=y)
            return self

    Net().set_callbacks(MLflowCallback("demo", tracking_uri=uri)).fit(*data)
    assert n_runs() == (1, 0)
    Net().fit(*data)
    assert n_runs() == (1, 1)


def test_a_run_of_the_user_is_left_alone(search, uri, n_runs, data):
    search.set_callbacks(MLflowCallback("demo", tracking_uri=uri, print_link=False))
    with mlflow.start_run(experiment_id="0") as run:
        search.fit(*data)
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert n_runs() == (3, 1)
    assert mlflow.get_run(run.info.run_id).data.params == {}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_a_fit_that_fails_autologging_works_again(error, stub_net, uri, n_runs, data):
    kind = "error" if error is ValueError else "interrupt"
    pipe = make_pipeline(StandardScaler(), stub_net(accident=kind))
    with pytest.raises(error):
        pipe.set_callbacks(MLflowCallback("demo", tracking_uri=uri)).fit(*data)
    assert n_runs() == (1, 0)
    LogisticRegression().fit(*data)
    assert n_runs() == (1, 1)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_one_that_fails_before_it_begins(error, search, uri, n_runs, data):
    class Rows:
        def __len__(self):
            raise error("no rows")

        __getitem__ = __len__

    search.set_callbacks(MLflowCallback("demo", tracking_uri=uri))
    with pytest.raises(error, match="no rows"):
        search.fit(Rows(), data[1])
    LogisticRegression().fit(*data)
    assert n_runs() == (0, 1)


def test_a_store_that_cannot_be_opened(search, n_runs, data):
    search.set_callbacks(MLflowCallback("demo", tracking_uri="sqlite:////dev/null/x.db"))
    with pytest.raises(RuntimeError, match="cannot be opened"):
        search.fit(*data)
    LogisticRegression().fit(*data)
    assert n_runs() == (0, 1)


def test_autologging_that_was_disabled_stays_disabled(search, uri, n_runs, data):
    search.set_callbacks(MLflowCallback("demo", tracking_uri=uri, print_link=False))
    with autologging_utils.disable_autologging():
        search.fit(*data)
        LogisticRegression().fit(*data)
    assert n_runs() == (3, 0)


def test_other_loggers_of_events_hear_all(search, uri, data, monkeypatch):
    heard = []

    class Logger(autologging_utils.AutologgingEventLogger):
        def log_patch_function_start(self, session, patched, function_name, *_call):
            heard.append((patched.__name__, function_name))

    monkeypatch.setattr(autologging_utils.AutologgingEventLogger, "_event_logger", Logger())
    search.set_callbacks(MLflowCallback("demo", tracking_uri=uri, print_link=False)).fit(*data)
    assert [each for each in heard if each[1] == "fit"] == [("GridSearchCV", "fit")]
