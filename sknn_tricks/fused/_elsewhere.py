"""Train chunks in processes of their own.

Python threads stand in each other's way: a stack's step is a hundred short calls, each of which
gives Python's lock back and wants it again. Processes scale; they take some seconds to start,
once. The processes are loky's, or those of another of joblib's backends that is active where nets
are trained together, such as Dask's: then stacks are spread over a cluster.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from joblib import Parallel, delayed
from numpy.typing import NDArray

from sknn_tricks.fused._chunk import run_chunk
from sknn_tricks.fused._freight import Loader, Places, unload
from sknn_tricks.fused._job import Cancelled, Job, Trained
from sknn_tricks.fused._packed import Packed, pack, unpack
from sknn_tricks.fused._plan import Chunk
from sknn_tricks.fused._report import Batch

# Seconds of work, on one core, from which it is worth to start processes (work that was done here
# for want of them counts too: there may well be as much to come), and to use them while they are
# there: joblib keeps them for five minutes.
WORTH_A_START = 6.0
WORTH_THE_WAY = 0.3
KEPT = 240.0

_ready_until = 0.0
_done_here = 0.0


def can_travel(jobs: Sequence[Job]) -> bool:
    """Whether all that the jobs need can go to another process.

    Callbacks hear of epochs here, and here are a net to go on from and objects that give rows.
    """
    return all(
        job.device.type == "cpu"
        and job.epochs is None
        and job.start is None
        and not job.callbacks
        and not job.verbose
        and job.train.can_travel
        and (job.valid is None or job.valid.can_travel)
        for job in jobs
    )


def is_worth_it(seconds: float) -> bool:
    """Whether so many seconds of work, on one core, are better done in processes."""
    if time.monotonic() < _ready_until:
        return seconds > WORTH_THE_WAY
    return _done_here + seconds > WORTH_A_START


def note_done_here(seconds: float) -> None:
    """Remember work that was not worth processes."""
    global _done_here
    _done_here += seconds


def run_elsewhere(
    jobs: Sequence[Job],
    chunks: Sequence[Chunk],
    n_jobs: int,
    is_cancelled: Callable[[], bool],
    backend: Any = None,
) -> Iterator[tuple[list[Trained], list[Batch]]]:
    """Train chunks in processes; see `run_chunk` for what it yields of each."""
    run, loader = delayed(_run_packed), Loader()
    with _flag(is_cancelled) as path:
        loads = [loader.load([jobs[i] for i in chunk.jobs]) for chunk in chunks]
        tasks = [
            run(chunk.alone, path, load.jobs, load.train, load.valid, *load.arrays)
            for chunk, load in zip(chunks, loads, strict=True)
        ]
        processes = Parallel(n_jobs, backend or "loky", batch_size=1, return_as="generator")
        for chunk, (nets, batches) in zip(chunks, processes(tasks), strict=True):
            if is_cancelled():
                raise Cancelled
            mine = (jobs[i] for i in chunk.jobs)
            yield [unpack(net, job) for net, job in zip(nets, mine, strict=True)], batches
    if backend is None:
        global _ready_until, _done_here
        _ready_until, _done_here = time.monotonic() + KEPT, 0.0


def _run_packed(
    alone: str | None,
    path: str,
    jobs: Sequence[Job],
    train: Sequence[Places | None],
    valid: Sequence[Places | None],
    *arrays: NDArray[Any],
) -> tuple[list[Packed], list[Batch]]:
    jobs = unload(jobs, train, valid, arrays)
    trained, batches = run_chunk(jobs, alone, True, lambda: os.path.exists(path))
    return [pack(each) for each in trained], batches


@contextmanager
def _flag(is_cancelled: Callable[[], bool]) -> Iterator[str]:
    """Give the path of a file that exists once the training is cancelled."""
    with tempfile.TemporaryDirectory(prefix="sknn_tricks_") as folder:
        path, done = os.path.join(folder, "cancelled"), threading.Event()

        def watch() -> None:
            while not done.wait(0.05):
                if is_cancelled():
                    open(path, "w").close()
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield path
        finally:
            done.set()
            watcher.join()
