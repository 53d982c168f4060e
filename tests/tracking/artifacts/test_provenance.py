import json

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline

from sknn_tricks import NetClassifier, OnDisk
from sknn_tricks.tracking.artifacts._provenance import (
    log_dataset,
    log_provenance,
    provenance,
    tags_of,
)


@pytest.fixture
def search():
    pipe = Pipeline([("net", NetClassifier(random_state=3))])
    return GridSearchCV(pipe, {}, cv=KFold(3, shuffle=True, random_state=3))


def test_what_a_search_came_from(search, iris):
    X, y = iris
    splits = list(search.cv.split(X, y))
    found = provenance(search, X, y, splits=splits, metadata={"sample_weight": None})
    assert json.loads(json.dumps(found)) == found
    assert list(found) == ["data", "target", "splits", "seeds", "versions", "machine", "code"]
    assert found["data"]["row_shape"] == [4]
    assert found["data"]["kind"] == "numpy.ndarray"
    assert found["target"]["classes"] == {"0": 50, "1": 50, "2": 50}
    assert found["splits"]["n_train"] == [100, 100, 100]
    assert found["splits"]["n_test"] == [50, 50, 50]
    assert found["seeds"] == {"net__random_state": "3", "cv": "3"}
    assert found["code"]["script"]


def test_the_same_fit_has_the_same_provenance_and_others_have_not(search, iris):
    X, y = iris
    splits = list(search.cv.split(X, y))
    found = tags_of(provenance(search, X, y, splits))
    assert tags_of(provenance(search, X.copy(), y, iter(splits))) == found
    other = X.copy()
    other[149, 3] += 1e-9
    assert tags_of(provenance(search, other, y, splits))["data.digest"] != found["data.digest"]
    moved = tags_of(provenance(search, X, y, splits[::-1]))
    assert moved["splits.digest"] != found["splits.digest"]
    weighted = provenance(search, X, y, metadata={"sample_weight": np.ones(150)})
    assert len(weighted["metadata"]["sample_weight"]) == 64


def test_tags_are_few_and_short(search, iris):
    tags = tags_of(provenance(search, *iris, splits=search.cv.split(*iris)))
    ours = {name for name in tags if not name.startswith("mlflow.")}
    assert ours == {
        "data.digest",
        "splits.digest",
        "seed",
        "versions.sknn-tricks",
        "versions.scikit-learn",
        "versions.torch",
    }
    assert tags["seed"] == "3"
    assert len(tags["data.digest"]) == len(tags["splits.digest"]) == 16
    assert tags["mlflow.source.type"] == "LOCAL"


def test_seeds_that_differ_or_are_missing():
    search = GridSearchCV(LogisticRegression(), {}, cv=KFold(2, shuffle=True, random_state=1))
    assert tags_of(provenance(search, [[1]]))["seed"] == "cv=1, random_state=None"
    generator = np.random.RandomState(0)
    found = provenance(LogisticRegression(random_state=generator), [[1]])["seeds"]
    assert found == {"random_state": "RandomState(MT19937)"}  # and no memory address
    assert "seeds" not in provenance(GridSearchCV(DummyRegressor(), {}, cv=2), [[1]])


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (["b", "a", "b"], {"n_classes": 2, "classes": {"a": 1, "b": 2}}),
        (np.arange(21), {"n_classes": 21, "rarest_class": 1, "largest_class": 1}),
        (pd.Series([True, None, True]), {"n_classes": 2, "classes": {"None": 1, "True": 2}}),
        (np.eye(3), {}),
        (csr_array(np.eye(3)), {}),
    ],
    ids=["texts", "many", "missing", "labels", "sparse"],
)
def test_classes(y, expected):
    found = provenance(DummyClassifier(), [[1]], y)["target"]
    assert {name: found[name] for name in found.keys() - {"shape", "dtype", "digest"}} == expected


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([1.0, 2.0, 6.0], {"min": 1.0, "mean": 3.0, "max": 6.0}),
        (np.array([[1, 2], [3, 6]]), {"min": 1.0, "mean": 3.0, "max": 6.0}),
        ([1.0, np.nan], {}),
        ([], {}),
    ],
)
def test_numbers(y, expected):
    found = provenance(DummyRegressor(), [[1]], y)["target"]
    assert {name: found[name] for name in found.keys() - {"shape", "dtype", "digest"}} == expected
    json.dumps(found, allow_nan=False)


def test_data_of_other_kinds(mapped, sliceable):
    net = DummyRegressor()
    rows = np.zeros((4, 2), np.float32)
    of_file = provenance(net, OnDisk(mapped(rows)))["data"]
    assert (of_file["name"], of_file["kind"]) == ("0.bin", "sknn_tricks.OnDisk")
    assert provenance(net, mapped(rows))["data"]["name"] == "1.bin"
    assert provenance(net, sliceable(rows))["data"]["digest"] == of_file["digest"]
    table = provenance(net, pd.DataFrame({"a": [1.5], "b": ["x"]}))["data"]
    assert table["row_shape"] == [2]
    assert table["columns"]["a"] == "float64"
    assert "data" not in provenance(net, None)


def test_data_that_nothing_can_be_said_of():
    found = provenance(DummyRegressor(), [["a"], ["b", "c"]])["data"]
    assert found.pop("no_digest").startswith("The rows cannot be compared")
    assert found == {"name": "data", "kind": "list", "n_rows": 2}


def test_it_is_written_into_the_run(store, search, iris):
    client, run_id = store
    found = provenance(search, *iris)
    log_provenance(client, run_id, found)
    run = client.get_run(run_id)
    assert tags_of(found).items() <= run.data.tags.items()
    path = client.download_artifacts(run_id, "provenance.json")
    with open(path) as file:
        assert json.load(file) == found


def test_the_runs_are_linked_to_one_dataset(store, search, iris):
    client, run_id = store
    other = client.create_run(client.get_run(run_id).info.experiment_id).info.run_id
    found = provenance(search, *iris)
    log_dataset(client, [run_id, other], found)
    ((given,), (same,)) = (client.get_run(each).inputs.dataset_inputs for each in (run_id, other))
    assert given == same
    data = given.dataset
    assert (data.name, data.digest) == ("data", tags_of(found)["data.digest"])
    assert json.loads(data.profile) == {
        "num_rows": 150,
        "num_elements": 600,
        "classes": {"0": 50, "1": 50, "2": 50},
    }
    specs = json.loads(data.schema)["mlflow_tensorspec"]
    (feature,), (target,) = (json.loads(specs[name]) for name in ("features", "targets"))
    assert feature["tensor-spec"] == {"dtype": "float64", "shape": [-1, 4]}
    assert target["tensor-spec"] == {"dtype": "int64", "shape": [-1]}
    assert [(tag.key, tag.value) for tag in given.tags] == [("mlflow.data.context", "training")]


def test_the_columns_of_a_table(store):
    client, run_id = store
    types = {"a": [1], "b": [1.5], "c": [True], "d": ["x"], "e": pd.Categorical(["x"])}
    table = pd.DataFrame({**types, "f": pd.to_datetime(["2020-01-01"])})
    log_dataset(client, [run_id], provenance(DummyRegressor(), table))
    (given,) = client.get_run(run_id).inputs.dataset_inputs
    columns = json.loads(given.dataset.schema)["mlflow_colspec"]
    assert {each["name"]: each["type"] for each in columns} == {
        "a": "long",
        "b": "double",
        "c": "boolean",
        "d": "string",
        "e": "string",
        "f": "datetime",
    }


def test_data_without_a_digest_are_no_dataset(store):
    client, run_id = store
    log_dataset(client, [run_id], provenance(DummyRegressor(), [["a"], ["b", "c"]]))
    assert client.get_run(run_id).inputs.dataset_inputs == []
