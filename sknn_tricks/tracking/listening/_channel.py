"""Small messages from worker processes to the process that runs the fit.

scikit-learn moves the messages of its own callbacks over a private transport (a UNIX socket or a
Windows named pipe, with a random key; no network port). This file is the only one that touches
it. Messages are JSON text on a connection that only holders of the key can open.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from sklearn.callback import _transport

Address: TypeAlias = _transport.ListenerHandle
Message: TypeAlias = dict[str, Any]

# One listener for the life of the process: a listener that is closed leaves its thread behind,
# and the workers keep their connections to it.
_here: Address | None = None
_consumers: dict[str, Callable[[Message], None]] = {}
_lock = threading.Lock()


def open_topic(topic: str, consumer: Callable[[Message], None]) -> Address:
    """Have `consumer` called with every message that is posted under `topic`.

    Parameters
    ----------
    topic : str
        A name that no other topic of this process has.
    consumer : callable
        Called with one message; may be called from several threads at once.

    Returns
    -------
    Address
        Where to post; can be pickled and sent to a worker.
    """
    global _here
    with _lock:
        _consumers[topic] = consumer
        if _here is None:
            _here = _transport.open_listener(_deliver)
        return _here


def close_topic(topic: str) -> None:
    """Drop whatever arrives under `topic` from now on."""
    _consumers.pop(topic, None)


def post(address: Address, topic: str, message: Message) -> bool:
    """Send a message, from any process.

    Parameters
    ----------
    address : Address
        What `open_topic` returned.
    topic : str
        The topic it was opened with.
    message : dict
        Plain data that `json` can write. From another process it arrives as `json` reads it,
        with lists for tuples.

    Returns
    -------
    bool
        Whether it was delivered. A listener that has gone is no reason to stop a training.
    """
    if address == _here:
        _hand_over(topic, message)
        return True
    try:
        with _lock:  # the threads of a worker share one connection
            _transport.send(address, json.dumps([topic, message]))
    except (OSError, EOFError):
        return False
    return True


def _deliver(text: str) -> None:
    _hand_over(*json.loads(text))


def _hand_over(topic: str, message: Message) -> None:
    consumer = _consumers.get(topic)
    if consumer is not None:
        consumer(message)


def _forget_parent() -> None:
    """Make a forked process post to its parent and not to its own copy of the parent's memory."""
    global _here, _lock
    if _here is not None:
        _transport._message_consumers.pop(_here.address, None)
    _here, _lock = None, threading.Lock()
    _consumers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
