"""The folder of a model in MLflow's format.

``mlflow.sklearn.save_model`` would write a similar one. But it warns of pickles on the user's
screen, imports code that warns too, and its models refuse data whose dtype differs.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sknn_tricks.tracking.artifacts import _pyfunc
from sknn_tricks.tracking.artifacts._inputs import Inputs
from sknn_tricks.tracking.artifacts._requirements import installed, requirements_of

PICKLE = "model.pkl"
# Rows of large images say little as text.
_LARGEST_EXAMPLE = 100_000  # bytes


def describe_folder(
    folder: Path, estimator: Any, example: Any, ids: dict[str, Any], inputs: Inputs | None
) -> None:
    """Write all but the pickle: what MLflow reads of a model, its environment, an example.

    Parameters
    ----------
    folder : Path
        Has the pickle.
    estimator : fitted estimator
    example : DataFrame, ndarray or None
        A few rows of the training data.
    ids : dict
        ``model_id``, ``run_id`` and ``artifact_path``, as `mlflow.models.Model` takes them.
    inputs : Inputs or None
        The form of the training data.
    """
    from mlflow.models import Model

    known = None if inputs is None else {"inputs": inputs.to_dict()}
    model = Model(
        model_uuid=ids["model_id"],
        metadata=known,
        signature=_signature(estimator, example),
        saved_input_example_info=_write_example(folder, example),
        **ids,
    )
    _write_environment(folder, requirements_of(estimator))
    _add_flavors(model, estimator)
    model.model_size_bytes = sum(file.stat().st_size for file in folder.iterdir())
    model.save(str(folder / "MLmodel"))


def _add_flavors(model: Any, estimator: Any) -> None:
    if hasattr(estimator, "predict"):
        model.add_flavor(
            "python_function",
            loader_module=_pyfunc.__name__,
            python_version=platform.python_version(),
            env={"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        )
    model.add_flavor(
        "sklearn",
        pickled_model=PICKLE,
        sklearn_version=installed("scikit-learn"),
        serialization_format="cloudpickle",
        code=None,
    )


def _signature(estimator: Any, example: Any) -> Any:
    """Return the form of the predictions, and the parameters; data are checked by the model."""
    from mlflow.models import infer_signature

    params = {"predict_method": "predict"}
    try:
        predicted = np.asarray(np.asarray(estimator.predict(example)).tolist())
        return infer_signature(None, predicted, params)
    except Exception:  # a table of labels, nothing to predict with, ...: it is only a description
        return infer_signature(None, None, params)


def _write_example(folder: Path, example: Any) -> dict[str, Any] | None:
    from mlflow.models import convert_input_example_to_serving_input

    if example is None:
        return None
    try:
        serving = convert_input_example_to_serving_input(example)
    except Exception:  # entries that JSON has no notion of
        return None
    if serving is None or len(serving) > _LARGEST_EXAMPLE:
        return None
    is_table = hasattr(example, "iloc")
    (body,) = json.loads(serving).values()
    (folder / "input_example.json").write_text(json.dumps(body), encoding="utf-8")
    (folder / "serving_input_example.json").write_text(serving, encoding="utf-8")
    return {
        "artifact_path": "input_example.json",
        "serving_input_path": "serving_input_example.json",
        "type": "dataframe" if is_table else "ndarray",
        **({"pandas_orient": "split"} if is_table else {}),
    }


def _write_environment(folder: Path, requirements: Sequence[str]) -> None:
    python = platform.python_version()
    tools = "".join(f"- {name}\n" for name in ("pip", "setuptools", "wheel"))
    packages = "".join(f"  - {line}\n" for line in requirements)
    files = {
        "requirements.txt": "".join(f"{line}\n" for line in requirements),
        "python_env.yaml": f"python: {python}\nbuild_dependencies:\n{tools}"
        "dependencies:\n- -r requirements.txt\n",
        "conda.yaml": "name: mlflow-env\nchannels:\n- conda-forge\n"
        f"dependencies:\n- python={python}\n- pip\n- pip:\n{packages}",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
