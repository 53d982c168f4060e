"""What the hooks of a callback have to tell, as plain messages.

These run where the fit runs, often in a worker; `Journal` reads the messages in the main process.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from numbers import Real
from typing import Any

from sknn_tricks._callback_tasks import (
    is_fold,
    is_round,
    is_whole_fit,
    lineage,
    locate,
    owner,
    step_name,
)
from sknn_tricks._param_names import describe
from sknn_tricks.fused.rendezvous._tasks import current_task
from sknn_tricks.tracking.listening._channel import Message
from sknn_tricks.tracking.writing._kinds import described, kind_of
from sknn_tricks.tracking.writing._scores import best_points, search_params


def at_begin(estimator: Any, context: Any, searched: Iterable[str]) -> list[Message]:
    """Return what is to be told when a task begins: of a fold, its parameters."""
    if not is_fold(context) or (place := locate(context)) is None:
        return []
    # where the estimator has no callbacks, scikit-learn gives the search in its place
    params = _values(estimator, searched) if is_whole_fit(context) else {}
    return [{"what": "begin", "place": asdict(place), "time": time.time(), "params": params}]


def at_end(estimator: Any, context: Any) -> list[Message]:
    """Return what is to be told when a task ends: first the curve, then the end of the fold."""
    if not (is_whole_fit(context) or is_fold(context)) or (place := locate(context)) is None:
        return []
    where = {"place": asdict(place), "time": time.time()}
    messages: list[Message] = []
    if (history := plain_history(estimator)) is not None:
        curve = {"what": "curve", "step": step_name(context), "rows": history}
        messages.append(where | curve | _facts(estimator))
    if is_fold(context):
        messages.append(where | {"what": "end", "idle": _idle_seconds()})
    return messages


def _facts(estimator: Any) -> dict[str, int | None]:
    best = getattr(estimator, "best_epoch_", None)
    return {
        "best_epoch": None if best is None else int(best),
        "n_parameters": n_parameters(estimator),
    }


def n_parameters(estimator: Any) -> int | None:
    """Return the number of weights of a fitted net, or of all nets of an ensemble.

    None for an estimator without a torch module.
    """
    fitted = getattr(estimator, "members_", None) or [estimator]
    modules = [getattr(getattr(each, "net_", each), "module_", None) for each in fitted]
    known = [module for module in modules if module is not None]
    if len(known) < len(modules):
        return None
    return sum(weights.numel() for module in known for weights in module.parameters())


def _idle_seconds() -> float:
    """Return how long this fit has waited for others that train together with it."""
    task = current_task()
    return 0.0 if task is None else task.idle


def plain_history(estimator: Any) -> list[dict[str, float]] | None:
    """Return the numbers of ``history_``, one dict an epoch; None without a history."""
    history = getattr(estimator, "history_", None)
    if history is None:
        return None
    # Of a fit that went on from an earlier one, what is new.
    history = history[len(history) - getattr(estimator, "_n_epochs_of_fit", len(history)) :]
    return [
        {key: float(value) for key, value in row.items() if _is_number(value)} for row in history
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _values(estimator: Any, searched: Iterable[str]) -> dict[str, str]:
    params: Mapping[str, Any] = estimator.get_params(deep=True)
    return {name: describe(params[name]) for name in searched if name in params}


def at_round(search: Any, context: Any) -> list[Message]:
    """Return what is to be told, in the main process, when all begins or candidates are sent out.

    The root task of any fit tells of the configuration of its estimator.
    """
    messages: list[Message] = []
    if context.parent is None:
        messages.append({"what": "config", "estimator": described(search)})
    if not is_round(context) or (place := locate(context)) is None or place.part == "fold":
        return messages
    path = tuple(task.task_id for task in lineage(context))
    return [
        *messages,
        {
            "what": "round",
            "is_one": kind_of(search) == "cross_validation",
            "owner": owner(context),
            "path": path,
            "n_splits": search.n_splits_,
            "n_fits": context.max_subtasks,
            "n_before": getattr(search, "n_trials_before_", 0),
            "params": search_params(search),
            "names": every_searched_name(search),
        },
    ]


def at_results(search: Any, context: Any) -> list[Message]:
    """Return what is to be told, in the main process, when a search has its results."""
    if not hasattr(search, "cv_results_") or not is_whole_fit(context):
        return []
    if (place := locate(context)) is None or place.part == "fold":
        return []
    found: Message = {"owner": owner(context), "table": search.cv_results_}
    results = {
        "what": "results",
        "params": search_params(search),
        "best": {"row": getattr(search, "best_index_", None), "points": best_points(search)},
        "time": time.time(),
    }
    configs = {"what": "configs", "estimator": search.estimator}
    is_one = kind_of(search) == "cross_validation"  # its configuration is that of the run
    return [found | results] if is_one else [found | results, found | configs]


def every_searched_name(search: Any) -> list[str]:
    """Return the parameters that any candidate of a search sets."""
    names = {name for grid in _grids(search) for name in grid}
    resource = getattr(search, "resource", "n_samples")
    return sorted(names | ({resource} - {"n_samples"}))


def always_searched_names(search: Any) -> list[str]:
    """Return the parameters that all candidates of a search set."""
    grids = _grids(search)
    return sorted(set(grids[0]).intersection(*grids[1:])) if grids else []


def _grids(search: Any) -> list[Mapping[str, Any]]:
    grid = getattr(search, "param_grid", None) or getattr(search, "param_distributions", None) or []
    return [grid] if isinstance(grid, Mapping) else list(grid)
