"""How much each factor matters, alone and together with another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.diagnostics.searches._factors import Factor
from sknn_tricks.diagnostics.searches._trials import Trials

if TYPE_CHECKING:
    from pandas import DataFrame

# A table of more levels could be read by nobody, and grows with their square.
_MOST_LEVELS = 30


@dataclass(frozen=True, eq=False)
class Groups:
    """Scores of candidates by group.

    Parameters
    ----------
    n : ndarray of shape (n_groups,), int
        Candidates of each.
    mean, std, best : ndarray of shape (n_groups,)
        Of their scores; NaN where there are none, and for the spread of a single one.
    share : float
        Of the variance of all scores, the part that lies between the groups (eta squared); NaN
        if all scores are equal.
    by_chance : float
        The share that is to be expected of groups that mean nothing.
    """

    n: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    best: NDArray[np.float64]
    share: float
    by_chance: float

    @property
    def weight(self) -> float:
        """The share beyond what chance gives."""
        return self.share - self.by_chance


def group(scores: NDArray[np.float64], codes: NDArray[np.int64], n_groups: int) -> Groups:
    """Summarise scores by group.

    Parameters
    ----------
    scores : ndarray of shape (n,)
    codes : ndarray of shape (n,), int
        The group of each.
    n_groups : int

    Returns
    -------
    Groups

    Examples
    --------
    >>> found = group(np.array([0.9, 0.9, 0.5, 0.7]), np.array([0, 0, 1, 1]), 2)
    >>> found.mean.round(2), round(found.share, 3), round(found.by_chance, 3)
    (array([0.9, 0.6]), 0.818, 0.333)
    """
    n = np.bincount(codes, minlength=n_groups)
    mean = _divide(np.bincount(codes, scores, n_groups), n)
    within = np.bincount(codes, (scores - mean[codes]) ** 2, n_groups)
    best = np.full(n_groups, -np.inf)
    np.maximum.at(best, codes, scores)
    share = by_chance = np.nan
    if len(scores) and np.ptp(scores) > 0:
        total = ((scores - scores.mean()) ** 2).sum()
        share = float(np.clip(1 - within.sum() / total, 0, 1))
        # exact for candidates that are dealt to the groups at random
        by_chance = (int(np.count_nonzero(n)) - 1) / (len(scores) - 1)
    return Groups(
        n=n,
        mean=mean,
        std=np.sqrt(_divide(within, n - 1)),
        best=np.where(n > 0, best, np.nan),
        share=share,
        by_chance=by_chance,
    )


def _divide(sums: NDArray[Any], n: NDArray[Any]) -> NDArray[np.float64]:
    return np.divide(sums, n, out=np.full(len(sums), np.nan), where=n > 0)


def by_weight(trials: Trials, factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """Sort factors by how much they matter, most first."""
    weights = [_of_factor(trials, factor).weight for factor in factors]
    order = np.argsort(-np.nan_to_num(np.array(weights), nan=-np.inf), kind="stable")
    return tuple(factors[i] for i in order)


def _of_factor(trials: Trials, factor: Factor) -> Groups:
    fair = trials.is_fair
    return group(trials.mean[fair], factor.codes[fair], len(factor.levels))


def make_effects(trials: Trials, factors: Sequence[Factor]) -> DataFrame:
    """Return a row for each level of each factor.

    Parameters
    ----------
    trials : Trials
    factors : sequence of Factor

    Returns
    -------
    DataFrame
    """
    from pandas import DataFrame

    names = ["factor", "value", "n", "failed", "mean", "std", "best", "share", "by_chance"]
    columns: dict[str, list[Any]] = {name: [] for name in names}
    fails = ~trials.has_score & (trials.rounds == 0)
    for factor in factors:
        found = _of_factor(trials, factor)
        n_levels = len(factor.levels)
        columns["factor"] += [factor.name] * n_levels
        columns["value"] += factor.levels
        columns["failed"] += np.bincount(factor.codes[fails], minlength=n_levels).tolist()
        for name in ("n", "mean", "std", "best"):
            columns[name] += getattr(found, name).tolist()
        columns["share"] += [found.share] * n_levels
        columns["by_chance"] += [found.by_chance] * n_levels
    return DataFrame(columns)


def make_interactions(
    trials: Trials, factors: Sequence[Factor]
) -> dict[tuple[str, str], DataFrame]:
    """Return the mean scores of each pair of factors, those that explain most first.

    Parameters
    ----------
    trials : Trials
    factors : sequence of Factor

    Returns
    -------
    dict of (str, str) to DataFrame
        The levels of the first factor are the rows, those of the second the columns; NaN where
        there is no candidate. Factors of more than 30 levels, as of as many names, have none.
    """
    from pandas import DataFrame, Index

    fair = trials.is_fair
    found = []
    few = [factor for factor in factors if len(factor.levels) <= _MOST_LEVELS]
    for first, second in combinations(few, 2):
        shape = len(first.levels), len(second.levels)
        codes = first.codes[fair] * shape[1] + second.codes[fair]
        found.append((first, second, group(trials.mean[fair], codes, shape[0] * shape[1])))
    weights = np.nan_to_num([-groups.weight for *_, groups in found], nan=np.inf)
    tables = {}
    for i in np.argsort(weights, kind="stable"):
        first, second, groups = found[i]
        rows = Index(first.levels, name=first.name)
        columns = Index(second.levels, name=second.name)
        means = groups.mean.reshape(len(rows), len(columns))
        tables[first.name, second.name] = DataFrame(means, rows, columns)
    return tables


def is_balanced(trials: Trials, factors: Sequence[Factor]) -> bool:
    """Tell whether each level was tried in the same company as the other levels of its factor.

    Only then do means by level not depend on what the other factors do.
    """
    fair = trials.is_fair
    for first, second in combinations(factors, 2):
        if len(first.levels) * len(second.levels) > fair.sum():  # some pairs were not tried
            return False
        counts = np.zeros((len(first.levels), len(second.levels)))
        np.add.at(counts, (first.codes[fair], second.codes[fair]), 1)
        expected = np.outer(counts.sum(axis=1), counts.sum(axis=0))
        if not np.array_equal(counts * counts.sum(), expected):
            return False
    return True
