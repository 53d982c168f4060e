import json
from pathlib import Path

import pytest

from sknn_tricks.tracking.stores._store import Store
from sknn_tricks.tracking.writing._runs import Runs
from sknn_tricks.tracking.writing._scores import Point


@pytest.fixture
def runs(uri):
    client, experiment_id = Store(uri).open("demo")
    return Runs(client, experiment_id, {"who": "me"})


def test_parameters_points_and_tags_in_one_go(runs):
    run_id = runs.create("first", 1.0, {"kind": "fit"})
    points = [Point("loss", float(i), i, time=2.0) for i in range(1500)]
    runs.log(run_id, {"a b?": "1"}, [*points, Point("nan", float("nan"))], {"done": "yes"})
    data = runs.client.get_run(run_id).data
    assert data.params == {"a b_": "1"}
    assert data.metrics == {"loss": 1499.0}
    assert (data.tags["who"], data.tags["kind"], data.tags["done"]) == ("me", "fit", "yes")
    assert len(runs.client.get_metric_history(run_id, "loss")) == 1500


def test_files_of_many_runs(runs):
    ids = [runs.create(str(i), 1.0, {}) for i in range(20)]
    runs.write_files("config.json", {run_id: json.dumps({"é": run_id}) for run_id in ids})
    for run_id in ids:
        (found,) = runs.client.list_artifacts(run_id)
        assert found.path == "config.json"
        folder = runs.client.get_run(run_id).info.artifact_uri
        text = Path(folder, found.path).read_text(encoding="utf-8")
        assert json.loads(text) == {"é": run_id}


def test_a_file_that_cannot_be_written_raises(runs, tmp_path):
    run_id = runs.create("first", 1.0, {})
    (tmp_path / "artifacts").touch()
    with pytest.raises(OSError, match="artifacts"):
        runs.write_files("config.json", {run_id: "{}"})
