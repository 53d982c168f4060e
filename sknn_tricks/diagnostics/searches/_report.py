"""A report on a finished search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._messages import message
from sknn_tricks.diagnostics._words import count, percent
from sknn_tricks.diagnostics.searches._comparison import Comparison, compare
from sknn_tricks.diagnostics.searches._factors import Factor, in_words
from sknn_tricks.diagnostics.searches._learning import Epochs, metrics_of
from sknn_tricks.diagnostics.searches._note import write_note
from sknn_tricks.diagnostics.searches._trials import Trials

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


@dataclass(frozen=True, eq=False, repr=False)
class SearchReport:
    """Who won a search, how sure that is, and what mattered.

    Made by `search_report`; printed, it is a readable text.

    Parameters
    ----------
    metric : str
        The scorer that ranks; more is better.
    n_candidates, n_splits : int
    winner : int or None
        The row of ``cv_results_`` that the search chose, or, if it has not chosen by this metric,
        the best one; None if no candidate has a score in each fold.
    factors : tuple of Factor
        The parameters of which several values were tried, those that matter most first.
    leaderboard : DataFrame
        A row per candidate, best first: ``rank``, the factors, ``mean``, ``std``, ``min`` and
        ``max`` over the folds, ``fit_seconds``; in halving searches ``resources``, if any were
        pruned ``pruned``. The index is the row of ``cv_results_``. Failed candidates come last.
    effects : DataFrame
        A row for each value, or bin of values, of each factor: ``factor``, ``value``, ``n``
        candidates with a score and ``failed`` ones, ``mean``, ``std`` and ``best`` of their mean
        scores; of the factor, ``share`` of the variance between candidates that it explains (eta
        squared), and the share that it would explain ``by_chance`` if it had no effect.
    interactions : dict of (str, str) to DataFrame
        The mean score at the values of two factors, for each pair of factors of up to 30 values;
        those that explain most first.
    comparison : Comparison or None
        The winner against the runner-up; None if there is none.
    n_within_noise : int
        Other candidates within one standard error of the winner.
    advice : tuple of str
        What is to be known and done, a sentence or two each.
    curves : dict of int to list
        Learning curves by row of ``cv_results_``; empty if there are none.
    trials : Trials
        What the search has tried and scored, row by row.
    candidates : ndarray of shape (n_rows,), int
        Which candidate each row is of: in a halving search, one may have several.
    held_out_ratio : float
        Test rows of a split for each training row; NaN if it is not known.
    """

    metric: str
    n_candidates: int
    n_splits: int
    winner: int | None
    factors: tuple[Factor, ...]
    leaderboard: DataFrame
    effects: DataFrame
    interactions: dict[tuple[str, str], DataFrame]
    comparison: Comparison | None
    n_within_noise: int
    advice: tuple[str, ...]
    curves: Mapping[int, Sequence[Epochs]]
    trials: Trials
    candidates: NDArray[np.int64]
    held_out_ratio: float

    @property
    def has_effects(self) -> bool:
        """Whether `plot_effects` has something to draw."""
        return bool(self.factors) and bool(self.trials.is_fair.any())

    @property
    def has_interactions(self) -> bool:
        """Whether `plot_interactions` has something to draw."""
        return self.has_effects and bool(self.interactions)

    @property
    def has_curves(self) -> bool:
        """Whether `plot_curves` has something to draw."""
        return bool(metrics_of(self.curves))

    def compare(self, first: int, second: int) -> Comparison:
        """Compare two candidates fold by fold.

        Parameters
        ----------
        first, second : int
            Rows of ``cv_results_``: indices of `leaderboard`.

        Returns
        -------
        Comparison

        Raises
        ------
        ValueError
            If there is no such row, or it has no score in some fold.
        """
        for row in (first, second):
            _check_row(self.trials, row)
        scores = self.trials.scores[first], self.trials.scores[second]
        return compare(*scores, self.held_out_ratio, (first, second))

    def to_markdown(self) -> str:
        """Return the report as a page of Markdown, of less than 8,000 characters.

        Names and values show as they are, whatever they contain.

        Returns
        -------
        str
        """
        return write_note(self)

    def plot_effects(self) -> Figure:
        """Draw the score of each candidate at each value of each factor, and their means.

        Returns
        -------
        matplotlib.figure.Figure
            Of no window and unknown to pyplot: show it as the last line of a notebook's cell, or
            ``savefig`` it.

        Raises
        ------
        ValueError
            If `has_effects` is false.
        """
        from sknn_tricks.diagnostics.searches._effects_figure import draw

        _check_has(self.has_effects, "effects", "a factor with two values and scores")
        return draw(self)

    def plot_interactions(self) -> Figure:
        """Draw the mean scores at the values of two factors, of up to 6 pairs.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If `has_interactions` is false.
        """
        from sknn_tricks.diagnostics.searches._interactions_figure import draw

        _check_has(self.has_interactions, "interactions", "two factors and scores")
        return draw(self)

    def plot_curves(self) -> Figure:
        """Draw the learning curves of the winner and the next best, means over their folds.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If `has_curves` is false.
        """
        from sknn_tricks.diagnostics.searches._curves_figure import draw

        _check_has(self.has_curves, "curves", "search_report(search, curves=...) with epochs")
        return draw(self)

    def __repr__(self) -> str:
        head = f"{count(self.n_candidates, 'candidate')}, {count(self.n_splits, 'fold')} each"
        lines = [f"{head}, by {self.metric}"]
        if self.winner is not None:
            row = self.leaderboard.loc[self.winner]
            params = in_words(self.factors, self.winner) or "the only candidate"
            lines += [f"  Winner:  {row['mean']:.4g} ± {row['std']:.2g}, {params}"]
        if (compared := self.comparison) is not None:
            lines += [f"  Next:    {self.trials.mean[compared.second]:.4g}. {compared.verdict}"]
            lines += [f"  Close:   {self.n_within_noise:,} of the others within one standard error"]
        lines += [f"  Effects: {self._weights()}"] if self.has_effects else []
        return "\n".join([*lines, *(f"  - {line}" for line in self.advice)])

    def _weights(self) -> str:
        parts = []
        for name, effects in self.effects.groupby("factor", sort=False):
            share, chance = effects["share"].iloc[0], effects["by_chance"].iloc[0]
            if np.isnan(share):
                return "none, all scores are equal"
            parts.append(f"{name} {percent(round(share, 3))} ({percent(round(chance, 3))})")
        return f"{', '.join(parts)} of the variance (by chance)"


def _check_row(trials: Trials, row: int) -> None:
    if row not in range(len(trials.params)):
        raise ValueError(
            message(
                f"There is no row {row}",
                expected=f"a row of cv_results_, 0 to {len(trials.params) - 1}",
                got=repr(row),
                todo="Take it from the index of report.leaderboard",
            )
        )
    if not trials.has_score[row]:
        raise ValueError(
            message(
                f"Row {row} cannot be compared",
                expected="a score in each fold",
                got=f"scores {trials.scores[row].tolist()}",
                todo="Choose a candidate that did not fail",
            )
        )


def _check_has(is_there: bool, what: str, needed: str) -> None:
    if not is_there:
        raise ValueError(
            message(
                f"There are no {what} to draw",
                expected=needed,
                got="none",
                todo=f"Ask report.has_{what} first",
            )
        )
