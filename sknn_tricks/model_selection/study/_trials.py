"""The trials of a study: asked for in batches, evaluated, and told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState

from sknn_tricks.model_selection.study._space import Space

# Under which name a trial keeps how it did.
RESULT = "sknn_tricks:result"
OF_A_FOLD = ("test_scores", "train_scores", "fit_time", "score_time")


@dataclass
class Rows:
    """Candidates that have been evaluated, in the order of their trials.

    Parameters
    ----------
    numbers : list of int
        The numbers of the trials.
    params : list of dict
    folds : list of dict
        What each fold of each candidate gave.
    """

    numbers: list[int] = field(default_factory=list)
    params: list[dict[str, Any]] = field(default_factory=list)
    folds: list[dict[str, Any]] = field(default_factory=list)


class Trials:
    """The trials of a study.

    A trial that was evaluated keeps what each of its folds gave: a fit that goes on with the
    study has the rows of ``cv_results_`` from there. Those that were under way when a process
    was killed have failed.

    Parameters
    ----------
    study : optuna.Study
    space : Space
    n_splits : int
        Folds of a candidate.

    Attributes
    ----------
    before : Rows
        Evaluated by earlier fits.
    numbers : list of int
        The trials that this fit has asked for.
    asked : list of optuna.Trial
        The present batch.
    pruned : set of int
        The numbers of all trials that were stopped before their time.
    """

    _folds: Sequence[Mapping[str, Any]] = ()

    def __init__(self, study: Study, space: Space, n_splits: int) -> None:
        self.study = study
        self._space, self._n_splits = space, n_splits
        self.before, self.numbers = Rows(), list[int]()
        self.asked: list[Trial] = []
        self.pruned: set[int] = set()
        there = study.get_trials(deepcopy=False)
        for trial in there:
            space.check(trial)
        for trial in there:
            if trial.state == TrialState.RUNNING:
                self._end(trial.number, trial.user_attrs.get(RESULT))
            if RESULT in trial.user_attrs:
                self._remember(trial)

    @contextmanager
    def batch(self, size: int) -> Iterator[list[dict[str, Any]]]:
        """Ask for candidates; those that nobody has told of when the block ends have failed."""
        self.asked = []
        try:
            for _ in range(size):
                self.asked.append(self.study.ask(self._space.distributions))
            self.numbers += [trial.number for trial in self.asked]
            yield [self._space.values(trial) for trial in self.asked]
        finally:
            for trial in self.asked:
                if self._is_running(trial.number):
                    self._end(trial.number, None)

    def rows(self, params: Sequence[dict[str, Any]], folds: Sequence[dict[str, Any]]) -> Rows:
        """Return all candidates that have been evaluated.

        Parameters
        ----------
        params, folds : sequence of dict
            Those of this fit so far: parameters, and what each of their folds gave.

        Returns
        -------
        Rows
        """
        n_new, before = len(self.numbers), self.before
        self._folds = folds[: n_new * self._n_splits]
        return Rows(
            [*before.numbers, *self.numbers],
            [*before.params, *params[:n_new]],
            [*before.folds, *self._folds],
        )

    def tell(self, scores: Iterable[float]) -> bool:
        """Tell the study how the batch did, the latest of `rows`.

        Parameters
        ----------
        scores : iterable of float
            Of each candidate; higher is better.

        Returns
        -------
        bool
            Whether the sampler has nothing more to try.
        """
        is_over, start = False, len(self._folds) - len(self.asked) * self._n_splits
        for i, (trial, score) in enumerate(zip(self.asked, scores, strict=True)):
            folds = self._folds[start + i * self._n_splits :][: self._n_splits]
            result = {
                "score": float(score),
                "pruned": trial.number in self.pruned,
                "folds": [_plain(fold) for fold in folds],
            }
            # First, so that who is killed in between finds it.
            trial.set_user_attr(RESULT, result)
            is_over |= self._end(trial.number, result)
        return is_over

    def _end(self, number: int, result: Mapping[str, Any] | None) -> bool:
        """End a trial; True if the sampler has nothing more to try."""
        value, state = None, TrialState.FAIL
        if result is not None and result["pruned"]:
            state = TrialState.PRUNED
        elif result is not None and not math.isnan(result["score"]):
            value, state = result["score"], TrialState.COMPLETE
        try:
            self.study.tell(number, value, state)
        except RuntimeError as error:
            # A grid that is exhausted stops Optuna's own loop, which this is not. The trial has
            # ended all the same.
            if "Study.stop" not in str(error):
                raise
            return True
        return False

    def _is_running(self, number: int) -> bool:
        return self.study.get_trials(deepcopy=False)[number].state == TrialState.RUNNING

    def _remember(self, trial: FrozenTrial) -> None:
        """Keep what an earlier fit found."""
        result = trial.user_attrs[RESULT]
        self.before.numbers.append(trial.number)
        self.before.params.append(self._space.values(trial))
        self.before.folds += result["folds"]
        if result["pruned"]:
            self.pruned.add(trial.number)


def _plain(fold: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``cv_results_`` needs of a fold, as JSON can hold it."""
    return {name: _numbers(fold[name]) for name in OF_A_FOLD if name in fold}


def _numbers(value: Any) -> Any:
    if isinstance(value, Mapping):  # of several metrics
        return {name: float(each) for name, each in value.items()}
    return float(value)
