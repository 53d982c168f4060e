"""What the hooks of a callback have to tell, as plain messages.

These run where the fit runs, often in a worker; `Journal` reads the messages in the main process.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from numbers import Real
from typing import Any

from sknn_tricks.tracking._channel import Message
from sknn_tricks.tracking._names import describe
from sknn_tricks.tracking._place import (
    is_fold,
    is_round,
    is_whole_fit,
    lineage,
    locate,
    owner,
    step_name,
)
from sknn_tricks.tracking._scores import best_points, search_params


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
        began = context.init_time.timestamp()
        curve = {"what": "curve", "step": step_name(context), "rows": history, "began": began}
        messages.append(where | curve)
    if is_fold(context):
        messages.append(where | {"what": "end"})
    return messages


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
    """Return what is to be told, in the main process, when candidates are sent out."""
    if not is_round(context) or (place := locate(context)) is None or place.part == "fold":
        return []
    path = tuple(task.task_id for task in lineage(context))
    return [
        {
            "what": "round",
            "owner": owner(context),
            "path": path,
            "n_splits": search.n_splits_,
            "n_fits": context.max_subtasks,
            "n_before": getattr(search, "n_trials_before_", 0),
            "params": search_params(search),
            "names": every_searched_name(search),
        }
    ]


def at_results(search: Any, context: Any) -> list[Message]:
    """Return what is to be told, in the main process, when a search has its results."""
    if not hasattr(search, "cv_results_") or not is_whole_fit(context):
        return []
    if (place := locate(context)) is None or place.part == "fold":
        return []
    return [
        {
            "what": "results",
            "owner": owner(context),
            "params": search_params(search),
            "table": search.cv_results_,
            "best": {"row": getattr(search, "best_index_", None), "points": best_points(search)},
            "time": time.time(),
        }
    ]


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
