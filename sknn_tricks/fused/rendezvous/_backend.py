"""The joblib backend "fused"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import joblib
from joblib.parallel import BACKENDS, ParallelBackendBase, get_active_backend

from sknn_tricks._messages import message
from sknn_tricks.fused._job import Job, Trained
from sknn_tricks.fused._report import Report
from sknn_tricks.fused._train import train
from sknn_tricks.fused.cache import as_cache
from sknn_tricks.fused.rendezvous._hub import MAX_PARKED, Hub
from sknn_tricks.fused.rendezvous._tasks import Call, Task, current_task


class Fusion:
    """Nets that are trained together: on how many cores, and what came of it.

    Parameters
    ----------
    n_jobs : int, default=None
        Cores; None leaves it to the Parallel call.
    cache : folder, Cache or None, default=None
        Where trained nets are kept.
    outer : joblib backend, default=None
        Where stacks are trained, if not on this machine alone.

    Attributes
    ----------
    report : Report
        What has been trained with what so far.
    """

    def __init__(
        self, n_jobs: int | None = None, cache: Any = None, outer: ParallelBackendBase | None = None
    ) -> None:
        if n_jobs is not None:
            check_n_jobs(n_jobs)
        self.cache, self._outer = as_cache(cache), outer
        self.n_jobs = n_jobs
        self.n_jobs_of_call = -1
        self.report = Report()
        self.hub = Hub(self.train, self._n_trainings)

    def n_cores(self) -> int:
        """Return how many cores to train on."""
        n_jobs = self.n_jobs_of_call if self.n_jobs is None else self.n_jobs
        return cores(n_jobs) if self._outer is None else self._outer.effective_n_jobs(n_jobs)

    def _n_trainings(self) -> int:
        """Return how many portions may train at once; another backend takes one call at a time."""
        return self.n_cores() if self._outer is None else 1

    def train(
        self,
        jobs: Sequence[Job],
        *,
        n_jobs: int | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> list[Trained]:
        """Train nets now, on all cores or on some of them."""
        n_cores = self.n_cores()
        return train(
            jobs,
            n_jobs=n_jobs if n_jobs is not None and self._outer is None else n_cores,
            n_cores=n_cores,
            report=self.report,
            cache=self.cache,
            backend=self._outer,
            is_cancelled=is_cancelled,
        )


class FusedBackend(ParallelBackendBase):
    """Runs tasks in turns, and trains the nets that they fit together.

    `n_jobs` of a Parallel call says on how many cores the nets train. All tasks are handed over
    at once, whatever it is.

    Parameters
    ----------
    nesting_level : int, default=None
    fusion : Fusion, default=None
        Default is the one that is active where the backend is made, else a new one.
    on_result : callable (result, idle), default=None
        Is given what each task returned, and for how many of its seconds others ran.
    """

    default_n_jobs = -1
    supports_retrieve_callback = True
    supports_sharedmem = True
    uses_threads = True

    def __init__(
        self,
        nesting_level: int | None = None,
        fusion: Fusion | None = None,
        on_result: Callable[[Any, float], None] | None = None,
    ) -> None:
        super().__init__(nesting_level=nesting_level)
        self.fusion = fusion or active_fusion() or Fusion()
        self.parallel: Any = None
        self._on_result = on_result
        self._hub = self.fusion.hub
        self._call = Call()

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many tasks may wait for their training at once."""
        check_n_jobs(n_jobs)
        return MAX_PARKED

    def configure(
        self, n_jobs: int = 1, parallel: joblib.Parallel | None = None, **settings: Any
    ) -> int:
        """Prepare for a call."""
        self.parallel = parallel
        if current_task() is None:  # a nested call has no say
            self.fusion.n_jobs_of_call = n_jobs
        return self.effective_n_jobs(n_jobs)

    def start_call(self) -> None:
        """Begin a call."""
        # A generator that nobody has asked yet may be left from before: then both calls are one.
        if self._call.is_cancelled or not self._call.unfinished:
            self._call = Call(self.nesting_level or 0)

    def submit(self, func: Callable[[], Any], callback: Callable[[Task], Any]) -> Task:
        """Take a task."""
        task = Task(func, callback, self._call, self._hub)
        self._hub.submit(task)
        return task

    @contextmanager
    def retrieval_context(self) -> Iterator[None]:
        """Run all tasks; joblib collects the results after that."""
        self._hub.join(self._call, self.parallel.timeout)
        yield

    def retrieve_result_callback(self, out: Task) -> list[Any]:
        """Return what the functions of a task returned."""
        if out.error is not None:
            raise out.error
        if self._on_result is not None:
            for result in out.value:
                self._on_result(result, out.idle)
        return out.value

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End the call's tasks, and wait for them."""
        self._hub.cancel(self._call)

    def stop_call(self) -> None:
        """End a call."""
        for thread in self._call.threads:
            thread.join()

    def get_nested_backend(self) -> tuple[FusedBackend, None]:
        """Return the backend of a task's own calls; their nets join the others."""
        return FusedBackend((self.nesting_level or 0) + 1, self.fusion), None


def outer_backend() -> ParallelBackendBase | None:
    """Return the backend that is active here, if it is one that reaches beyond this machine."""
    backend, _ = get_active_backend()
    local = ("fused", "loky", "multiprocessing", "sequential", "threading")
    here = tuple(BACKENDS[name] for name in local if name in BACKENDS)
    return None if isinstance(backend, here) else backend


def active_fusion() -> Fusion | None:
    """Return what the calls and fits of this thread take part in, if anything."""
    backend, _ = get_active_backend()
    return backend.fusion if isinstance(backend, FusedBackend) else None


def check_n_jobs(n_jobs: int | None) -> None:
    """Raise if a number of cores makes no sense."""
    if n_jobs == 0:
        raise ValueError(
            message(
                "n_jobs is zero",
                expected="a number of cores, or -1 for all of them",
                got="n_jobs=0",
                todo="Leave it out to use all cores",
            )
        )


def cores(n_jobs: int) -> int:
    """Return how many cores a number from joblib means.

    Examples
    --------
    >>> cores(2)
    2
    >>> cores(-1) == joblib.cpu_count()
    True
    """
    return n_jobs if n_jobs > 0 else max(1, joblib.cpu_count() + 1 + n_jobs)


joblib.register_parallel_backend("fused", FusedBackend)
