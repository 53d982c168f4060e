"""Searches whose scores are told, for the tests of their reports."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, KFold

ROWS_OF_A_FOLD = 4


class Told(BaseEstimator):
    """An estimator of parameters that do nothing; scorers know what they are worth."""

    def __init__(self, init="normal", lr=0.1, dropout=0.0, hidden=(8,), clip=None, n_units=1):
        self.init, self.lr, self.dropout = init, lr, dropout
        self.hidden, self.clip, self.n_units = hidden, clip, n_units

    def fit(self, X, y=None):
        self.fitted_ = True
        return self


def scorer(score):
    """Make a scorer of a function of the parameters, as a namespace, and the fold."""

    def scoring(estimator, X, y=None):
        return score(estimator, int(X[0, 0]) // ROWS_OF_A_FOLD)

    return scoring


def run(grid, score=None, n_splits=3, search=GridSearchCV, metrics=None, **options):
    X = np.arange(n_splits * ROWS_OF_A_FOLD)[:, None]
    scoring = {name: scorer(each) for name, each in (metrics or {}).items()} or scorer(score)
    return search(Told(), grid, **{"cv": KFold(n_splits), "scoring": scoring, **options}).fit(X)


def found(params, scores):
    params, scores = list(params), np.asarray(scores, float)
    search = GridSearchCV(Told(), {}, cv=scores.shape[1])
    fits = [{"test_scores": s, "fit_time": 1.0, "score_time": 0.0} for s in scores.ravel()]
    with warnings.catch_warnings(action="ignore"):  # of scores that are not finite
        search.cv_results_ = search._format_results(params, scores.shape[1], fits)
    search.best_index_ = int(search.cv_results_["rank_test_score"].argmin())
    return search


@pytest.fixture(scope="session")
def run_search():
    """Return a function that runs a search over a grid, whose scores are told."""
    return run


@pytest.fixture(scope="session")
def found_search():
    """Return a function from parameters and scores by fold to a search that has found them."""
    return found


def additive(p, fold):
    by_init = {"normal": 0.5, "xavier": 0.8, "kaiming": 0.9}
    return by_init[p.init] - 0.1 * p.dropout + 0.01 * fold


@pytest.fixture(scope="session")
def additive_search():
    """Return a search in which init matters most, and dropout a little."""
    return run({"init": ["normal", "xavier", "kaiming"], "dropout": [0.0, 0.2, 0.5]}, additive)
