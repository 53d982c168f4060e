"""Time several ways to do the same thing, in turn, so that a noisy machine is noisy to all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def times_in_turn(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each way in each round, after one round that is not counted.

    Each round starts with another way, after a pause: a library's idle threads may spin for a
    while after its work, at the cost of whoever comes next.
    """
    names = list(ways)
    times: dict[str, list[float]] = {name: [] for name in names}
    for i in range(-1, rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            time.sleep(0.3)
            start = time.perf_counter()
            ways[name]()
            if i >= 0:
                times[name].append(time.perf_counter() - start)
    return times


def ratio(times: Mapping[str, list[float]], ours: str, peer: str) -> float:
    """Return the median over the rounds of our time divided by the peer's."""
    return statistics.median(a / b for a, b in zip(times[ours], times[peer], strict=True))
