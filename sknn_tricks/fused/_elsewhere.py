"""Train chunks in processes of their own.

Python threads stand in each other's way: a stack's step is a hundred short calls, each of which
gives Python's lock back and wants it again. Processes scale; they take a second or two to start,
once.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed
from numpy.typing import NDArray

from sknn_tricks.fused._chunk import run_chunk
from sknn_tricks.fused._job import Cancelled, Job, Trained
from sknn_tricks.fused._make import blank_net
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


@dataclass
class Packed:
    """A trained net on its way from one process to another.

    Parameters
    ----------
    trained : Trained
        Without its net.
    weights : list of ndarray
        Parameters and buffers of the module.
    memory : list of dict
        The optimiser's, of each parameter.
    record : dict
        What else the net knows of its training.
    """

    trained: Trained
    weights: list[NDArray[Any]]
    memory: list[dict[str, Any]]
    record: dict[str, Any]


def can_travel(jobs: Sequence[Job]) -> bool:
    """Whether all that the jobs need can go to another process.

    Callbacks hear of epochs here, and a net to go on from is here.
    """
    return all(
        job.device.type == "cpu"
        and job.epochs is None
        and job.start is None
        and not job.callbacks
        and not job.verbose
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
    jobs: Sequence[Job], chunks: Sequence[Chunk], n_jobs: int, is_cancelled: Callable[[], bool]
) -> list[tuple[list[Trained], list[Batch]]]:
    """Train chunks in processes; see `run_chunk` for what it returns of each."""
    with _flag(is_cancelled) as path:
        tasks = [delayed(_run_packed)([jobs[i] for i in c.jobs], c.alone, path) for c in chunks]
        packed = Parallel(n_jobs=n_jobs, backend="loky", batch_size=1)(tasks)
        if is_cancelled():
            raise Cancelled
    global _ready_until, _done_here
    _ready_until, _done_here = time.monotonic() + KEPT, 0.0
    return [
        ([_unpack(each, jobs[i]) for each, i in zip(nets, chunk.jobs, strict=True)], batches)
        for (nets, batches), chunk in zip(packed, chunks, strict=True)
    ]


def _run_packed(
    jobs: Sequence[Job], alone: str | None, path: str
) -> tuple[list[Packed], list[Batch]]:
    trained, batches = run_chunk(jobs, alone, True, lambda: os.path.exists(path))
    return [_pack(each) for each in trained], batches


def _pack(trained: Trained) -> Packed:
    net = trained.net
    if net is None:
        return Packed(trained, [], [], {})
    weights = [tensor.numpy() for tensor in net.module_.state_dict().values()]
    memory = [
        {name: _as_array(value) for name, value in net.optimizer_.state[parameter].items()}
        for parameter in net.module_.parameters()
    ]
    record = {name: getattr(net, name) for name in ("history_", "best_losses_", "kept_epoch_")}
    return Packed(replace(trained, net=None), weights, memory, record)


def _unpack(packed: Packed, job: Job) -> Trained:
    if packed.trained.error is not None:
        return packed.trained
    net = blank_net(job)
    for tensor, weights in zip(net.module_.state_dict().values(), packed.weights, strict=True):
        tensor.copy_(torch.from_numpy(weights))
    for parameter, held in zip(net.module_.parameters(), packed.memory, strict=True):
        state = {name: _as_tensor(value) for name, value in held.items()}
        net.optimizer_.state[parameter] = state
    for name, value in packed.record.items():
        setattr(net, name, value)
    net.module_.eval()
    return replace(packed.trained, net=net)


def _as_array(value: Any) -> Any:
    return value.numpy() if isinstance(value, torch.Tensor) else value


def _as_tensor(value: Any) -> Any:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


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
