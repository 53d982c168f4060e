"""The candidates of a search, best first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.diagnostics.searches._factors import NOT_SET, Factor, number_equals
from sknn_tricks.diagnostics.searches._trials import Trials

if TYPE_CHECKING:
    from pandas import DataFrame

_PLAIN = (bool, int, float, str, type(None))


def number_candidates(trials: Trials) -> NDArray[np.int64]:
    """Return which candidate each row is of: in halving searches a candidate has several.

    Parameters
    ----------
    trials : Trials

    Returns
    -------
    ndarray of shape (n_rows,), int
        From 0, in the order of ``cv_results_``.
    """
    if not trials.rounds.any():
        return np.arange(len(trials.params))
    own = sorted({name for params in trials.params for name in params} - trials.resource_names)
    columns = [number_equals([p.get(name, NOT_SET) for p in trials.params])[1] for name in own]
    n_seen: Counter[tuple[int, ...]] = Counter()
    candidates = []
    for key in zip(trials.rounds, *columns, strict=True):
        # candidates that were drawn twice are told apart by their order in each round
        n_seen[key] += 1
        candidates.append((*key[1:], n_seen[key]))
    numbers = {key: number for number, key in enumerate(dict.fromkeys(candidates))}
    return np.array([numbers[key] for key in candidates])


def last_rows(candidates: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the last row of each candidate, in the order of ``cv_results_``.

    Examples
    --------
    >>> last_rows(np.array([0, 1, 2, 1]))
    array([0, 2, 3])
    """
    last = dict(zip(candidates.tolist(), range(len(candidates)), strict=True))
    return np.sort(list(last.values()))


def order_rows(trials: Trials, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Sort rows, best first.

    Those of later rounds come before those of earlier ones, pruned ones after all others, and
    those without a score last.

    Parameters
    ----------
    trials : Trials
    rows : ndarray of shape (n_candidates,)

    Returns
    -------
    order : ndarray of shape (n_candidates,)
        The rows; of equal ones in the order of ``cv_results_``.
    ranks : ndarray of shape (n_candidates,), int
        From 1; equal ones share the better rank, as in scikit-learn.
    """
    fails = ~trials.has_score[rows]
    keys = np.column_stack(
        [
            fails,
            ~fails & trials.pruned[rows],
            np.where(fails, 0, -trials.rounds[rows]),
            np.where(fails, 0, -trials.mean[rows]),
        ]
    )
    order = np.lexsort(keys.T[::-1])
    is_new = np.r_[True, (np.diff(keys[order], axis=0) != 0).any(axis=1)]
    ranks = np.maximum.accumulate(np.where(is_new, np.arange(1, len(rows) + 1), 0))
    return rows[order], ranks


def make_leaderboard(
    trials: Trials, factors: Sequence[Factor], candidates: NDArray[np.int64]
) -> DataFrame:
    """Return a row per candidate, best first.

    Parameters
    ----------
    trials : Trials
    factors : sequence of Factor
    candidates : ndarray of shape (n_rows,), int
        As `number_candidates` gives them.

    Returns
    -------
    DataFrame
        The index is the row of ``cv_results_``.
    """
    from pandas import DataFrame, Index

    rows, ranks = order_rows(trials, last_rows(candidates))
    fails = ~trials.has_score[rows]
    scores = np.where(fails[:, None], np.nan, trials.scores[rows])
    columns: dict[str, Any] = {"rank": ranks}
    columns |= {factor.name: _column(factor, rows) for factor in factors}
    columns |= {
        "mean": np.where(fails, np.nan, trials.mean[rows]),
        "std": np.where(fails, np.nan, trials.std[rows]),
        "min": scores.min(axis=1),
        "max": scores.max(axis=1),
        "fit_seconds": trials.fit_times[rows],
    }
    if trials.resources is not None:
        columns["resources"] = np.asarray(trials.resources)[rows]
    if trials.pruned.any():
        columns["pruned"] = trials.pruned[rows]
    return DataFrame(columns, index=Index(rows, name="row"))


def _column(factor: Factor, rows: NDArray[np.int64]) -> Any:
    """Return numbers and texts as they are, others as text."""
    if factor.is_numeric and not any(isinstance(factor.raw[row], bool) for row in rows):
        numbers = factor.numbers[rows]
        whole = all(isinstance(factor.raw[row], int | np.integer) for row in rows)
        return numbers.astype(np.int64) if whole else numbers
    values = np.empty(len(rows), object)  # else pandas would make NaN of None
    for i, row in enumerate(rows):
        is_plain = type(factor.raw[row]) in _PLAIN
        values[i] = factor.raw[row] if is_plain else factor.texts[row]
    return values
