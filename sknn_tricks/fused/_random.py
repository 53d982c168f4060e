"""Random streams: one for each member and purpose, none of them torch's global one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state

PURPOSES = (
    "build",
    "init",
    "shuffle",
    "dropout",
    "module",
    "split",
    "member",
    "bagging",
    "noise",
    "mixup",
    "augment",
    "cutmix",
    "turns",
)
_GLOBAL_STATE = threading.RLock()


def stream_seed(seed: int, purpose: str, *index: int) -> int:
    """Return the seed of a stream that is independent of all others of the same member.

    Parameters
    ----------
    seed : int
        The member's seed.
    purpose : str
        One of ``PURPOSES``.
    *index : int
        Which of several streams of that purpose: the number of a layer, or of a continued fit.

    Examples
    --------
    >>> stream_seed(0, "init") == stream_seed(0, "shuffle")
    False
    """
    # The length is part of it, or a missing index would mean the same as 0.
    sequence = np.random.SeedSequence([seed, PURPOSES.index(purpose), len(index), *index])
    return int(sequence.generate_state(1)[0])


def draw_seed(random_state: Any) -> int:
    """Return a member's seed from what scikit-learn takes as ``random_state``.

    None means new entropy from the system: numpy's global state is not touched.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1)
    return int(check_random_state(random_state).randint(2**31 - 1))


@contextmanager
def borrowed_global_state(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global random state for the block and give it back unchanged.

    For code that knows no other: the constructors of torch's layers, a user's own module. One
    thread at a time, or two of them would draw from each other's stream.
    """
    devices = [device] if device.type == "cuda" else []
    with _GLOBAL_STATE, torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
