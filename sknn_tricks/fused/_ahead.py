"""Work that another thread does while its result is not needed yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def ahead(calls: Iterable[Callable[[], Result]], in_thread: bool = True) -> Iterator[Result]:
    """Yield what each call returns, while another thread makes the next one.

    Parameters
    ----------
    calls : iterable of callable () -> result
    in_thread : bool, default=True
        False makes each call when its result is asked for.

    Examples
    --------
    >>> list(ahead(lambda i=i: i**2 for i in range(4)))
    [0, 1, 4, 9]
    """
    if not in_thread:
        for call in calls:
            yield call()
        return
    with ThreadPoolExecutor(1, thread_name_prefix="sknn_tricks_ahead") as thread:
        waiting: Future[Result] | None = None
        for call in calls:
            following = thread.submit(call)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        last = [] if waiting is None else [waiting.result()]
    yield from last  # when the thread has gone
