"""The README's examples are run as they stand."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def blocks():
    return re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


def test_fused_training_is_as_it_is_told(tmp_path, monkeypatch, capsys):
    example, fused, images = blocks()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    exec(compile(fused, "README.md", "exec"), names)
    assert "21 nets in " in capsys.readouterr().out
    exec(compile(images, "README.md", "exec"), names)
    report = names["search"].report_
    assert (report.n_nets, report.n_alone) == (13, 0)


def test_the_example_runs_and_logs_its_four_candidates(tmp_path, monkeypatch, capsys):
    example, *_ = blocks()
    assert len(example.splitlines()) <= 25
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    names = {}
    exec(compile(example, "README.md", "exec"), names)

    printed = capsys.readouterr().out
    assert "net__init" in printed
    assert "python -m sknn_tricks ui" in printed
    assert "viewStateShareKey=dashboard" in printed
    assert float(re.search(r"} (0\.\d+)", printed)[1]) > 0.9
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    experiment = client.get_experiment_by_name("digits")
    runs = client.search_runs([experiment.experiment_id], "tags.kind = 'candidate'")
    assert len(runs) == 4
    assert (tmp_path / "mlruns" / "mlflow.db").exists()
