import re

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sknn_tricks import NetClassifier
from sknn_tricks.diagnostics import search_report
from sknn_tricks.model_selection import FusedGridSearchCV, FusedOptunaSearchCV


def exactly(text):
    return "^" + re.escape(text) + "$"


def two_metrics(run_search, **options):
    metrics = {"high": lambda p, f: p.lr + f, "low": lambda p, f: f - p.lr}
    return run_search({"lr": [0.1, 0.2]}, metrics=metrics, **options)


@pytest.mark.parametrize(
    ("options", "metric", "expected", "winner"),
    [
        ({"refit": "low"}, None, "low", 0),
        ({"refit": "low"}, "high", "high", 1),
        ({"refit": False}, None, "high", 1),
        ({"refit": lambda results: 0}, None, "high", 0),
    ],
)
def test_metric(run_search, options, metric, expected, winner):
    report = search_report(two_metrics(run_search, **options), metric=metric)
    assert report.metric == expected
    assert report.winner == winner
    assert report.to_markdown().startswith(f"## {expected} ")


def test_without_refit(run_search):
    report = search_report(run_search({"lr": [0.1, 0.2]}, lambda p, f: p.lr + f, refit=False))
    assert report.winner == 1


def test_metric_that_is_not_there(run_search):
    text = (
        "metric='hihg' is not known. Expected one of 'high', 'low'; got 'hihg'. Did you mean "
        "'high'?"
    )
    with pytest.raises(ValueError, match=exactly(text)):
        search_report(two_metrics(run_search, refit="low"), metric="hihg")


def test_what_is_no_search():
    text = (
        "There is no search to report on. Expected a fitted search such as GridSearchCV; got "
        "LogisticRegression. Give the search itself, not its best_estimator_ or cv_results_."
    )
    with pytest.raises(TypeError, match=exactly(text)):
        search_report(LogisticRegression())


def test_a_search_that_is_not_fitted():
    text = (
        "The search has no results. Expected a fitted search; got GridSearchCV without "
        "cv_results_. Call its fit first."
    )
    with pytest.raises(NotFittedError, match=exactly(text)):
        search_report(GridSearchCV(LogisticRegression(), {}))


def test_a_grid_of_one(run_search):
    report = search_report(run_search({"lr": [0.1]}, lambda p, f: f))
    assert report.n_candidates == 1
    assert report.factors == ()
    assert report.effects.empty
    assert report.interactions == {}
    assert "the only candidate" in report.to_markdown()
    assert "the only candidate" in repr(report)


def net_search(search, **options):
    net = NetClassifier(max_epochs=3, random_state=0, early_stopping=True)
    X, y = load_iris(return_X_y=True)
    grid = {"init": ["normal", "kaiming_normal"], "lr": [1e-3, 1e-2]}
    return search(net, grid, cv=3, **options).fit(X[:, ::-1], y)


def test_of_nets_with_their_curves():
    search = net_search(FusedGridSearchCV)
    folds = [search.best_estimator_.history_] * 3
    report = search_report(search, curves=dict.fromkeys(range(4), folds))
    assert {factor.name for factor in report.factors} == {"init", "lr"}
    assert report.has_curves
    assert [axes.get_title(loc="left") for axes in report.plot_curves().axes] == ["loss", "score"]


def test_of_optunas_search():
    search = net_search(FusedOptunaSearchCV, n_trials=4, batch_size=2, random_state=0)
    report = search_report(search)
    assert report.n_candidates == 4
    assert report.winner == search.best_index_
    np.testing.assert_array_equal(
        np.sort(report.leaderboard["mean"]), np.sort(search.cv_results_["mean_test_score"])
    )
