"""A fit that has come to its end, and what its best says of rows it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sknn_tricks._sklearn_private import BaseSearchCV
from sknn_tricks.tracking.writing._options import Options


@dataclass(frozen=True)
class Finished:
    """A fit that has come to its end.

    Attributes
    ----------
    estimator : estimator
        The outermost, or what a cross-validation validated.
    model : estimator or None
        What was fitted last, on all rows.
    X, y : array-like
        What the fit was given.
    sample_weight : array-like or None
    search : search or None
        What has candidates.
    splits : list of (ndarray, ndarray)
        Rows of the folds; empty if there are none or they were not seen.
    out_of_fold : OutOfFold or None
    failures : list of (str, Exception)
        What could not be made, and why.
    """

    estimator: Any
    model: Any
    X: Any
    y: Any
    sample_weight: Any = None
    search: Any = None
    splits: Sequence[Any] = ()
    out_of_fold: Any = None
    failures: list[tuple[str, Exception]] = field(default_factory=list)


def finished_folds(
    search: Any, X: Any, y: Any, sample_weight: Any, splits: Sequence[Any], options: Options
) -> Finished:
    """Gather what a search or a cross-validation found.

    scikit-learn shows no callback a fold's test rows, so the winner is fitted on each fold once
    more if out-of-fold predictions are wanted. Nets that train fused do so as one stack more,
    which is cheap; for other searches it is done if the user asks for it.
    """
    done = Finished(
        estimator=search,
        model=getattr(search, "best_estimator_", None),
        X=X,
        y=y,
        sample_weight=sample_weight,
        search=search if isinstance(search, BaseSearchCV) else None,
        splits=splits,
    )
    wanted = options.out_of_fold
    if wanted is None:  # our cross-validation trains fused, and is no longer about it here
        wanted = done.search is None or trains_fused()
    winner = _winner(search)
    if not wanted or winner is None or not splits:
        return done
    try:
        return replace(done, out_of_fold=_predict(winner, done))
    except Exception as error:  # a search is not to fail for a figure
        done.failures.append(("out_of_fold", error))
        return done


def trains_fused() -> bool:
    """Tell whether fits that begin now are trained together."""
    from joblib.parallel import get_active_backend

    from sknn_tricks.fused.rendezvous import FusedBackend

    return isinstance(get_active_backend()[0], FusedBackend)


def _winner(search: Any) -> Any:
    """Return the best candidate, not fitted; None if the search has chosen none."""
    from sklearn.base import clone

    params = getattr(search, "best_params_", None)
    if params is None:
        return None if isinstance(search, BaseSearchCV) else clone(search.estimator)
    return clone(search.estimator).set_params(**clone(params, safe=False))


def _predict(winner: Any, done: Finished) -> Any:
    from sknn_tricks import diagnostics

    weight = done.sample_weight
    params = None if weight is None else {"sample_weight": weight}
    return diagnostics.out_of_fold(winner, done.X, done.y, cv=done.splits, fit_params=params)
