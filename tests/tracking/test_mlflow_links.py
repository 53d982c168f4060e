import subprocess
import sys

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sknn_tricks.tracking._links import experiment_url
from sknn_tricks.tracking._scores import main_metric


@pytest.mark.parametrize(
    ("options", "metric"),
    [
        ({}, "cv_score"),
        ({"scoring": "roc_auc"}, "cv_score"),
        ({"scoring": ["f1", "recall"], "refit": "recall"}, "cv_recall"),
        ({"scoring": {"sharp": "precision"}, "refit": False}, "cv_sharp"),
    ],
)
def test_candidates_are_ranked_by_the_metric_that_the_search_ranks_by(options, metric):
    assert main_metric(GridSearchCV(LogisticRegression(), {"C": [1]}, **options)) == metric


def test_other_estimators_have_no_ranking():
    assert main_metric(LogisticRegression()) is None


def test_a_ranked_page_is_sorted_best_first():
    url = experiment_url("sqlite:///a.db", "7", best_first="cv_score")
    assert url == (
        "http://127.0.0.1:5000/#/experiments/7/runs?workflowType=machine_learning"
        "&orderByKey=metrics.%60cv_score%60&orderByAsc=false"
    )


def run_ui(*arguments, cwd):
    command = [sys.executable, "-m", "sknn_tricks.tracking", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)


def test_the_ui_says_so_where_nothing_was_logged_yet(tmp_path):
    ended = run_ui("--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db", cwd=tmp_path)
    assert ended.returncode == 1
    expected = (
        f"There is no store at {tmp_path}/mlflow.db yet. Log a fit first: `make demo` does.\n"
    )
    assert ended.stderr == expected
    assert not (tmp_path / "mlflow.db").exists()


def test_the_ui_of_a_server_is_the_servers(tmp_path):
    ended = run_ui("--tracking-uri", "http://127.0.0.1:8080", cwd=tmp_path)
    assert ended.stdout == "The store is a server: open http://127.0.0.1:8080/#/experiments\n"
