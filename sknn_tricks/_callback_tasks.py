"""Where in a search a task of scikit-learn's callback contexts belongs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_FOLD = "candidate-split-evaluation"
_REFIT = "refit-with-best-params"
_ROUNDS = ("search", "halving-iteration", "optuna-batch", "cross-validation")


@dataclass(frozen=True)
class Place:
    """The part of a run that a task belongs to.

    Attributes
    ----------
    part : {"fold", "refit", "fit"}
        A fold of a search, the refit of its best candidate, or everything else.
    round : tuple of int
        For a fold, the task ids from the root to the task that holds the folds: the search, or
        one iteration of a halving search, one batch of a search with Optuna, or a whole
        cross-validation.
    task : int
        For a fold, ``candidate * n_splits + split``.
    """

    part: str
    round: tuple[int, ...] = ()
    task: int = 0


def locate(context: Any) -> Place | None:
    """Return the place of a task, or None inside the folds of a search within a fold."""
    path = lineage(context)
    folds = [depth for depth, task in enumerate(path) if is_fold(task)]
    if len(folds) > 1:
        return None
    if folds:
        return Place("fold", ids(path[: folds[0]]), path[folds[0]].task_id)
    return Place("refit" if any(_stands_for(task, _REFIT) for task in path) else "fit")


def is_fold(context: Any) -> bool:
    """Tell whether a task is one candidate's fit on one split."""
    return _stands_for(context, _FOLD)


def is_round(context: Any) -> bool:
    """Tell whether the children of a task are folds."""
    return context.task_name in _ROUNDS and not context.sequential_subtasks


def is_whole_fit(context: Any) -> bool:
    """Tell whether a task is the whole fit of the estimator that runs it."""
    return context.parent is None or context.source_task_name is not None


def owner(context: Any) -> tuple[int, ...]:
    """Return the task ids from the root to the fit of the estimator that runs a task."""
    path = lineage(context)
    while not is_whole_fit(path[-1]):
        path.pop()
    return ids(path)


def step_name(context: Any) -> str:
    """Return the pipeline step that an estimator's fit stands for."""
    return (context.source_task_name or "fit").removeprefix("fit-transform-")


def lineage(context: Any) -> list[Any]:
    """Return the tasks from the root down to this one."""
    path = []
    while context is not None:
        path.append(context)
        context = context.parent
    return path[::-1]


def ids(path: list[Any]) -> tuple[int, ...]:
    """Return the task ids along a path."""
    return tuple(task.task_id for task in path)


def _stands_for(context: Any, name: str) -> bool:
    # the root task of an estimator is merged with the task of the estimator that fits it
    return name in (context.task_name, context.source_task_name)
