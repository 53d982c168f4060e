"""One thread that writes, so that no fit waits for a database."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol

from sknn_tricks.tracking.stores._quiet import no_failures_told

_SECONDS_WITHOUT_PROGRESS = 35.0  # more than a patient client takes after the end
_MOST_SECONDS_WITHOUT_PROGRESS = 300.0  # for one call, as that which sends a large model
_END = object()


class Line(Protocol):
    """A connection to a store that keeps count, as `PatientClient`."""

    n_calls: int

    def begin(self) -> None:
        """Be patient from now on."""

    def finish(self) -> None:
        """Hurry: whoever called is waiting for the end."""

    def is_there(self) -> bool:
        """Tell whether the store answers."""


class Background:
    """Hand messages to a consumer, one by one and in order, on a thread of its own.

    Parameters
    ----------
    consume : callable
        Called with one message. What it raises is kept and does not stop the thread.
    line : Line, default=None
        What the consumer writes to. It is told when to be patient and when to hurry.

    Attributes
    ----------
    error : Exception or None
        The first failure.
    n_told : int
        How many messages came in.
    """

    def __init__(self, consume: Callable[[Any], None], line: Line | None = None):
        self.error: Exception | None = None
        self.n_told = 0
        self._consume = consume
        self._line = line
        self._queue: SimpleQueue[list[Any]] = SimpleQueue()
        self._held: list[Any] = []
        self._n_consumed = self._n_ended = 0
        self._lock = threading.Lock()
        self._pid = os.getpid()
        if line is not None:
            line.begin()
        # a daemon: a server that does not answer must not keep the interpreter from ending
        self._thread = threading.Thread(target=self._work, daemon=True, name="mlflow-writer")
        self._thread.start()

    @property
    def is_copy(self) -> bool:
        """Whether this is what a forked process got of its parent's: it has no thread."""
        return os.getpid() != self._pid

    @property
    def n_lost(self) -> int:
        """How many messages failed, or were not consumed when `close` gave up."""
        return 0 if self.is_copy else self.n_told - self._n_consumed

    def put(self, message: Any, soon: bool = True) -> None:
        """Have a message consumed; may be called from any thread.

        Parameters
        ----------
        message : object
        soon : bool, default=True
            False if it can wait for the next one: to wake the thread costs whoever calls as much
            as all the rest.
        """
        if self.is_copy:  # whose locks may be held by threads that it does not have
            return
        with self._lock:
            self.n_told += 1
            self._held.append(message)
            if soon:
                self._queue.put(self._held)
                self._held = []

    def close(self) -> bool:
        """Wait until everything is consumed, or the store is given up.

        Returns
        -------
        bool
            Whether the thread has ended. One that waits for an answer is left to itself; it may
            still write when the store comes back, for as long as the process lives.
        """
        if self.is_copy:
            return True
        with self._lock:
            self._queue.put([*self._held, _END])
            self._held = []
        if self._line is not None:
            self._line.finish()
        n_waits = round(_MOST_SECONDS_WITHOUT_PROGRESS / _SECONDS_WITHOUT_PROGRESS)
        n_in_vain = 0
        while self._thread.is_alive() and n_in_vain < n_waits:
            before = self._progress()
            self._thread.join(_SECONDS_WITHOUT_PROGRESS)
            n_in_vain = n_in_vain + 1 if self._progress() == before else 0
            if n_in_vain and self._line is not None and not self._line.is_there():
                break
        return not self._thread.is_alive()

    def _progress(self) -> int:
        return self._n_ended + (self._line.n_calls if self._line is not None else 0)

    def _work(self) -> None:
        with no_failures_told():
            while True:
                for message in self._queue.get():
                    if message is _END:
                        return
                    self._try(message)

    def _try(self, message: Any) -> None:
        try:
            self._consume(message)
        except Exception as error:
            self.error = self.error or error
        else:
            self._n_consumed += 1
        self._n_ended += 1
