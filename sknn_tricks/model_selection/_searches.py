"""Searches."""

from __future__ import annotations

import inspect
from typing import Any, Self

from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - it enables by import
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)

from sknn_tricks._sklearn_private import BaseSearchCV
from sknn_tricks.model_selection._fit_times import fused_with_fit_times


class _FusedFit(BaseSearchCV):
    """Lets a search train its nets together.

    A subclass has the parameters of scikit-learn's search and one more, `cache`.
    """

    cache: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        stock = cls.__mro__[2]  # after the class itself and this one

        def __init__(self: Any, *args: Any, cache: Any = None, **params: Any) -> None:
            stock.__init__(self, *args, **params)  # type: ignore[misc]
            self.cache = cache

        signature = inspect.signature(stock.__init__)  # type: ignore[misc]
        cache = inspect.Parameter("cache", inspect.Parameter.KEYWORD_ONLY, default=None)
        parameters = [*signature.parameters.values(), cache]
        __init__.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        cls.__init__ = __init__  # type: ignore[method-assign]

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        with fused_with_fit_times(self.n_jobs, self.cache) as fusion:
            super().fit(X, y, **params)
        self.report_ = fusion.report
        return self

    fit.__doc__ = BaseSearchCV.fit.__doc__


class FusedGridSearchCV(_FusedFit, GridSearchCV):
    """`GridSearchCV` whose nets are trained together; all else is as in scikit-learn.

    Scores, errors and warnings are those of `GridSearchCV`. Times to fit are those of a candidate's
    own steps and its net's share of the training, without the time it waited for others.

    Parameters
    ----------
    estimator, param_grid, scoring, refit, cv, verbose, pre_dispatch, error_score, \
return_train_score
        As in `sklearn.model_selection.GridSearchCV`.
    n_jobs : int, default=None
        Cores to train on, as in `sknn_tricks.fused.fused_training`.
    cache : folder, `sknn_tricks.fused.Cache` or None, default=None
        Where trained nets are kept, so that a search that was killed goes on where it was.

    Attributes
    ----------
    report_ : Report
        What was trained with what; inside of `fused_training` it is that block's report.
    cv_results_, best_estimator_, best_params_, best_score_, best_index_
        And all others as in scikit-learn.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn_tricks import NetClassifier
    >>> net = NetClassifier(max_epochs=20, random_state=0)
    >>> search = FusedGridSearchCV(net, {"lr": [0.0001, 0.01]}, cv=3)
    >>> search.fit(*load_iris(return_X_y=True)).best_params_
    {'lr': 0.01}
    >>> search.report_.n_nets
    7
    """


class FusedRandomizedSearchCV(_FusedFit, RandomizedSearchCV):
    """`RandomizedSearchCV` whose nets are trained together; all else is as in scikit-learn.

    See `FusedGridSearchCV` for what differs.

    Parameters
    ----------
    estimator, param_distributions, n_iter, scoring, refit, cv, verbose, pre_dispatch, \
random_state, error_score, return_train_score
        As in `sklearn.model_selection.RandomizedSearchCV`.
    n_jobs, cache
        As in `FusedGridSearchCV`.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sknn_tricks import NetClassifier
    >>> net = NetClassifier(max_epochs=2, random_state=0)
    >>> rates = {"lr": loguniform(1e-4, 1e-2)}
    >>> search = FusedRandomizedSearchCV(net, rates, n_iter=4, cv=3, random_state=0)
    >>> search.fit(*load_iris(return_X_y=True)).report_.n_nets
    13
    """


class FusedHalvingGridSearchCV(_FusedFit, HalvingGridSearchCV):
    """`HalvingGridSearchCV` whose nets are trained together; all else is as in scikit-learn.

    Those of one iteration train together. See `FusedGridSearchCV` for what differs.

    Parameters
    ----------
    estimator, param_grid, factor, resource, max_resources, min_resources, \
aggressive_elimination, cv, scoring, refit, error_score, return_train_score, random_state, verbose
        As in `sklearn.model_selection.HalvingGridSearchCV`.
    n_jobs, cache
        As in `FusedGridSearchCV`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn_tricks import NetClassifier
    >>> net = NetClassifier(max_epochs=2, random_state=0)
    >>> search = FusedHalvingGridSearchCV(net, {"lr": [0.0001, 0.001, 0.01]}, cv=2, random_state=0)
    >>> search.fit(*load_iris(return_X_y=True)).n_candidates_
    [3, 1]
    """


class FusedHalvingRandomSearchCV(_FusedFit, HalvingRandomSearchCV):
    """`HalvingRandomSearchCV` whose nets are trained together; all else is as in scikit-learn.

    Those of one iteration train together. See `FusedGridSearchCV` for what differs.

    Parameters
    ----------
    estimator, param_distributions, n_candidates, factor, resource, max_resources, min_resources, \
aggressive_elimination, cv, scoring, refit, error_score, return_train_score, random_state, verbose
        As in `sklearn.model_selection.HalvingRandomSearchCV`.
    n_jobs, cache
        As in `FusedGridSearchCV`.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sknn_tricks import NetClassifier
    >>> net = NetClassifier(max_epochs=2, random_state=0)
    >>> search = FusedHalvingRandomSearchCV(
    ...     net, {"lr": loguniform(1e-4, 1e-2)}, n_candidates=4, cv=2, random_state=0
    ... )
    >>> search.fit(*load_iris(return_X_y=True)).n_candidates_
    [4, 2]
    """
