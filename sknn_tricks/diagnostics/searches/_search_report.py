"""Make a report on a finished search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.diagnostics.searches._advice import advise
from sknn_tricks.diagnostics.searches._comparison import compare_best, count_within_noise
from sknn_tricks.diagnostics.searches._effects import by_weight, make_effects, make_interactions
from sknn_tricks.diagnostics.searches._factors import find_factors
from sknn_tricks.diagnostics.searches._leaderboard import make_leaderboard, number_candidates
from sknn_tricks.diagnostics.searches._learning import Curves, check_curves
from sknn_tricks.diagnostics.searches._report import SearchReport
from sknn_tricks.diagnostics.searches._trials import Trials, held_out_ratio, read_search

if TYPE_CHECKING:
    from pandas import DataFrame


def search_report(
    search: Any, *, curves: Curves | None = None, metric: str | None = None
) -> SearchReport:
    """Report on a fitted search: leaderboard, effects of the factors, how sure the winner is.

    Effects are marginal means: the mean score of all candidates that have a value, whatever else
    they have. In a full grid nothing else differs between them; in other searches the report says
    so. Numbers of more than 8 values are put in bins of about as many candidates each. Of a
    halving search, effects are those of the first round, where all candidates were scored with
    equal resources, and a candidate's place is that of the last round it came to. Pruned
    candidates do not count for effects.

    The winner was chosen because its score is high, so the score is too good by a little, and
    the test of its gap to the runner-up is of a difference that was looked for.

    Parameters
    ----------
    search : BaseSearchCV
        Fitted: `GridSearchCV`, `RandomizedSearchCV`, a halving search, one of ours, or another.
    curves : dict of int to list, default=None
        For rows of ``cv_results_``, a list over the folds of lists of dicts, one an epoch, with
        keys such as ``epoch``, ``train_loss``, ``valid_loss``, ``valid_score``: the ``history_``
        of the nets. Folds may have stopped at different epochs.
    metric : str, default=None
        One of the search's scorers; the one of `refit` by default, else the first.

    Returns
    -------
    SearchReport

    Raises
    ------
    TypeError
        If `search` is no search.
    NotFittedError
        If it is not fitted.
    ValueError
        If it has no such scorer, or `curves` are of other rows.

    References
    ----------
    C. Nadeau and Y. Bengio (2003). Inference for the generalization error. Machine Learning 52,
    239-281 (for the test of winner against runner-up).

    R. A. Fisher (1925). Statistical methods for research workers (for eta squared).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.svm import SVC
    >>> from sknn_tricks.diagnostics import search_report
    >>> grid = {"C": [0.01, 1, 100], "kernel": ["linear", "rbf"]}
    >>> report = search_report(GridSearchCV(SVC(), grid).fit(*load_iris(return_X_y=True)))
    >>> print(report)
    6 candidates, 5 folds each, by score
      Winner:  0.98 ± 0.016, C=1, kernel=linear
      Next:    0.9733. The folds cannot tell them apart: a gap of 0.006667 (95% interval ...
      Close:   1 of the others within one standard error
      Effects: C 95.9 % (40 %), kernel 0 % (20 %) of the variance (by chance)
    >>> report.effects.loc[:2, ["factor", "value", "n", "mean", "best"]].round(3)
      factor value  n   mean   best
    0      C  0.01  2  0.923  0.927
    1      C     1  2  0.973  0.980
    2      C   100  2  0.970  0.973
    """
    trials = read_search(search, metric)
    factors = by_weight(trials, find_factors(trials))
    candidates = number_candidates(trials)
    board = make_leaderboard(trials, factors, candidates)
    winner = _winner(trials, board, candidates)
    found_curves = check_curves(curves, len(trials.params))
    ratio = held_out_ratio(search.cv, trials.n_splits)
    return SearchReport(
        metric=trials.metric,
        n_candidates=len(board),
        n_splits=trials.n_splits,
        winner=winner,
        factors=factors,
        leaderboard=board,
        effects=make_effects(trials, factors),
        interactions=make_interactions(trials, factors),
        comparison=None if winner is None else compare_best(trials, candidates, winner, ratio),
        n_within_noise=0 if winner is None else count_within_noise(trials, winner),
        advice=advise(trials, factors, winner, found_curves),
        curves=found_curves,
        trials=trials,
        candidates=candidates,
        held_out_ratio=ratio,
    )


def _winner(trials: Trials, board: DataFrame, candidates: NDArray[np.int64]) -> int | None:
    if not trials.has_score.any():
        return None
    if trials.best is not None and trials.has_score[trials.best]:
        return int(np.flatnonzero(candidates == candidates[trials.best])[-1])
    return int(board.index[0])
