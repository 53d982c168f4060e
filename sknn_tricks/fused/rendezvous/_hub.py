"""Tasks that take turns, and whose nets are trained together.

Each task has a thread of its own and runs only while it holds the hub's baton. It gives the baton
up when it parks a Job, when it waits for a call of its own (a nested Parallel), and at its end.
The baton then goes

1. to the oldest of the tasks that can go on;
2. else to the next new task, as long as there is room for what it may park;
3. else to nobody, while all that is parked is trained; after it, those tasks can go on.

Where many are to come, each portion is trained beside the tasks that go on, on a core of its own.
"""

from __future__ import annotations

import bisect
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

from sknn_tricks.fused._job import Job, Trained
from sknn_tricks.fused._memory import available_bytes, job_bytes
from sknn_tricks.fused.rendezvous._tasks import Call, Seat, Task, current_task

Parked = dict[Task, Sequence[Job]]

# Nets that may be parked at once: some stacks full (a stack takes about 32 nets). More would cost
# memory and threads, and gain nothing.
MAX_PARKED = 256

# Nets from which portions are trained while others go on, and the largest portion: a full stack.
MANY, FULL = 96, 64

# Seconds between two looks at the clock; on Windows, Ctrl-C is heard only then.
GLANCE = 0.1


class Train(Protocol):
    """Trains jobs."""

    def __call__(
        self, jobs: Sequence[Job], *, n_jobs: int, is_cancelled: Callable[[], bool]
    ) -> Sequence[Trained]:
        """Return what became of each job, trained on so many cores."""


class Hub:
    """Lets tasks take turns, and has trained what they park.

    Parameters
    ----------
    train : Train
        Called in a thread of its own.
    n_cores : callable () -> int
        Cores to keep at work; asked whenever there is something to train.
    """

    def __init__(self, train: Train, n_cores: Callable[[], int]) -> None:
        self._train, self._n_cores = train, n_cores
        self._n_bytes, self._max_bytes = 0, available_bytes() // 4
        # Guards the hub, its calls and its tasks; nothing foreign runs under it, with one
        # exception that makes it an RLock: a garbage collection may abort a forgotten call.
        self._lock = threading.RLock()
        self._holder: Task | None = None
        self._resumed: deque[Task] = deque()
        self._new: list[Task] = []
        self._parked: Parked = {}
        self._portions: list[Parked] = []  # that are trained right now
        self._n_begun = 0

    # --- what threads ask for ---------------------------------------------------------------

    def submit(self, task: Task) -> None:
        """Take a task, to be started once its call is joined.

        Not before: while joblib hands the first tasks over, it holds a lock that each task needs
        at its end, and the caller may park in the middle of it.
        """
        call = task.call
        with self._lock:
            if not call.is_cancelled:
                call.unfinished[task] = None
                if call.is_open:
                    self._line_up(task)
                else:
                    call.held_back.append(task)
                return
        task.drop()

    def join(self, call: Call, timeout: float | None = None) -> None:
        """Let the tasks of a call run, and wait until all have ended.

        Parameters
        ----------
        call : Call
        timeout : float, default=None
            Seconds for which no task may end.

        Raises
        ------
        BaseException
            What the first task raised that failed; the others are cancelled.
        TimeoutError
        """
        with self._lock:
            call.is_open = True
            while call.held_back:
                self._line_up(call.held_back.pop(0))
        self._wait(call, timeout)
        if call.error is not None:
            raise call.error
        if call.unfinished:
            if (task := current_task()) is not None:
                task.stop_if_cancelled()
            raise TimeoutError

    def park(self, task: Task, jobs: Sequence[Job]) -> list[Trained]:
        """Wait until the task's jobs are trained, together with those of other tasks."""
        start, n_bytes = time.perf_counter(), sum(job_bytes(job) for job in jobs)
        with self._lock:
            task.stop_if_cancelled()
            self._parked[task] = jobs
            self._n_bytes += n_bytes
            self._let_go(task)
            self._pass_on()
        self._take_back(task)
        self._n_bytes -= n_bytes
        results, task.trained = task.trained, []
        task.stop_if_cancelled()
        own = sum(trained.seconds for trained in results)
        task.idle += time.perf_counter() - start - own
        return results

    def cancel(self, call: Call) -> None:
        """End the tasks of a call, each at its next wait or its end, and wait until they have."""
        self._interrupt(call)
        self._wait(call)

    def end(self, task: Task, seconds: float) -> None:
        """Let go of the baton for good, after so many seconds."""
        call = task.call
        if task.error is not None and not task.is_cancelled:
            call.error = task.error
            self._interrupt(call)
        with self._lock:
            del call.unfinished[task]
            call.threads.append(task.thread)
            call.seconds += seconds - task.idle
            call.latest_end = time.monotonic()
            self._let_go(task)
            if not call.unfinished:
                self._wake(call)
            self._pass_on()

    # --- how a thread waits -----------------------------------------------------------------

    def _wait(self, call: Call, timeout: float | None = None) -> None:
        """Wait until a call's tasks have ended, or this thread's task is cancelled, or time is up.

        A thread that runs no task of this hub has no baton to give up, and needs none to go on.
        """
        task = current_task()
        mine = task if task is not None and task.hub is self else None
        seat = mine or Seat()
        start = time.perf_counter()
        with self._lock:
            if not call.unfinished:
                return
            if mine is not None and mine.is_cancelled and not call.is_cancelled:
                return
            call.waiter, call.latest_end = seat, time.monotonic()
            if mine is not None:
                mine.waits_for = call
                self._let_go(mine)
            self._pass_on()
        while not seat.turn.wait(GLANCE):
            with self._lock:
                if timeout is not None and time.monotonic() - call.latest_end > timeout:
                    self._wake(call)
                    self._pass_on()
        if mine is not None:
            self._take_back(mine)
            mine.waits_for = None
            mine.idle += time.perf_counter() - start - call.seconds
            call.seconds = 0.0

    def _let_go(self, task: Task) -> None:
        task.warnings.take_away()
        self._holder = None

    def _take_back(self, task: Task) -> None:
        task.turn.wait()
        task.turn.clear()
        task.warnings.put_in_place()

    # --- who is next (all of these are called under the lock) -------------------------------

    def _pass_on(self) -> None:
        """Give the baton, if it is free, to the next task; or begin to train what is parked."""
        if size := self._portion():
            self._begin_training(size, n_jobs=1)
        if self._holder is not None:
            return
        if self._resumed:
            self._holder = self._resumed.popleft()
            self._holder.turn.set()
        elif self._new and self._has_room():
            self._holder = self._new.pop(0)
            self._holder.thread.start()
        elif self._parked and (idle := self._n_cores() - len(self._portions)) > 0:
            self._begin_training(_n_nets(self._parked), n_jobs=idle)

    def _portion(self) -> int:
        """Return how many parked nets to train beside the tasks that go on: 0 to wait for more.

        What is to come is cut evenly, so that all cores are done at the same time.
        """
        n_parked, n_cores = _n_nets(self._parked), self._n_cores()
        a_task = -(-n_parked // len(self._parked)) if self._parked else 1
        to_come = n_parked + a_task * len(self._new)
        if not 0 < len(self._portions) < n_cores and (n_cores == 1 or to_come < MANY):
            return 0
        n_portions = -(-to_come // FULL)
        n_portions += -(n_portions + self._n_begun) % n_cores
        size = -(-to_come // max(n_portions, 1))
        return size if len(self._portions) < n_cores and n_parked >= size else 0

    def _begin_training(self, size: int, n_jobs: int) -> None:
        """Train so many of the parked nets, or a few more: those of a task stay together."""
        portion: Parked = {}
        while _n_nets(portion) < size:
            task = next(iter(self._parked))
            portion[task] = self._parked.pop(task)
        self._portions.append(portion)
        self._n_begun += 1
        threading.Thread(
            target=self._train_portion,
            args=(portion, n_jobs),
            name="sknn_tricks trainer",
            daemon=True,
        ).start()

    def _has_room(self) -> bool:
        """Whether one more task may park; those that wait for calls do not count."""
        n_waiting = sum(_n_nets(waiting) for waiting in (self._parked, *self._portions))
        return n_waiting < MAX_PARKED and self._n_bytes < self._max_bytes

    def _line_up(self, task: Task) -> None:
        """Put a new task in line: nested ones first, so that few calls are open at a time."""
        bisect.insort(self._new, task, key=lambda task: -task.call.depth)

    def _wake(self, call: Call) -> None:
        """Let the one who waits for a call go on."""
        seat, call.waiter = call.waiter, None
        if isinstance(seat, Task):
            self._resumed.append(seat)
        elif seat is not None:
            seat.turn.set()

    # --- the end of a call, and of a training -----------------------------------------------

    def _interrupt(self, call: Call) -> None:
        """Drop a call's tasks that have not begun; wake the others, but for those in training."""
        with self._lock:
            call.is_cancelled = True
            dropped = call.held_back + [task for task in self._new if task.call is call]
            self._new = [task for task in self._new if task.call is not call]
            call.held_back = []
            for task in dropped:
                del call.unfinished[task]
            for task in call.unfinished:
                task.is_cancelled = True
                if self._parked.pop(task, None) is not None:
                    self._resumed.append(task)
                elif task.waits_for is not None and not task.waits_for.is_cancelled:
                    self._wake(task.waits_for)
        for task in dropped:
            task.drop()

    def _train_portion(self, portion: Parked, n_jobs: int) -> None:
        is_cancelled = lambda: all(task.is_cancelled for task in portion)  # noqa: E731
        all_jobs = [job for jobs in portion.values() for job in jobs]
        try:
            results = self._train(all_jobs, n_jobs=n_jobs, is_cancelled=is_cancelled)
            of_jobs = iter([trained for _, trained in zip(all_jobs, results, strict=True)])
        except BaseException as error:
            of_jobs = iter([Trained(None, error=error)] * len(all_jobs))
        for task, jobs in portion.items():
            task.trained = list(islice(of_jobs, len(jobs)))
        with self._lock:
            self._portions.remove(portion)
            if not self._portions:
                self._n_begun = 0
            self._resumed.extend(portion)
            self._pass_on()


def _n_nets(parked: Parked) -> int:
    return sum(len(jobs) for jobs in parked.values())
