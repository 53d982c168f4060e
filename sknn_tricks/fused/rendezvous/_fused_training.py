"""Where fits meet."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from joblib import parallel_config
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed

from sknn_tricks.fused._job import Job, Trained
from sknn_tricks.fused._train import train
from sknn_tricks.fused.cache import as_cache
from sknn_tricks.fused.rendezvous._backend import (
    FusedBackend,
    Fusion,
    active_fusion,
    outer_backend,
)
from sknn_tricks.fused.rendezvous._tasks import current_task


def train_together(*jobs: Job) -> list[Trained]:
    """Train the jobs of a fit, with those of the other fits that are about to train.

    A fit meets others in the tasks of a Parallel call under the backend "fused"; anywhere else
    it trains at once.

    Parameters
    ----------
    *jobs : Job
        One, or those of an ensemble.

    Returns
    -------
    list of Trained

    Raises
    ------
    BaseException
        What the training of the first one raised that failed.
    """
    task, fusion = current_task(), active_fusion()
    if task is not None:
        results = task.hub.park(task, jobs)
    else:
        results = train(jobs) if fusion is None else fusion.train(jobs)
    for trained in results:
        for warning in trained.warnings:
            warnings.warn(warning, stacklevel=2)
        if trained.error is not None:
            raise trained.error
    return results


@contextmanager
def fused_training(n_jobs: int | None = None, cache: Any = None) -> Iterator[Fusion]:
    """Train together the nets that searches, cross-validations and ensembles fit in the block.

    Whatever hands its fits to `joblib.Parallel` is served: `GridSearchCV`, `cross_validate`,
    `StackingClassifier`, `BaggingClassifier`, one in another... Results are the same as without
    the block, bit by bit. In a block that is inside another, nets join those of the outer one.

    Parameters
    ----------
    n_jobs : int, default=None
        Cores to train on, -1 for all. None takes `n_jobs` of `joblib.parallel_config` or of the
        search, and all cores where neither says anything.
    cache : folder, Cache or None, default=None
        Where trained nets are kept: what was trained before, with the same settings, seed and
        data, is not trained again. So a search that was killed goes on where it was. A block
        inside another takes part in the other's cache, or gives it one.

    Yields
    ------
    Fusion
        Its attribute `report` says what has been trained with what.

    Notes
    -----
    Stacks are trained on this machine, or where the joblib backend that is active outside of the
    block sends them: ``with joblib.parallel_config(backend="dask"), fused_training():`` spreads
    them over a Dask cluster.

    Tasks run one at a time, each in a thread of its own; a fit waits while the others come to
    theirs. Code that fits a net while it holds a lock which other tasks need waits forever.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sknn_tricks import NetClassifier
    >>> net = NetClassifier(max_epochs=2, random_state=0)
    >>> search = GridSearchCV(net, {"lr": [0.001, 0.01]}, cv=3)
    >>> with fused_training() as fused:
    ...     _ = search.fit(*load_iris(return_X_y=True))
    >>> fused.report.n_nets
    7
    """
    fusion = active_fusion()
    if fusion is None:
        n_cores = get_active_backend()[1] if n_jobs is None else n_jobs
        fusion = Fusion(n_cores, cache, outer_backend())
    fusion.cache = fusion.cache or as_cache(cache)
    with parallel_config(backend=FusedBackend(fusion=fusion)):
        yield fusion


def fit_many(fits: Iterable[tuple[Any, Any, Any]], n_jobs: int | None = None) -> list[Any]:
    """Fit estimators, and train their nets together.

    Parameters
    ----------
    fits : iterable of (estimator, X, y)
        Nets, or whatever has a net inside. Each is fitted in place.
    n_jobs : int, default=None
        Cores to train on, as in `fused_training`.

    Returns
    -------
    list of estimators
        The same objects, fitted. If a fit raises, so does this function, and the fits that are
        not yet done are cancelled.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn_tricks import NetClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> nets = [NetClassifier(max_epochs=2, random_state=seed) for seed in range(3)]
    >>> [net.n_iter_ for net in fit_many((net, X, y) for net in nets)]
    [2, 2, 2]
    """
    with fused_training(n_jobs):
        return Parallel()(delayed(_fit)(*fit) for fit in fits)


def _fit(estimator: Any, X: Any, y: Any) -> Any:
    return estimator.fit(X, y)
