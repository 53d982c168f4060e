import numpy as np
import pytest

from sknn_tricks.model_selection._cross_validation import CrossValidation
from sknn_tricks.tracking.writing._scores import candidate_tags, main_metric, score_points


@pytest.fixture
def table():
    folds = np.array([[0.5, 1.0, 0.6], [0.2, np.nan, 0.4]])
    columns = {f"split{i}_test_score": folds[:, i] for i in range(3)}
    return {
        "params": [{}, {}],
        "mean_fit_time": np.array([2.0, 3.0]),
        "mean_test_score": folds.mean(1),
        "std_test_score": folds.std(1),
        "rank_test_score": np.array([1, 2]),
        **columns,
    }


def test_scores_with_their_least_and_greatest(table):
    found = {(p.name, p.step): p.value for p in score_points(table, 0)}
    assert found == {
        ("fit_time", 0): 2.0,
        ("cv_score", 0): pytest.approx(0.7),
        ("cv_score_std", 0): pytest.approx(np.std([0.5, 1.0, 0.6])),
        ("cv_score_rank", 0): 1.0,
        ("cv_score_min", 0): 0.5,
        ("cv_score_max", 0): 1.0,
        ("fold_score", 0): 0.5,
        ("fold_score", 1): 1.0,
        ("fold_score", 2): 0.6,
    }


def test_a_candidate_with_a_failed_fold_has_no_extremes(table):
    names = {p.name for p in score_points(table, 1)}
    assert not names & {"cv_score_min", "cv_score_max"}


def test_tags_of_a_search_with_optuna():
    table = {"trial": np.array([4, 5]), "pruned": np.array([False, True])}
    assert candidate_tags(table, 0) == {"trial": "4"}
    assert candidate_tags(table, 1) == {"trial": "5", "pruned": "true"}
    assert candidate_tags({}, 0) == {}


@pytest.mark.parametrize(
    ("scoring", "metric"),
    [(None, "cv_score"), ("f1", "cv_score"), (["f1", "accuracy"], "cv_f1")],
)
def test_what_a_cross_validation_is_judged_by(scoring, metric):
    assert main_metric(CrossValidation(None, scoring=scoring)) == metric
