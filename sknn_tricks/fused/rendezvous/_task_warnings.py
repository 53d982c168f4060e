"""Warning filters that belong to one task.

Python keeps the state of `warnings` in globals of the process (from 3.14 on in a context, where
that is switched on). Of tasks that take turns, each needs its own: what one task's
``catch_warnings`` does must not reach another, and the order in which blocks end must not matter.
"""

from __future__ import annotations

import threading
import warnings
from typing import Any, ClassVar

# What warnings.catch_warnings saves and restores; private, and the same from Python 3.11 to 3.14.
_STATE = ("filters", "showwarning", "_showwarnmsg_impl")


class TaskWarnings:
    """The state of `warnings` that a task has while it runs; at first that of where it was made.

    Hubs of several threads may each have a task running; these then share the state as any two
    threads do, but when the last one stops, all is as it was before the first.
    """

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _n_in_place: ClassVar[int] = 0
    _outside: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        self._own = _state()

    def copy(self) -> TaskWarnings:
        """Return the same state for another task, with a list of filters of its own."""
        other = TaskWarnings()
        other._own = {**self._own, "filters": list(self._own["filters"])}
        return other

    def put_in_place(self) -> None:
        """Let this state be the one of the process, while the task runs."""
        with self._lock:
            if TaskWarnings._n_in_place == 0:
                TaskWarnings._outside = _state()
            TaskWarnings._n_in_place += 1
            _install(self._own)

    def take_away(self) -> None:
        """Keep this state for the task's next turn, and bring the one outside of tasks back."""
        with self._lock:
            self._own = _state()
            TaskWarnings._n_in_place -= 1
            if TaskWarnings._n_in_place == 0:
                _install(TaskWarnings._outside)


def _state() -> dict[str, Any]:
    return {name: getattr(warnings, name) for name in _STATE}


def _install(state: dict[str, Any]) -> None:
    for name, value in state.items():
        setattr(warnings, name, value)
    # Makes the interpreter forget what it remembers of the filters before.
    warnings._filters_mutated()  # type: ignore[attr-defined]
