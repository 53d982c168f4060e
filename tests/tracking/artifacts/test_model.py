import json
import logging
import subprocess
import threading
import warnings
from pathlib import Path

import mlflow
import mlflow.sklearn
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.callback import CallbackSupportMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknn_tricks
from sknn_tricks import OnDisk
from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.artifacts._model import log_model


class _Locked(ClassifierMixin, BaseEstimator):
    """Holds what cannot be pickled."""

    def fit(self, X, y):
        self.lock_ = threading.Lock()
        return self


class _Own(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Pickles as the call of a function."""

    def fit(self, X, y):
        self.n_ = len(X)
        return self

    def __reduce__(self):
        return _remake, (self.n_,)


def _remake(n):
    return _Own().fit(range(n), None)


def _model_of(client, uri):
    return client.get_logged_model(uri.removeprefix("models:/"))


def test_the_estimator_comes_back_and_predicts_the_same_bits(store, place, pipe, iris):
    X, _ = iris
    uri = log_model(*store, pipe, X)
    loaded = mlflow.sklearn.load_model(place(uri))
    assert repr(loaded) == repr(pipe)
    np.testing.assert_array_equal(loaded.predict_proba(X), pipe.predict_proba(X))
    assert loaded[-1].history_ == pipe[-1].history_


def test_a_store_may_be_given_by_its_uri(store, place, uri, pipe, iris):
    logged = log_model(uri, store[1], pipe, iris[0])
    assert Path(place(logged), "model.pkl").exists()


def test_the_run_has_the_model_and_the_model_its_scores(store, pipe, iris):
    client, run_id = store
    client.log_metric(run_id, "best_cv_score", 0.75)
    client.log_metric(run_id, "refit/train_loss", 0.5)
    client.log_param(run_id, "cv", "5")
    uri = log_model(client, run_id, pipe, iris[0])
    (output,) = client.get_run(run_id).outputs.model_outputs
    model = _model_of(client, uri)
    assert output.model_id == model.model_id
    assert (model.name, str(model.status), model.source_run_id) == ("model", "READY", run_id)
    assert model.model_type == "StandardScaler > NetClassifier"
    assert {metric.key: metric.value for metric in model.metrics} == {"best_cv_score": 0.75}
    assert model.params == {"cv": "5"}
    assert client.get_run(run_id).data.metrics == {"best_cv_score": 0.75, "refit/train_loss": 0.5}


def test_the_note_says_what_it_is(store, pipe, iris):
    uri = log_model(*store, pipe, iris[0])
    note = _model_of(store[0], uri).tags["mlflow.note.content"]
    assert f'mlflow.pyfunc.load_model("{uri}")' in note
    assert "A pickle, as MLflow keeps models: who loads it runs what is in it." in note
    assert "It was trained on arrays of shape (N, 4), float64." in note


def test_the_note_offers_only_what_there_is(store, iris):
    uri = log_model(*store, LinearRegression().fit(*iris), iris[0])
    note = _model_of(store[0], uri).tags["mlflow.note.content"]
    assert "model.predict(X)" in note
    assert "predict_proba" not in note


def test_the_model_tells_whose_it_is(store, pipe, iris):
    client, run_id = store
    client.set_tag(run_id, "mlflow.user", "ada")
    client.set_tag(run_id, "note", "not of the model")
    tags = _model_of(client, log_model(client, run_id, pipe, iris[0])).tags
    assert tags["mlflow.user"] == "ada"
    assert "note" not in tags


def test_no_other_program_is_asked(store, pipe, iris, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert log_model(*store, pipe, iris[0])


def test_the_packages_are_pinned(store, place, pipe, iris, pyfunc):
    folder = Path(place(log_model(*store, pipe, iris[0])))
    lines = (folder / "requirements.txt").read_text().split()
    names = [line.partition("==")[0] for line in lines]
    assert {"scikit-learn", "skorch", "torch", "mlflow", "cloudpickle"} <= set(names)
    assert not any("+" in line for line in lines)  # builds that no index has
    assert pyfunc.get_model_dependencies(str(folder)) == str(folder / "requirements.txt")
    assert all(line in (folder / "conda.yaml").read_text() for line in lines)
    assert "-r requirements.txt" in (folder / "python_env.yaml").read_text()


def test_a_registered_model_gets_version_after_version(store, place, pipe, iris):
    client, run_id = store
    for number in (1, 2):
        uri = log_model(client, run_id, pipe, iris[0], registered_model_name="irises")
        version = client.get_model_version("irises", str(number))
        assert (version.run_id, version.status) == (run_id, "READY")
        assert version.source == place(uri)
        assert uri in version.description
        tag = json.loads(_model_of(client, uri).tags["mlflow.modelVersions"])
        assert [(each["name"], int(each["version"])) for each in tag] == [("irises", number)]


def test_a_name_that_cannot_be_registered_leaves_the_model(store, pipe, iris):
    client, run_id = store
    with pytest.raises(mlflow.MlflowException, match="name"):
        log_model(client, run_id, pipe, iris[0], registered_model_name="a/b:c")
    (output,) = client.get_run(run_id).outputs.model_outputs
    assert str(client.get_logged_model(output.model_id).status) == "READY"


def test_what_cannot_be_pickled_is_told_by_a_tag(store, iris):
    client, run_id = store
    assert log_model(client, run_id, _Locked().fit(*iris), iris[0]) is None
    run = client.get_run(run_id)
    reason = run.data.tags["model_not_logged"]
    assert reason.startswith("TypeError: cannot pickle")
    assert not run.outputs.model_outputs
    assert not client.search_logged_models([run.info.experiment_id])


def test_a_model_that_the_store_loses_is_no_ready_one(store, pipe, iris, monkeypatch):
    client, run_id = store

    def fail(*args):
        raise OSError("no space left")

    monkeypatch.setattr(client, "log_model_artifacts", fail)
    with pytest.raises(OSError, match="no space left"):
        log_model(client, run_id, pipe, iris[0])
    (model,) = client.search_logged_models([client.get_run(run_id).info.experiment_id])
    assert str(model.status) == "FAILED"
    assert not client.get_run(run_id).outputs.model_outputs


def test_callbacks_and_their_passwords_stay_out(store, place, iris):
    callback = MLflowCallback("demo", tracking_uri="postgresql://me:secret@nowhere/runs")
    steps = make_pipeline(StandardScaler(), LogisticRegression()).fit(*iris)
    steps.set_callbacks(callback)
    log_model(*store, steps, iris[0])
    folder = Path(place(log_model(*store, steps, iris[0])))
    assert not any(b"secret" in file.read_bytes() for file in folder.iterdir())
    assert steps._skl_callbacks == [callback]
    loaded = mlflow.sklearn.load_model(str(folder))
    np.testing.assert_array_equal(loaded.predict(iris[0]), steps.predict(iris[0]))
    assert not hasattr(loaded, "_skl_callbacks")


def test_what_pickles_in_a_way_of_its_own_is_left_to_it(store, place, iris):
    model = _Own().fit(*iris).set_callbacks(MLflowCallback("demo"))
    loaded = mlflow.sklearn.load_model(place(log_model(*store, model, iris[0])))
    assert loaded.n_ == 150


def test_the_users_own_mlflow_is_left_alone(store, pipe, iris, capfd, caplog):
    before = mlflow.get_tracking_uri(), list(warnings.filters)
    found = []
    with caplog.at_level(logging.DEBUG, logger="mlflow"):
        thread = threading.Thread(target=lambda: found.append(log_model(*store, pipe, iris[0])))
        thread.start()
        thread.join()
    assert found[0].startswith("models:/")
    assert (mlflow.get_tracking_uri(), list(warnings.filters)) == before
    assert mlflow.active_run() is None
    assert mlflow.get_active_model_id() is None
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_the_safe_file_lies_beside_it(store, pipe, iris):
    client, run_id = store
    uri = log_model(client, run_id, pipe, iris[0])
    loaded = sknn_tricks.load(client.download_artifacts(run_id, "model.sknn"))
    np.testing.assert_array_equal(loaded.predict_proba(iris[0]), pipe.predict_proba(iris[0]))
    assert "`sknn_tricks.load`" in _model_of(client, uri).tags["mlflow.note.content"]


def test_what_has_no_safe_form_is_still_a_model(store, pipe, iris, monkeypatch):
    client, run_id = store

    def refuse(estimator, path):
        raise ValueError("no way to write it")

    monkeypatch.setattr("sknn_tricks.saving.save", refuse)
    uri = log_model(client, run_id, pipe, iris[0])
    assert client.list_artifacts(run_id) == []
    assert "sknn_tricks.load" not in _model_of(client, uri).tags["mlflow.note.content"]


def test_the_example_is_three_rows(store, place, pipe, iris, pyfunc):
    folder = place(log_model(*store, pipe, iris[0]))
    np.testing.assert_array_equal(
        json.loads(Path(folder, "input_example.json").read_text()), iris[0][:3]
    )
    model = pyfunc.load_model(folder)
    np.testing.assert_array_equal(model.input_example, iris[0][:3])
    serving = json.loads(Path(folder, "serving_input_example.json").read_text())
    np.testing.assert_array_equal(model.predict(serving["inputs"]), pipe.predict(iris[0][:3]))


def test_of_rows_on_the_disk_no_more_is_read(store, place, pipe, iris, sliceable):
    rows = sliceable(iris[0])
    folder = place(log_model(*store, pipe, OnDisk(rows)))
    assert sum(stop - start for start, stop in rows.reads) <= 3
    assert len(json.loads(Path(folder, "input_example.json").read_text())) == 3


@pytest.mark.parametrize("X", [None, np.ones((2, 40_000)), [["a"], ["b", "c"]], 5])
def test_without_an_example_the_model_is_the_same(store, place, pipe, iris, X):
    folder = place(log_model(*store, pipe, X))
    assert not Path(folder, "input_example.json").exists()
    loaded = mlflow.sklearn.load_model(folder)
    np.testing.assert_array_equal(loaded.predict(iris[0]), pipe.predict(iris[0]))


def test_what_does_not_predict_is_no_pyfunc(store, place, iris):
    folder = place(log_model(*store, StandardScaler().fit(iris[0]), iris[0]))
    flavors = mlflow.models.Model.load(folder).flavors
    assert list(flavors) == ["sklearn"]
    np.testing.assert_array_equal(mlflow.sklearn.load_model(folder).mean_, iris[0].mean(axis=0))
