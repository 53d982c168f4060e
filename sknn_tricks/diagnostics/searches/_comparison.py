"""The winner against the runner-up: whether the difference means anything."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.diagnostics._words import count
from sknn_tricks.diagnostics.searches._trials import Trials

# Of intervals and of the words about a gap.
LEVEL = 0.05
# A spread below this part of the scores is no more than rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Comparison:
    """Two candidates, compared fold by fold.

    Parameters
    ----------
    first, second : int
        Rows of ``cv_results_``: winner and runner-up.
    gap : float
        Mean over the folds of the first's score less the second's.
    interval : tuple of float
        Of 95%, about the gap; NaN where there is no test.
    t, p_value : float
        Of the corrected resampled t-test, two-sided; NaN where there is no test: of a single
        fold, or if the gap is the same in all folds.
    n_splits, n_won, n_tied : int
        Folds, and those that the first won and that none did.
    held_out_ratio : float
        Test rows for each training row, which the correction depends on.

    Examples
    --------
    >>> compare(np.array([0.9, 0.8, 0.9]), np.array([0.8, 0.9, 0.8]), held_out_ratio=0.5).verdict
    'The folds cannot tell them apart: a gap of 0.03333 (95% interval -0.4202 to 0.4869, ...'
    """

    first: int
    second: int
    gap: float
    interval: tuple[float, float]
    t: float
    p_value: float
    n_splits: int
    n_won: int
    n_tied: int
    held_out_ratio: float

    @property
    def is_clear(self) -> bool:
        """Whether the test finds a difference at 5%."""
        return self.p_value < LEVEL

    @property
    def verdict(self) -> str:
        """The result in words."""
        won = f"{self.n_won} of {count(self.n_splits, 'fold')} won"
        won += f", {self.n_tied} tied" if self.n_tied else ""
        if self.n_tied == self.n_splits:
            return "They have the same score in each fold."
        if self.n_splits == 1:
            return f"A single split cannot tell how much a gap of {self.gap:.4g} means."
        if math.isnan(self.p_value):
            return f"A gap of {self.gap:.4g}, the same in each fold ({won}): no spread to test by."
        low, high = self.interval
        tested = f"95% interval {low:.4g} to {high:.4g}, p = {self.p_value:.2g}, {won}"
        tell = "tell" if self.is_clear else "cannot tell"
        return f"The folds {tell} them apart: a gap of {self.gap:.4g} ({tested})."


def compare(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    held_out_ratio: float,
    rows: tuple[int, int] = (0, 1),
) -> Comparison:
    """Compare the scores of two candidates on the same folds.

    The training sets of folds overlap, so their scores are not independent, and a plain paired
    t-test finds differences that are none. The corrected resampled t-test makes up for it: it
    takes ``1 / n + n_test / n_train`` of the variance of the differences in place of ``1 / n``.

    Parameters
    ----------
    first, second : ndarray of shape (n_splits,)
        Scores by fold.
    held_out_ratio : float
        ``n_test / n_train``: 1 / (k - 1) in k-fold cross-validation.
    rows : tuple of int, default=(0, 1)
        What they are called.

    Returns
    -------
    Comparison

    References
    ----------
    C. Nadeau and Y. Bengio (2003). Inference for the generalization error. Machine Learning 52,
    239-281.

    R. R. Bouckaert and E. Frank (2004). Evaluating the replicability of significance tests for
    comparing learning algorithms. PAKDD (for repeated cross-validation).
    """
    differences = first - second
    n = len(differences)
    gap = float(differences.mean())
    spread = float(differences.std(ddof=1)) if n > 1 else math.nan
    rounding = _ROUNDING * float(np.abs([first, second]).max())
    t = p_value = half = math.nan
    if spread > rounding and math.isfinite(held_out_ratio):
        from scipy.stats import t as student

        error = spread * math.sqrt(1 / n + held_out_ratio)
        t = gap / error
        p_value = float(2 * student.sf(abs(t), n - 1))
        half = float(student.ppf(1 - LEVEL / 2, n - 1)) * error
    is_tied = np.abs(differences) <= rounding
    return Comparison(
        first=rows[0],
        second=rows[1],
        gap=gap,
        interval=(gap - half, gap + half),
        t=t,
        p_value=p_value,
        n_splits=n,
        n_won=int(((differences > 0) & ~is_tied).sum()),
        n_tied=int(is_tied.sum()),
        held_out_ratio=held_out_ratio,
    )


def compare_best(
    trials: Trials, candidates: NDArray[np.int64], winner: int, held_out_ratio: float
) -> Comparison | None:
    """Compare the winner with the best of the others.

    In a halving search, those of the last round of several are compared, which had equal
    resources.

    Parameters
    ----------
    trials : Trials
    candidates : ndarray of shape (n_rows,), int
        Which candidate each row is of.
    winner : int
        Its row.
    held_out_ratio : float

    Returns
    -------
    Comparison or None
        None if there is no other.
    """
    same = candidates == candidates[winner]
    for own in np.flatnonzero(same & trials.has_score)[::-1]:
        others = fair_with(trials, int(own))
        others = others[~same[others]]
        if len(others):
            second = int(others[np.argmax(trials.mean[others])])
            scores = trials.scores[own], trials.scores[second]
            return compare(*scores, held_out_ratio, (int(own), second))
    return None


def fair_with(trials: Trials, row: int) -> NDArray[np.int64]:
    """Return the rows that had what a row had: its round, and an undisturbed end."""
    return np.flatnonzero(trials.has_score & ~trials.pruned & (trials.rounds == trials.rounds[row]))


def count_within_noise(trials: Trials, winner: int) -> int:
    """Count the other candidates that are within one standard error of the winner.

    Parameters
    ----------
    trials : Trials
    winner : int
        Its row.

    Returns
    -------
    int

    References
    ----------
    L. Breiman, J. Friedman, R. Olshen and C. Stone (1984). Classification and regression trees,
    section 3.4.3 (the one-standard-error rule).
    """
    if trials.n_splits == 1:
        return 0
    error = trials.scores[winner].std(ddof=1) / math.sqrt(trials.n_splits)
    rows = fair_with(trials, winner)
    others = rows[rows != winner]
    # rounding must not part equal scores
    least = trials.mean[winner] - error - _ROUNDING * abs(trials.mean[winner])
    return int((trials.mean[others] >= least).sum())
