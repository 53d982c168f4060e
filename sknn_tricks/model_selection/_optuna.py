"""A search that learns where to look, with Optuna."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from sknn_tricks._callback_warnings import expect_steps_without_callbacks
from sknn_tricks._sklearn_private import BaseSearchCV, Interval, yields_constant_splits
from sknn_tricks.fused._random import draw_seed
from sknn_tricks.model_selection import _refusals as refusals
from sknn_tricks.model_selection._fit_times import fused_with_fit_times

if TYPE_CHECKING:
    from sknn_tricks.model_selection.study import Trials

Evaluate = Callable[..., dict[str, Any]]


class FusedOptunaSearchCV(BaseSearchCV):
    """Search with Optuna, in batches of candidates whose nets are trained together.

    Optuna proposes a batch, which is cross-validated like the candidates of `FusedGridSearchCV`;
    from the scores it learns what to propose next. Higher scores are better, as always in
    scikit-learn.

    Parameters
    ----------
    estimator : estimator
    param_distributions : dict of str to optuna distribution or list
        What each parameter is drawn from. A list holds categories of any type; those that Optuna
        cannot write down, such as tuples, have labels in the study.
    n_trials : int, default=64
        Candidates to evaluate, those of earlier fits of the same study included.
    batch_size : int, default=16
        Candidates that are evaluated at once. More train faster; fewer learn more from each other.
    timeout : float, default=None
        Seconds after which no further batch begins.
    study_name : str, default=None
        Needed with `storage`.
    storage : str, default=None
        URL of a database, such as ``"sqlite:///study.db"``, from which another fit goes on, also
        after the process was killed. None keeps the study in memory. One process at a time.
    sampler : optuna.samplers.BaseSampler, default=None
        A copy of it proposes. None for a `TPESampler` with the seed of `random_state`.
    pruner : optuna.pruners.BasePruner, default=None
        A copy of it is told of each epoch how good a candidate's nets are, and stops those of poor
        candidates: see the notes. None lets all of them train to their end.
    scoring, cv, verbose, pre_dispatch, error_score, return_train_score
        As in `sklearn.model_selection.GridSearchCV`. `cv` must give the same folds each time.
    refit : bool, str or callable, default=True
        As there, but with several metrics it must name the one that is optimised.
    n_jobs, cache
        As in `FusedGridSearchCV`.
    random_state : int, RandomState or None, default=None
        Seed of the proposals.

    Attributes
    ----------
    study_ : optuna.Study
        With all its trials.
    n_trials_before_ : int
        Candidates that earlier fits of the study have evaluated; they are the first rows of
        ``cv_results_``, and may be the best.
    report_ : Report
        What was trained with what; inside of `fused_training` it is that block's report.
    cv_results_, best_estimator_, best_params_, best_score_, best_index_
        And all others as in scikit-learn. ``cv_results_`` has two columns more: ``trial``, its
        number in the study, and ``pruned``. The best candidate is a pruned one only where there is
        no other with a score.

    Raises
    ------
    ImportError
        When a fit begins, if Optuna is not installed.
    ValueError
        If a parameter is not as described, or the study was made for another search.

    Notes
    -----
    Candidates without a score have failed in the study. Those that were under way when a process
    was killed have failed too and do not count; their batch is proposed again. A study whose
    trials are all there costs one candidate more, whose result is not used, and the refit. Trials
    that somebody else has added to a study teach the sampler and have no row.

    A pruner is told of ``valid_score``, which nets have that stop early or are given validation
    data; else of the negative loss in training. Epochs count from 0, and the value is the mean over
    a candidate's folds, once all have come so far. What is compared with candidates of the same
    batch, as `SuccessiveHalvingPruner` does, depends on which trains first. A pruned candidate
    keeps the scores of its nets as they are; where its folds train in several stacks, these have
    not stopped at the same epoch. Estimators that have no epochs are not pruned; an ensemble is
    judged by its first net.

    Examples
    --------
    >>> from optuna.distributions import FloatDistribution
    >>> from sklearn.datasets import load_iris
    >>> from sknn_tricks import NetClassifier
    >>> net = NetClassifier(max_epochs=2, random_state=0)
    >>> rates = {"lr": FloatDistribution(1e-4, 1e-1, log=True), "optimizer": ["adam", "sgd"]}
    >>> search = FusedOptunaSearchCV(net, rates, n_trials=6, batch_size=3, cv=2, random_state=0)
    >>> search.fit(*load_iris(return_X_y=True)).report_.n_nets
    13
    >>> len(search.study_.trials)
    6
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseSearchCV._parameter_constraints,
        "param_distributions": [dict],
        "n_trials": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "timeout": [Interval(Real, 0, None, closed="neither"), None],
        "study_name": [str, None],
        "storage": [str, None],
        "sampler": "no_validation",
        "pruner": "no_validation",
        "random_state": ["random_state"],
        "cache": "no_validation",
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: dict[str, Any],
        *,
        n_trials: int = 64,
        batch_size: int = 16,
        timeout: float | None = None,
        study_name: str | None = None,
        storage: str | None = None,
        sampler: Any = None,
        pruner: Any = None,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        cache: Any = None,
    ) -> None:
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.n_trials = n_trials
        self.batch_size = batch_size
        self.timeout = timeout
        self.study_name = study_name
        self.storage = storage
        self.sampler = sampler
        self.pruner = pruner
        self.random_state = random_state
        self.cache = cache

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        _need_optuna()
        try:
            with fused_with_fit_times(self.n_jobs, self.cache) as fusion, self._listening():
                super().fit(X, y, **params)
        finally:
            for name in ("_trials", "_epoch_pruner"):
                self.__dict__.pop(name, None)
        self.report_ = fusion.report
        return self

    fit.__doc__ = BaseSearchCV.fit.__doc__

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Have the pruner, if there is one, listen to epochs like a callback of the user's."""
        if self.pruner is None:
            yield
            return
        from sknn_tricks.model_selection.study import EpochPruner

        self._epoch_pruner = EpochPruner()
        own = getattr(self, "_skl_callbacks", [])
        self.set_callbacks(*own, self._epoch_pruner)
        try:
            with warnings.catch_warnings():
                expect_steps_without_callbacks()
                yield
        finally:
            self.set_callbacks(*own)

    def _check_input_parameters(self, X: Any, y: Any, split_params: Any) -> None:
        if not yields_constant_splits(self._checked_cv_orig):
            raise ValueError(refusals.other_splits_each_time(self._checked_cv_orig))

    def _check_refit_for_multimetric(self, scores: Iterable[str]) -> None:
        if not (isinstance(self.refit, str) and self.refit in scores):
            raise ValueError(refusals.no_metric(self.refit, scores))

    def _run_search(self, evaluate_candidates: Evaluate, *, callback_ctx: Any) -> None:
        self._trials = trials = self._open()
        self.study_, self.n_trials_before_ = trials.study, len(trials.before.numbers)
        sizes = self._batch_sizes()
        if not sizes:
            # scikit-learn wants a result, also where all are known.
            evaluate_candidates(trials.before.params[-1:])
        search = callback_ctx.subcontext(task_name="search", max_subtasks=len(sizes))
        search.call_on_fit_task_begin(estimator=self)
        stop_at = time.monotonic() + (self.timeout or math.inf)
        for size, sampler in zip(sizes, self._samplers(), strict=False):
            trials.study.sampler = sampler
            is_over = self._run_batch(size, evaluate_candidates, search)
            if is_over or time.monotonic() > stop_at:
                break
        search.call_on_fit_task_end(estimator=self)

    def _samplers(self) -> Iterator[Any]:
        """Yield what proposes the next batch."""
        from sknn_tricks.model_selection.study import copy_of_sampler, new_sampler

        if self.sampler is not None:
            yield from repeat(copy_of_sampler(self.sampler, is_new=not self.n_trials_before_))
        seed = draw_seed(self.random_state)
        while True:
            yield new_sampler(seed, self.n_trials_before_ + len(self._trials.numbers))

    def _open(self) -> Trials:
        """Return the trials of a study, which is new or one to go on with."""
        from sknn_tricks.model_selection.study import Space, Trials, open_study

        settings = {
            "n_splits": self.n_splits_,
            "scoring": _names(self.scoring),
            "optimised": self.refit if isinstance(self.refit, str) else "score",
            "return_train_score": self.return_train_score,
        }
        space = Space(self.param_distributions)
        study = open_study(
            self.study_name, self.storage, self.pruner, settings, verbose=self.verbose > 0
        )
        return Trials(study, space, self.n_splits_)

    def _batch_sizes(self) -> list[int]:
        """Return how many candidates are evaluated at once, until all are."""
        n_left = max(self.n_trials - self.n_trials_before_, 0)
        n_full, rest = divmod(n_left, self.batch_size)
        return [self.batch_size] * n_full + [rest] * (rest > 0)

    def _run_batch(self, size: int, evaluate_candidates: Evaluate, search: Any) -> bool:
        """Evaluate a batch; True if the sampler has nothing more to try."""
        trials = self._trials
        batch = search.subcontext(
            task_name="optuna-batch",
            max_subtasks=size * self.n_splits_,
            sequential_subtasks=False,
        )
        if self.pruner is not None:
            self._epoch_pruner.watch(batch, trials, self.n_splits_)
        with trials.batch(size) as candidates:
            batch.call_on_fit_task_begin(estimator=self)
            results = evaluate_candidates(candidates, callback_ctx=batch)
            is_over = trials.tell(self._optimised(results)[-size:])
        batch.call_on_fit_task_end(estimator=self)
        return is_over

    def _optimised(self, results: dict[str, Any]) -> Any:
        """Return the mean scores that are optimised."""
        before = "mean_test_"
        metrics = [key.removeprefix(before) for key in results if key.startswith(before)]
        if metrics != ["score"]:  # of a function, nobody knows it earlier
            self._check_refit_for_multimetric(metrics)
        return results[before + (self.refit if metrics != ["score"] else "score")]

    def _format_results(
        self,
        candidate_params: list[dict[str, Any]],
        n_splits: int,
        out: list[dict[str, Any]],
        more_results: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return ``cv_results_`` with what earlier fits of the study have found."""
        rows = self._trials.rows(candidate_params, out)
        results = super()._format_results(rows.params, n_splits, rows.folds, more_results)
        pruned = [number in self._trials.pruned for number in rows.numbers]
        return {**results, "trial": np.array(rows.numbers), "pruned": np.array(pruned)}

    @staticmethod
    def _select_best_index(refit: Any, refit_metric: str, results: dict[str, Any]) -> Any:
        if callable(refit):
            return BaseSearchCV._select_best_index(refit, refit_metric, results)
        has_ended = ~results["pruned"] & np.isfinite(results[f"mean_test_{refit_metric}"])
        ranks = results[f"rank_test_{refit_metric}"]
        return np.where(has_ended | ~has_ended.any(), ranks, ranks.max() + 1).argmin()


def _need_optuna() -> None:
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise ImportError(refusals.no_optuna()) from error


def _names(scoring: Any) -> Any:
    """Return what a scoring is called, as JSON can hold it."""
    if scoring is None or isinstance(scoring, str):
        return scoring
    return "function" if callable(scoring) else sorted(scoring)
