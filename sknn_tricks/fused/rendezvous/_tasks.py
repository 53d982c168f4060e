"""Tasks, and the calls they belong to. The hub keeps its books in them, under its lock."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sknn_tricks.fused._job import Cancelled, Trained
from sknn_tricks.fused.rendezvous._task_warnings import TaskWarnings

if TYPE_CHECKING:
    from sknn_tricks.fused.rendezvous._hub import Hub

_this_thread = threading.local()


class Seat:
    """A place to wait at, until one's turn comes."""

    def __init__(self) -> None:
        self.turn = threading.Event()


class Call:
    """The tasks of one Parallel call; they start with the caller's context and warning filters.

    Parameters
    ----------
    depth : int
        How many calls this one is nested in.

    Attributes
    ----------
    held_back : list of Task
        Not yet to be started.
    unfinished : dict with Task keys
        All that have not ended, in the order in which they came.
    error : BaseException or None
        What the first task raised that failed.
    waiter : Seat or None
        Who waits for the end of all.
    seconds : float
        What the tasks that ended took, without the time they waited.
    """

    def __init__(self, depth: int = 0) -> None:
        self.depth = depth
        self.context = contextvars.copy_context()
        self.warnings = TaskWarnings()
        self.held_back: list[Task] = []
        self.unfinished: dict[Task, None] = {}
        self.error: BaseException | None = None
        self.waiter: Seat | None = None
        self.seconds = 0.0
        self.latest_end = 0.0
        self.threads: list[threading.Thread] = []
        self.is_open = False
        self.is_cancelled = False


class Task(Seat):
    """A function that runs in a thread of its own.

    Parameters
    ----------
    function : callable
    callback : callable (task)
        Called at the end, in the task's thread.
    call : Call
    hub : Hub

    Attributes
    ----------
    value, error : object, BaseException or None
        What the function returned or raised.
    idle : float
        Seconds that passed since the task began, but were spent on others.
    """

    def __init__(
        self, function: Callable[[], Any], callback: Callable[[Task], Any], call: Call, hub: Hub
    ) -> None:
        super().__init__()
        self.function, self.callback, self.call, self.hub = function, callback, call, hub
        self.value: Any = None
        self.error: BaseException | None = None
        self.idle = 0.0
        self.warnings = call.warnings.copy()
        self.trained: list[Trained] = []
        self.waits_for: Call | None = None
        self.is_cancelled = False
        context = call.context.copy()
        self.thread = threading.Thread(
            target=context.run, args=(self._run,), name="sknn_tricks task", daemon=True
        )

    def drop(self) -> None:
        """End without ever having begun."""
        self.error = Cancelled()
        self._call_back()

    def stop_if_cancelled(self) -> None:
        """Raise if the task's call is aborted."""
        if self.is_cancelled:
            raise Cancelled

    def _run(self) -> None:
        start = time.perf_counter()
        self.warnings.put_in_place()
        _this_thread.task = self
        try:
            self.value = self.function()
        except BaseException as error:
            self.error = error
        # joblib draws further tasks from their iterator in the callback, under a lock that other
        # tasks need at their end: a net that is fitted in there must not wait for those.
        _this_thread.task = None
        # It holds what was fitted; joblib keeps the task until all have ended.
        self.function = _nothing
        self._call_back()
        self.hub.end(self, time.perf_counter() - start)

    def _call_back(self) -> None:
        traceback = self.error.__traceback__ if self.error is not None else None
        try:
            self.callback(self)
        except BaseException as error:
            self.error = self.error or error
        else:
            if self.error is not None:
                self.error.__traceback__ = traceback  # which joblib cuts off


def _nothing() -> None:
    """Do nothing."""


def current_task() -> Task | None:
    """Return the task that this thread runs, or None."""
    return getattr(_this_thread, "task", None)
