"""A cross-validation whose folds are tasks of one run: callbacks see all of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.callback import AutoPropagatedCallback, CallbackSupportMixin, with_callbacks
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv

Results = dict[str, Any]


class CrossValidation(CallbackSupportMixin, BaseEstimator):
    """One cross-validation of one estimator, with callbacks.

    scikit-learn's `cross_validate` knows no callbacks: an estimator that has some would begin
    anew with them in each fold. Here the folds are tasks below one root, as those of a search.

    Parameters
    ----------
    estimator : estimator
        Callbacks of its own that find their way down to nets are those of the whole.
    scoring, cv : as in `sklearn.model_selection.cross_validate`
        `cv` may also be an iterable, which is used up.

    Attributes
    ----------
    n_splits_ : int
    cv_results_ : dict
        As that of a search with a single candidate without parameters.
    """

    def __init__(self, estimator: Any, *, scoring: Any = None, cv: Any = None) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.cv = cv

    @with_callbacks
    def run(
        self,
        function: Callable[..., Results],
        X: Any,
        y: Any = None,
        groups: Any = None,
        **settings: Any,
    ) -> Results:
        """Fit and score the folds.

        Parameters
        ----------
        function : callable
            scikit-learn's `cross_validate`.
        X, y, groups, **settings
            What it is given.

        Returns
        -------
        dict
            What it returns.
        """
        # A splitter is asked before the root task begins: a callback may put another in its place.
        self._checked_cv_orig = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        of_rows = groups if groups is not None else (settings.get("params") or {}).get("groups")
        self.n_splits_ = self._checked_cv_orig.get_n_splits(X, y, of_rows)
        root = self._init_callback_context(
            "cross-validation", max_subtasks=self.n_splits_, sequential_subtasks=False
        )
        root.call_on_fit_task_begin(estimator=self, X=X, y=y)
        folds = [
            root.subcontext("candidate-split-evaluation", task_id=i) for i in range(self.n_splits_)
        ]
        results = function(
            _cloned_into(folds, self.estimator, self),
            X,
            y,
            groups=groups,
            scoring=self._scoring(),
            cv=self._checked_cv_orig,
            **settings,
        )
        self.cv_results_ = as_table(results)
        root.call_on_fit_task_end(estimator=self, X=X, y=y)
        return results

    def _scoring(self) -> Any:
        """Return the scorers; by default not one that holds what `_cloned_into` returns."""
        return check_scoring(self.estimator) if self.scoring is None else self.scoring


def as_table(results: Mapping[str, Any]) -> Results:
    """Return what `cross_validate` returned as ``cv_results_`` of a single candidate.

    Examples
    --------
    >>> table = as_table({"test_score": np.array([0.5, 1.0]), "fit_time": np.array([2.0, 4.0])})
    >>> table["mean_test_score"], table["split1_test_score"], table["mean_fit_time"]
    (array([0.75]), array([1.]), array([3.]))
    """
    table: Results = {"params": [{}]}
    for name, values in results.items():
        if name.startswith(("test_", "train_")):
            table |= {f"split{i}_{name}": np.array([v]) for i, v in enumerate(values)}
        elif name not in ("fit_time", "score_time"):
            continue
        table[f"mean_{name}"] = np.array([np.mean(values)])
        table[f"std_{name}"] = np.array([np.std(values)])
    return table


def handed_down(callbacks: Sequence[Any] | None, estimator: Any) -> list[Any]:
    """Return the callbacks of a cross-validation: those given, and the estimator's that go down."""
    given = list(callbacks or [])
    return given + [each for each in _going_down(estimator) if each not in given]


def _going_down(estimator: Any) -> Iterator[Any]:
    for callback in getattr(estimator, "_skl_callbacks", []):
        if isinstance(callback, AutoPropagatedCallback):
            yield callback


def _cloned_into(folds: Sequence[Any], estimator: Any, caller: CrossValidation) -> Any:
    """Return a copy of an estimator whose clones are fitted as the tasks of the folds, in turn.

    scikit-learn clones the estimator once for each fold, in their order.
    """
    waiting = iter(folds)
    original = copy.copy(estimator)
    original.__sklearn_clone__ = lambda: _in_task(clone(estimator), next(waiting), caller)
    return original


def _in_task(estimator: Any, context: Any, caller: CrossValidation) -> Any:
    if handed := list(_going_down(estimator)):
        estimator.set_callbacks(*(c for c in estimator._skl_callbacks if c not in handed))
    estimator.fit = _FitInTask(estimator, context, caller)
    return estimator


class _FitInTask:
    """The next `fit` of an estimator, as a task of scikit-learn's callbacks.

    Parameters
    ----------
    estimator : estimator
        Has its own `fit` back as soon as this is called.
    context : CallbackContext
        The task.
    caller : CrossValidation
    """

    def __init__(self, estimator: Any, context: Any, caller: CrossValidation) -> None:
        self._estimator, self._context, self._caller = estimator, context, caller

    def __call__(self, X: Any, *y: Any, **params: Any) -> Any:
        del self._estimator.fit
        weight = params.get("sample_weight")
        seen = {
            "estimator": self._caller,
            "X": X,
            "y": y[0] if y else None,
            "metadata": None if weight is None else {"sample_weight": weight},
        }
        try:
            with self._context.propagate_callback_context(self._estimator):
                self._context.call_on_fit_task_begin(**seen)
                return self._estimator.fit(X, *y, **params)
        finally:
            self._context.call_on_fit_task_end(**seen)
