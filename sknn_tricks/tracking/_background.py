"""One thread that writes, so that no fit waits for a database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_PATIENCE = 3  # failures in a row before writing is given up


class Background:
    """Hand messages to a consumer, one by one and in order, on a thread of its own.

    Parameters
    ----------
    consume : callable
        Called with one message. What it raises is kept and does not stop the thread; after
        three failures in a row the remaining messages are dropped.

    Attributes
    ----------
    error : Exception or None
        The first failure.
    """

    def __init__(self, consume: Callable[[Any], None]):
        self.error: Exception | None = None
        self._consume = consume
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._failures_in_a_row = 0
        # a daemon: a server that does not answer must not keep the interpreter from ending
        self._thread = threading.Thread(target=self._work, daemon=True, name="mlflow-writer")
        self._thread.start()

    def put(self, message: Any) -> None:
        """Have a message consumed soon; may be called from any thread."""
        self._queue.put(message)

    def close(self) -> None:
        """Wait until everything is consumed."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (message := self._queue.get()) is not None:
            if self._failures_in_a_row < _PATIENCE:
                self._try(message)

    def _try(self, message: Any) -> None:
        try:
            self._consume(message)
        except Exception as error:
            self.error = self.error or error
            self._failures_in_a_row += 1
        else:
            self._failures_in_a_row = 0
