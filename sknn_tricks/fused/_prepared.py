"""Batches that threads prepare while others are trained on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from sknn_tricks.fused._cpu import no_denormals
from sknn_tricks.fused._rows import Batch


def prepared_ahead(
    batches: Iterable[Batch], prepare: Callable[[Batch], Batch], n_workers: int
) -> Iterator[Batch]:
    """Yield prepared batches in their order, as many in work as there are workers.

    Threads, as torch and OpenCV work without Python's lock most of the time, and so does the
    training meanwhile; processes would have to be started and be sent each batch.

    Parameters
    ----------
    batches : iterable of Batch
        Is asked for the next one in this thread.
    prepare : callable (batch) -> batch
    n_workers : int
        Threads, from 1 up.
    """
    waiting: deque[Future[Batch]] = deque()
    with ThreadPoolExecutor(n_workers, thread_name_prefix="sknn_tricks_prepare") as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(_run, prepare, batch))
                if len(waiting) > n_workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # the training may end, or fail, in the middle of an epoch
            for future in waiting:
                future.cancel()


def _run(prepare: Callable[[Batch], Batch], batch: Batch) -> Batch:
    with no_denormals():  # as the training computes: each thread has a setting of its own
        return prepare(batch)
