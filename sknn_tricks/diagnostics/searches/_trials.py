"""The rows of ``cv_results_`` as arrays, of any search."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from sknn_tricks._messages import lookup, message
from sknn_tricks._sklearn_private import BaseSearchCV

_MEAN = "mean_test_"


@dataclass(frozen=True, eq=False)
class Trials:
    """What each row of ``cv_results_`` has tried and scored.

    Parameters
    ----------
    metric : str
        The scorer that ranks.
    params : sequence of dict
        The searched parameters of each row.
    scores : ndarray of shape (n_rows, n_splits)
        Scores by fold; more is better.
    mean, std : ndarray of shape (n_rows,)
        Of the scores, as the search has them.
    fit_times : ndarray of shape (n_rows,)
        Mean seconds of a fit.
    rounds : ndarray of shape (n_rows,), int
        Of a halving search; 0 in others.
    resources : ndarray of shape (n_rows,) or None
        What each row was given in a halving search.
    pruned : ndarray of shape (n_rows,), bool
        Stopped before the end.
    best : int or None
        The row that the search chose by this metric.
    """

    metric: str
    params: Sequence[Mapping[str, Any]]
    scores: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    fit_times: NDArray[np.float64]
    rounds: NDArray[np.int64]
    resources: NDArray[Any] | None
    pruned: NDArray[np.bool_]
    best: int | None

    @property
    def n_splits(self) -> int:
        """Number of folds."""
        return self.scores.shape[1]

    @property
    def has_score(self) -> NDArray[np.bool_]:
        """Whether a row has a score in each fold."""
        return np.asarray(np.isfinite(self.scores).all(axis=1))

    @property
    def is_fair(self) -> NDArray[np.bool_]:
        """Whether a row may be compared with all others like it.

        Of a halving search these are the rows of the first round: only there all candidates were
        scored, with equal resources. Pruned candidates had less training than the others.
        """
        return self.has_score & ~self.pruned & (self.rounds == 0)

    @property
    def resource_names(self) -> set[str]:
        """Parameters that a halving search has set itself, such as ``n_estimators``."""
        if self.resources is None:
            return set()
        rows = list(zip(self.params, self.resources, strict=True))
        return {name for name in self.params[0] if all(_same(p.get(name), r) for p, r in rows)}


def read_search(search: Any, metric: str | None) -> Trials:
    """Read what a fitted search has found.

    Parameters
    ----------
    search : BaseSearchCV
    metric : str or None
        A scorer's name; None for the one that ranks.

    Returns
    -------
    Trials

    Raises
    ------
    TypeError
        If `search` is no search.
    NotFittedError
        If it is not fitted.
    ValueError
        If it has no scorer of this name.
    """
    results = _results(search)
    metrics = [key.removeprefix(_MEAN) for key in results if key.startswith(_MEAN)]
    main = search.refit if isinstance(search.refit, str) else metrics[0]
    main = main if main in metrics else metrics[0]
    if metric is None:
        metric = main
    lookup(metric, dict.fromkeys(metrics), "metric")
    n_rows = len(results["params"])
    chosen = getattr(search, "best_index_", None) if metric == main else None
    return Trials(
        metric=metric,
        params=list(results["params"]),
        scores=_by_fold(results, metric),
        mean=np.asarray(results[_MEAN + metric], float),
        std=np.asarray(results[f"std_test_{metric}"], float),
        fit_times=np.asarray(results["mean_fit_time"], float),
        rounds=np.asarray(results.get("iter", np.zeros(n_rows)), np.int64),
        resources=results.get("n_resources"),
        pruned=np.asarray(results.get("pruned", np.zeros(n_rows)), bool),
        best=None if chosen is None else int(chosen),
    )


def _results(search: Any) -> Mapping[str, Any]:
    if not isinstance(search, BaseSearchCV):
        raise TypeError(
            message(
                "There is no search to report on",
                expected="a fitted search such as GridSearchCV",
                got=type(search).__name__,
                todo="Give the search itself, not its best_estimator_ or cv_results_",
            )
        )
    if not hasattr(search, "cv_results_"):
        raise NotFittedError(
            message(
                "The search has no results",
                expected="a fitted search",
                got=f"{type(search).__name__} without cv_results_",
                todo="Call its fit first",
            )
        )
    return search.cv_results_


def _by_fold(results: Mapping[str, Any], metric: str) -> NDArray[np.float64]:
    split = re.compile(rf"split(\d+)_test_{re.escape(metric)}")
    folds = {int(m[1]): results[key] for key in results if (m := split.fullmatch(key))}
    return np.column_stack([np.asarray(folds[i], float) for i in sorted(folds)])


def _same(value: Any, resource: Any) -> bool:
    return isinstance(value, int | np.integer) and value == resource


def held_out_ratio(cv: Any, n_splits: int) -> float:
    """Return the test rows of a split for each training row.

    Parameters
    ----------
    cv : int, splitter, iterable or None
        As searches take it.
    n_splits : int

    Returns
    -------
    float
        NaN if a single split does not tell.

    Examples
    --------
    >>> from sklearn.model_selection import RepeatedKFold, ShuffleSplit
    >>> held_out_ratio(5, 5), held_out_ratio(RepeatedKFold(n_splits=3), 30)
    (0.25, 0.5)
    >>> held_out_ratio(ShuffleSplit(8, test_size=0.2), 8)
    0.25
    """
    if isinstance(cv, list | tuple) and len(cv) == n_splits:
        sizes = np.array([(_n_rows(train), _n_rows(test)) for train, test in cv], float)
        return float((sizes[:, 1] / sizes[:, 0]).mean())
    if hasattr(cv, "_default_test_size"):  # ShuffleSplit and its like
        return _shuffled_ratio(cv.test_size, cv.train_size, cv._default_test_size)
    n_parts = getattr(cv, "cvargs", {}).get("n_splits", n_splits)  # cvargs: of repeated k-fold
    return 1 / (n_parts - 1) if n_parts > 1 else float("nan")


def _n_rows(rows: Any) -> int:
    rows = np.asarray(rows)
    return int(rows.sum()) if rows.dtype == bool else len(rows)


def _shuffled_ratio(test: Any, train: Any, default: float) -> float:
    is_share = [isinstance(size, float) for size in (test, train) if size is not None]
    if len(is_share) == 2 and is_share[0] == is_share[1]:
        return test / train
    if any(is_share) and len(is_share) == 1:
        share = 1 - train if test is None else test
        return share / (1 - share)
    # numbers of rows say nothing without the number of all rows
    return default / (1 - default) if not is_share else float("nan")
