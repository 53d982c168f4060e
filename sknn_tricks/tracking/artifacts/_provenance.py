"""What a result came from: data, folds, seeds, versions, code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from sknn_tricks._param_names import describe
from sknn_tricks.tracking.artifacts._digest import digest_of
from sknn_tricks.tracking.artifacts._facts import facts_of_data, facts_of_splits, facts_of_target
from sknn_tricks.tracking.artifacts._surroundings import code, machine, versions

# Of a digest, what a person compares; provenance.json has it whole.
_DIGITS = 16
_LONGEST_TAG = 500
_VERSIONS_SHOWN = ("sknn-tricks", "scikit-learn", "torch")
# As MLflow names them, so that its table of runs has who and what.
_MLFLOW_TAGS = {
    "user": "mlflow.user",
    "script": "mlflow.source.name",
    "commit": "mlflow.source.git.commit",
    "branch": "mlflow.source.git.branch",
}


def provenance(
    estimator: Any,
    X: Any,
    y: Any = None,
    splits: Iterable[tuple[Any, Any]] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what is needed to tell whether another fit was the same.

    Parameters
    ----------
    estimator : estimator
        A search or any other, fitted or not.
    X : array-like, DataFrame, tensor, sparse array, memmap or OnDisk, of shape (N, ...)
    y : array-like of shape (N,) or (N, O), default=None
    splits : iterable of (train, test), default=None
        Rows of the folds.
    metadata : dict of str to array-like, default=None
        What else the fit was given by row, such as ``sample_weight``.

    Returns
    -------
    dict
        What JSON can write: ``data`` and ``target`` (sizes, types, a digest, how many rows each
        class has), ``splits``, ``metadata``, ``seeds``, ``versions``, ``machine`` and ``code``.
        Digests are SHA-256; data of more than 256 MB are told by some of their rows.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> found = provenance(LogisticRegression(random_state=0), [[1.0], [2.0], [3.0]], list("aab"))
    >>> found["data"]["n_rows"], found["target"]["classes"], found["seeds"]
    (3, {'a': 2, 'b': 1}, {'random_state': '0'})
    """
    is_classes = is_classifier(estimator)
    found = {
        "data": None if X is None else facts_of_data(X),
        "target": None if y is None else facts_of_target(y, is_classes=is_classes),
        "splits": None if splits is None else facts_of_splits(splits),
        "metadata": _of_metadata(metadata or {}),
        "seeds": dict(_seeds(estimator)),
        "versions": versions(),
        "machine": machine(),
        "code": code(),
    }
    return {name: value for name, value in found.items() if value}


def log_provenance(client: Any, run_id: str, found: Mapping[str, Any]) -> None:
    """Write a provenance into a run: all as ``provenance.json``, the most telling as tags.

    Parameters
    ----------
    client : mlflow.MlflowClient
    run_id : str
    found : dict
        What `provenance` returned.
    """
    from mlflow.entities import RunTag

    client.log_batch(run_id, tags=[RunTag(*tag) for tag in tags_of(found).items()])
    client.log_dict(run_id, dict(found), "provenance.json")


def tags_of(found: Mapping[str, Any]) -> dict[str, str]:
    """Return a provenance as short tags.

    Parameters
    ----------
    found : dict
        What `provenance` returned.

    Returns
    -------
    dict of str to str
        ``data.digest``, ``splits.digest``, ``seed``, ``versions.<package>``, and MLflow's own for
        the user, the script and the commit.

    Examples
    --------
    >>> tags_of({"data": {"digest": "9f" * 32}, "seeds": {"net__random_state": "0", "cv": "0"}})
    {'data.digest': '9f9f9f9f9f9f9f9f', 'seed': '0'}
    >>> tags_of({"seeds": {"net__random_state": "0", "cv": "None"}})
    {'seed': 'cv=None, net__random_state=0'}
    """
    digests = {part: found.get(part, {}).get("digest") for part in ("data", "splits")}
    tags = {f"{part}.digest": digest[:_DIGITS] for part, digest in digests.items() if digest}
    if seeds := found.get("seeds"):
        tags["seed"] = _one_line(seeds)
    numbers = found.get("versions", {})
    tags |= {f"versions.{name}": numbers[name] for name in _VERSIONS_SHOWN if name in numbers}
    if known := found.get("code"):
        tags |= {name: known[fact] for fact, name in _MLFLOW_TAGS.items() if fact in known}
        tags["mlflow.source.type"] = "LOCAL"
    return {name: value[:_LONGEST_TAG] for name, value in tags.items()}


def log_dataset(client: Any, run_ids: Iterable[str], found: Mapping[str, Any]) -> None:
    """Link the data to runs, as a dataset that MLflow shows and filters by.

    Parameters
    ----------
    client : mlflow.MlflowClient
    run_ids : iterable of str
    found : dict
        What `provenance` returned. Data without a digest are no dataset.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    facts = found.get("data", {})
    if "digest" not in facts:
        return
    dataset = Dataset(
        facts["name"],
        facts["digest"][:_DIGITS],
        source_type="code",
        source=json.dumps({"tags": tags_of({"code": found.get("code")})}),
        schema=json.dumps(_schema(facts, found.get("target"))),
        profile=json.dumps(_profile(facts, found.get("target", {}))),
    )
    given = DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])
    for run_id in run_ids:
        client.log_inputs(run_id, [given])


def _of_metadata(metadata: Mapping[str, Any]) -> dict[str, str]:
    given = {name: value for name, value in metadata.items() if value is not None}
    return {name: digest_of(value).sha256 for name, value in given.items()}


def _seeds(estimator: Any) -> Iterator[tuple[str, str]]:
    for name, value in sorted(estimator.get_params(deep=True).items()):
        if name.rpartition("__")[2] == "random_state":
            yield name.removeprefix("estimator__"), describe(value)
    splitter: Any = getattr(estimator, "cv", None)
    if hasattr(splitter, "split") and hasattr(splitter, "random_state"):
        yield "cv", describe(splitter.random_state)


def _one_line(seeds: Mapping[str, str]) -> str:
    if len(set(seeds.values())) == 1:
        return next(iter(seeds.values()))
    return ", ".join(f"{name}={seed}" for name, seed in sorted(seeds.items()))


def _schema(facts: Mapping[str, Any], target: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the types of the data, in the form of ``mlflow.data``."""
    if "columns" in facts:
        columns = facts["columns"].items()
        return {"mlflow_colspec": [{"name": n, "type": _column_type(t)} for n, t in columns]}
    specs = {"features": _tensor(facts["dtype"], facts["row_shape"])}
    if target is not None:
        specs["targets"] = _tensor(target["dtype"], target["shape"][1:])
    return {"mlflow_tensorspec": specs}


def _tensor(dtype: str, row_shape: Iterable[int]) -> str:
    spec = {"dtype": dtype, "shape": [-1, *row_shape]}
    return json.dumps([{"type": "tensor", "tensor-spec": spec}])


def _column_type(dtype: str) -> str:
    try:
        kind = np.dtype(dtype).kind
    except TypeError:  # one of pandas' own
        return "string"
    return {"b": "boolean", "i": "long", "u": "long", "f": "double", "M": "datetime"}.get(
        kind, "string"
    )


def _profile(facts: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    n_elements = facts["n_rows"]
    for size in facts["row_shape"]:
        n_elements *= size
    classes = {"classes": target["classes"]} if "classes" in target else {}
    return {"num_rows": facts["n_rows"], "num_elements": n_elements, **classes}
