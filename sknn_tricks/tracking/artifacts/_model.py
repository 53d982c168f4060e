"""The trained estimator as a model of a run."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sknn_tricks._param_names import class_names
from sknn_tricks.tracking.artifacts._folder import PICKLE, describe_folder
from sknn_tricks.tracking.artifacts._inputs import Inputs, first_rows
from sknn_tricks.tracking.artifacts._pickle import NotPickled, dump

SAFE_FILE = "model.sknn"
_LONGEST_TAG = 500
_BEST = "best_cv_"
# What MLflow's page of a model shows of where it came from.
_SHOWN = ("mlflow.user", "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit")


def log_model(
    client: Any,
    run_id: str,
    estimator: Any,
    X_example: Any = None,
    *,
    registered_model_name: str | None = None,
) -> str | None:
    """Log a fitted estimator as the model of a run.

    It is written in MLflow's format, which is a pickle: ``mlflow.sklearn.load_model`` returns the
    estimator itself, ``mlflow.pyfunc.load_model`` a `Predictor`, and the UI lists it under the
    run's models, with the run's ``best_cv_<scorer>``. Who loads it runs what is in it. Beside
    it, the run gets the file ``model.sknn`` of `sknn_tricks.save`, which is safe to load, if
    that has a way to write the estimator. What MLflow keeps for a process, such as its active run
    or its tracking URI, is neither read nor changed.

    Parameters
    ----------
    client : mlflow.MlflowClient or str
        The store, or its URI.
    run_id : str
        A run whose scores are logged already.
    estimator : fitted estimator
        Goes without its callbacks.
    X_example : array-like, DataFrame, tensor, sparse array, memmap or OnDisk, default=None
        The training data, of shape (N, ...). Its first three rows become the example that the
        model is shown with, unless they are larger than 100 kB; no more of it is read.
    registered_model_name : str, default=None
        Also make it a new version of this registered model.

    Returns
    -------
    str or None
        ``"models:/<model_id>"``. None if the estimator cannot be pickled; the run's tag
        ``model_not_logged`` says why.

    Raises
    ------
    mlflow.MlflowException
        If the store does not take it, or the name to register is not allowed.
    """
    client = _as_client(client)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        is_safe = _log_safe_file(client, run_id, estimator, Path(temporary, SAFE_FILE))
        folder = Path(temporary, "model")
        folder.mkdir()
        try:
            dump(estimator, folder / PICKLE)
        except NotPickled as error:
            client.set_tag(run_id, "model_not_logged", str(error)[:_LONGEST_TAG])
            return None
        run, (example, inputs) = client.get_run(run_id), _example_of(X_example)
        model = _create(client, run, estimator)
        note = _note(model.model_id, estimator, inputs, is_safe)
        with _finalized(client, model.model_id):
            describe_folder(folder, estimator, example, _ids(model, run_id), inputs)
            client.log_model_artifacts(model.model_id, str(folder))
            _link(client, run, model.model_id, note)
    if registered_model_name is not None:
        _register(client, run_id, model, registered_model_name, note)
    return f"models:/{model.model_id}"


def _as_client(client: Any) -> Any:
    if not isinstance(client, str):
        return client
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=client)


def _log_safe_file(client: Any, run_id: str, estimator: Any, path: Path) -> bool:
    from sknn_tricks.saving import save

    try:
        save(estimator, path)
    except OSError:
        raise
    except Exception:  # it has no way to write this estimator, and says so to who calls it
        return False
    client.log_artifact(run_id, str(path))
    return True


def _example_of(X: Any) -> tuple[Any, Inputs | None]:
    if X is None:
        return None, None
    try:
        rows = first_rows(X)
        return rows, Inputs.of(rows)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None, None  # no kind of data that is known here: the model is worth more


def _create(client: Any, run: Any, estimator: Any) -> Any:
    return client.create_logged_model(
        run.info.experiment_id,
        name="model",  # as in runs:/<run_id>/model
        source_run_id=run.info.run_id,
        tags={name: run.data.tags[name] for name in _SHOWN if name in run.data.tags},
        params=run.data.params,
        model_type=class_names(estimator)[:_LONGEST_TAG],
    )


def _ids(model: Any, run_id: str) -> dict[str, str]:
    location = model.artifact_location
    return {"model_id": model.model_id, "run_id": run_id, "artifact_path": location}


@contextmanager
def _finalized(client: Any, model_id: str) -> Iterator[None]:
    """End a model as READY, or as FAILED if something is raised."""
    status = "FAILED"
    try:
        yield
        status = "READY"
    finally:
        client.finalize_logged_model(model_id, status)


def _link(client: Any, run: Any, model_id: str, note: str) -> None:
    """Have a model listed by its run, with its note and the scores of the run."""
    from mlflow.entities import LoggedModelOutput

    client.set_logged_model_tags(model_id, {"mlflow.note.content": note})
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model_id, step=0)])
    if scores := _scores(run, model_id):
        client.log_batch(run.info.run_id, metrics=scores)


def _scores(run: Any, model_id: str) -> list[Any]:
    from mlflow.entities import Metric

    given = run.inputs.dataset_inputs if run.inputs else []
    data = {}
    if given:
        data = {"dataset_name": given[0].dataset.name, "dataset_digest": given[0].dataset.digest}
    now = round(time.time() * 1000)
    best = {name: value for name, value in run.data.metrics.items() if name.startswith(_BEST)}
    return [
        Metric(name, value, now, 0, model_id=model_id, run_id=run.info.run_id, **data)
        for name, value in best.items()
    ]


def _register(client: Any, run_id: str, model: Any, name: str, note: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.create_model_version(
        name,
        model.artifact_location,  # MLflow would look up a "models:/" in the process's own store
        run_id,
        description=note,
        await_creation_for=0,
        model_id=model.model_id,
    )
    versions = json.dumps([{"name": name, "version": version.version}])
    client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": versions})


def _note(model_id: str, estimator: Any, inputs: Inputs | None, is_safe: bool) -> str:
    """Say, in Markdown, how to load a model and what it takes."""
    uri = f"models:/{model_id}"
    code = [f'estimator = mlflow.sklearn.load_model("{uri}")']
    if hasattr(estimator, "predict"):
        code += [f'model = mlflow.pyfunc.load_model("{uri}")', "model.predict(X)"]
    if hasattr(estimator, "predict_proba"):
        code.append('model.predict(X, params={"predict_method": "predict_proba"})')
    words = ["A pickle, as MLflow keeps models: who loads it runs what is in it."]
    if is_safe:
        words.append(f"The run's file `{SAFE_FILE}` is safe to load, with `sknn_tricks.load`.")
    if inputs is not None:
        words.append(f"It was trained on {inputs}.")
    return "\n".join(["```python", *code, "```", "", *words])
