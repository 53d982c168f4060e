"""How a training uses the CPU: its threads, and its smallest numbers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from sknn_tricks.nets._products import count_products

# Multiply-adds of a forward pass from which a second thread gains anything (measured: dense nets
# up to 128-128 with batches of 128 do not, 256-256 gains 1.2 x).
WORTH_THREADS = 6_000_000

_lock = threading.Lock()
_here = threading.local()
_running = 0
_threads_before = 0


def is_small(module: nn.Module, batch_size: int) -> bool:
    """Whether one thread trains the module as fast as several.

    A small net's threads spend their time waiting for each other, and where another process
    keeps a core busy they wait for it too, which can be a hundred times slower.

    Parameters
    ----------
    module : torch.nn.Module
    batch_size : int

    Returns
    -------
    bool
        Always False for convolutions in a net that does not begin with an `ImageInput`: what they
        cost is not known.
    """
    products = count_products(module)
    return products is not None and batch_size * products < WORTH_THREADS


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread in the block, and as before after it.

    The setting belongs to the thread that makes it, and is what threads that start later are
    given. So a thread that started inside another's block takes the setting from before that
    block with it, not the 1 that it was given. A block within a block of the same thread changes
    nothing.
    """
    global _running, _threads_before
    if getattr(_here, "is_inside", False):
        yield
        return
    with _lock:
        before = torch.get_num_threads()
        if _running == 0:
            _threads_before = before
        elif before == 1:
            before = _threads_before
        _running += 1
        torch.set_num_threads(1)
    _here.is_inside = True
    try:
        yield
    finally:
        _here.is_inside = False
        with _lock:
            _running -= 1
            torch.set_num_threads(before)


@contextmanager
def no_denormals() -> Iterator[None]:
    """Let this thread take numbers below the normal range (1e-38 in float32) for 0 in the block.

    A weight that no input uses, a border pixel's say, falls below it under an L2 penalty, and
    the CPU computes with such numbers up to a hundred times slower.
    """
    before = bool(torch.full((1,), 1e-39).mul(0.5) == 0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def is_out_of_memory(error: Exception) -> bool:
    """Whether there was too little memory, which torch's allocator says in a RuntimeError.

    Examples
    --------
    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "memory" in str(error) and "alloc" in str(error)
    )
