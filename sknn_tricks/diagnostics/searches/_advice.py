"""What to do next, by what a search has found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sknn_tricks.diagnostics._words import count, listed
from sknn_tricks.diagnostics.searches._effects import group, is_balanced
from sknn_tricks.diagnostics.searches._factors import Factor
from sknn_tricks.diagnostics.searches._learning import Curves, Epochs, ends_too_early
from sknn_tricks.diagnostics.searches._trials import Trials

# A factor of fewer values has no inner ones.
_FEWEST_VALUES = 3
_ROUNDING = 1e-9


def advise(
    trials: Trials, factors: Sequence[Factor], winner: int | None, curves: Curves
) -> tuple[str, ...]:
    """Say what is to be known and done, a sentence or two each.

    Parameters
    ----------
    trials : Trials
    factors : sequence of Factor
        Those that matter most first.
    winner : int or None
        Its row.
    curves : mapping of int to list
        By row, if there are any.

    Returns
    -------
    tuple of str
    """
    found = list(_about_failures(trials, factors))
    if winner is not None:
        found += [line for factor in factors if (line := _about_edge(trials, factor, winner))]
        found += _about_epochs(curves.get(winner, ()))
    return (*found, *_about_spread(trials), *_about_effects(trials, factors))


def _about_failures(trials: Trials, factors: Sequence[Factor]) -> Iterator[str]:
    fails = ~trials.has_score
    if not fails.any():
        return
    shared = [
        f"{factor.name} = {factor.levels[codes[0]]}"
        for factor in factors
        if len(codes := np.unique(factor.codes[fails])) == 1
    ]
    which = f", all with {listed(shared, 3)}" if shared and not fails.all() else ""
    of_all = f"{fails.sum():,} of {count(len(fails), 'candidate')}"
    yield (
        f"{of_all} failed in a fold or had no finite score{which}. See why with "
        "error_score='raise'."
    )


def _about_edge(trials: Trials, factor: Factor, winner: int) -> str | None:
    """Tell that the winner has the least or largest of several numbers, if the factor matters."""
    numbers = np.unique(factor.numbers[np.isfinite(factor.numbers)])
    own = factor.numbers[winner]
    if len(numbers) < _FEWEST_VALUES or not np.isfinite(own):
        return None
    fair = trials.is_fair
    groups = group(trials.mean[fair], factor.codes[fair], len(factor.levels))
    edges = {int(factor.codes[factor.numbers == n][0]): n for n in (numbers[0], numbers[-1])}
    edge = edges.get(int(factor.codes[winner]))
    # most parameters cannot be less than zero
    if edge is None or edge == 0 or not groups.weight >= -_ROUNDING:
        return None
    # not only the winner has to be at its best there
    if np.nanargmax(groups.mean) != factor.codes[winner]:
        return None
    side = "largest" if edge == numbers[-1] else "least"
    value = factor.texts[winner]
    among = "among the" if factor.is_binned else "the"
    return (
        f"The winner's {factor.name} = {value} is {among} {side} that "
        f"{'were' if factor.is_binned else 'was'} tried: widen the search to that side."
    )


def _about_epochs(folds: Sequence[Epochs]) -> Iterator[str]:
    if ends_too_early(folds):
        yield "The winner was still getting better in its last epoch: train longer (max_epochs)."


def _about_spread(trials: Trials) -> Iterator[str]:
    fair = trials.is_fair
    if trials.n_splits == 1:
        yield "A single split shows no spread: cross-validate to know how sure the scores are."
    elif fair.sum() > 1:
        between, within = float(np.ptp(trials.mean[fair])), float(np.median(trials.std[fair]))
        if within > between > 0:
            yield (
                f"Folds differ more (standard deviation {within:.4g}) than all candidates do "
                f"(best less worst {between:.4g}): use more rows or RepeatedKFold, or take the "
                "simplest candidate."
            )


def _about_effects(trials: Trials, factors: Sequence[Factor]) -> Iterator[str]:
    if trials.rounds.any():
        yield (
            "Effects are those of the first round, where all candidates were scored with equal "
            "resources; the ranking is that of the last round each came to."
        )
    if trials.pruned.any():
        yield (
            f"{count(int(trials.pruned.sum()), 'pruned candidate')} rank below all others and do "
            "not count for the effects."
        )
    if len(factors) > 1 and not is_balanced(trials, factors):
        yield (
            "The values of a factor were tried in unequal company, so part of an effect may be "
            "another factor's."
        )
