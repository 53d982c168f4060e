"""What a search found, as names and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from sknn_tricks._param_names import class_names, describe
from sknn_tricks._sklearn_private import BaseSearchCV
from sknn_tricks.model_selection._cross_validation import CrossValidation

_CV_NAMES = {
    "mean_test_": ("cv_", ""),
    "std_test_": ("cv_", "_std"),
    "rank_test_": ("cv_", "_rank"),
    "mean_train_": ("cv_train_", ""),
    "std_train_": ("cv_train_", "_std"),
}
_TIMES = {"mean_fit_time": "fit_time", "mean_score_time": "score_time"}
_SPLIT = re.compile(r"split(\d+)_test_(.+)")
ROUND_PARAMS = ("iter", "n_resources")


class Point(NamedTuple):
    """One number of a metric; `time` in seconds since the epoch, now if None."""

    name: str
    value: float
    step: int = 0
    time: float | None = None


def score_points(table: Mapping[str, Any], row: int) -> list[Point]:
    """Return the scores of one candidate.

    Parameters
    ----------
    table : dict
        ``cv_results_``.
    row : int
        The candidate.

    Returns
    -------
    list of Point
        ``cv_<scorer>``, ``cv_<scorer>_std``, ``_min``, ``_max`` and ``_rank``, mean and std on the
        training data if the search has them, ``fold_<scorer>`` with the fold as step, and the
        mean ``fit_time`` and ``score_time`` in seconds.
    """
    named = ((metric_name(key), column) for key, column in table.items())
    points = [Point(name[0], float(column[row]), name[1]) for name, column in named if name]
    return points + _extremes(points)


def metric_name(key: str) -> tuple[str, int] | None:
    """Return the metric, and the step, for a column of ``cv_results_``; None for no metric.

    Examples
    --------
    >>> metric_name("mean_test_score"), metric_name("split2_test_accuracy")
    (('cv_score', 0), ('fold_accuracy', 2))
    """
    if key in _TIMES:
        return _TIMES[key], 0
    if split := _SPLIT.fullmatch(key):
        return f"fold_{split[2]}", int(split[1])
    for start, (before, after) in _CV_NAMES.items():
        if key.startswith(start):
            return f"{before}{key.removeprefix(start)}{after}", 0
    return None


def _extremes(points: Iterable[Point]) -> list[Point]:
    """Return the least and the greatest score over the folds, of candidates without failures."""
    folds: dict[str, list[float]] = {}
    for point in points:
        if point.name.startswith("fold_"):
            folds.setdefault(point.name.removeprefix("fold_"), []).append(point.value)
    of_all = {name: values for name, values in folds.items() if np.isfinite(values).all()}
    return [
        Point(f"cv_{name}_{word}", extreme(values))
        for name, values in of_all.items()
        for word, extreme in (("min", min), ("max", max))
    ]


def has_failed(table: Mapping[str, Any], row: int) -> bool:
    """Tell whether a fold of a candidate has no score."""
    return any(np.isnan(column[row]) for key, column in table.items() if _SPLIT.fullmatch(key))


def candidate_params(table: Mapping[str, Any], row: int) -> dict[str, Any]:
    """Return the searched parameters of a candidate, and the round of a halving search."""
    rounds = {key: table[key][row] for key in ROUND_PARAMS if key in table}
    return {**table["params"][row], **rounds}


def candidate_tags(table: Mapping[str, Any], row: int) -> dict[str, str]:
    """Return what a search with Optuna says of a candidate: its trial, and whether it was pruned.

    Examples
    --------
    >>> candidate_tags({"trial": [7], "pruned": [True]}, 0)
    {'trial': '7', 'pruned': 'true'}
    """
    tags = {"trial": str(table["trial"][row])} if "trial" in table else {}
    return tags | ({"pruned": "true"} if "pruned" in table and table["pruned"][row] else {})


def best_points(search: Any) -> list[Point]:
    """Return ``best_cv_<scorer>`` of a fitted search; none if it chose no best candidate."""
    index = getattr(search, "best_index_", None)
    if index is None:
        return []
    points = score_points(search.cv_results_, index)
    means = [p for p in points if f"mean_test_{p.name.removeprefix('cv_')}" in search.cv_results_]
    return [p._replace(name=f"best_{p.name}") for p in means]


def main_metric(estimator: Any) -> str | None:
    """Return the metric that ranks the candidates of a search, None for other estimators."""
    if not isinstance(estimator, BaseSearchCV | CrossValidation):
        return None
    if isinstance(getattr(estimator, "refit", None), str):
        return f"cv_{estimator.refit}"
    several = estimator.scoring if isinstance(estimator.scoring, dict | list | tuple) else ()
    return f"cv_{next(iter(several), 'score')}"


def search_params(search: Any) -> dict[str, str]:
    """Return what kind of search it is."""
    is_search = isinstance(search, BaseSearchCV)
    params = {
        **({"search": type(search).__name__} if is_search else {}),
        "estimator": class_names(search.estimator),
        "cv": _describe_cv(search.cv),
        "scoring": _describe_scoring(search.scoring),
        "n_splits": str(search.n_splits_),
    }
    halving = ("factor", "resource")
    return params | {
        name: describe(getattr(search, name)) for name in halving if hasattr(search, name)
    }


def _describe_cv(cv: Any) -> str:
    if cv is None or isinstance(cv, int) or hasattr(cv, "split"):
        return describe(cv)
    return "iterable of splits"


def _describe_scoring(scoring: Any) -> str:
    if scoring is None:
        return "estimator.score"
    if isinstance(scoring, dict | list | tuple | set):
        return ", ".join(map(str, scoring))
    return describe(scoring)
