import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sknn_tricks.tracking.stores._links import experiment_url, view_page, view_url
from sknn_tricks.tracking.writing._scores import main_metric


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


def test_a_view_is_a_link_of_the_page_that_serves_the_store():
    page = "#/experiments/7/runs?workflowType=machine_learning"
    view = f"{page}&compareRunsMode=TABLE&viewStateShareKey=a%20view%2F%26"
    assert view_page("7", "a view/&", charts=False) == view
    assert view_url("sqlite:///a.db", "7", "a view/&", charts=False) == (
        f"http://127.0.0.1:5000/{view}"
    )
    assert view_url("https://me:secret@host/mlflow/", "7", "a view/&", charts=False) == (
        f"https://host/mlflow/{view}"
    )
