"""Scalers of images and tables beside scikit-learn's: time, and memory beyond the input.

    python benchmarks/bench_scalers.py [--rounds 5]

Images: 10,000 of 32 x 32 x 3 bytes, scaled by channel; scikit-learn is given ``reshape(-1, 3)``.
Tables: 100,000 x 100. Peaks are those of numpy's memory (tracemalloc), beyond input and state.
Ratios are medians over the rounds, in each of which all ways come once.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from _measure import ratio, times_in_turn
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from sknn_tricks.preprocessing import MinMaxScalerND, RobustScalerND, StandardScalerND

PAIRS: list[tuple[type, type]] = [
    (StandardScalerND, StandardScaler),
    (MinMaxScalerND, MinMaxScaler),
    (RobustScalerND, RobustScaler),
]


def peak(way: Callable[[], object]) -> float:
    """Return the megabytes that a call takes at most, what it returns among them."""
    tracemalloc.start()
    way()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found / 2**20


def compare(what: str, ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int) -> None:
    """Print one line of the table."""
    times = times_in_turn({"ours": ours, "theirs": theirs}, rounds)
    milliseconds = {name: 1000 * statistics.median(each) for name, each in times.items()}
    print(
        f"| {what} | {milliseconds['ours']:.0f} ms | {milliseconds['theirs']:.0f} ms "
        f"| {ratio(times, 'theirs', 'ours'):.1f} | {peak(ours):.1f} MB | {peak(theirs):.1f} MB |"
    )


def compare_scalers(
    what: str, data: np.ndarray, columns: np.ndarray, rounds: int, **params: Any
) -> None:
    """Compare all scalers on an array, of which scikit-learn is given the columns."""
    what = f"{what} {data.dtype} ({data.nbytes / 2**20:.0f} MB)"
    for kind, peer in PAIRS:
        # Without a bound, the formulas are the same.
        more = {"smooth_clip": None} if kind is RobustScalerND else {}
        ours, theirs = kind(**params, **more), peer()
        for method in ("fit", "transform"):
            compare(
                f"{what}, {kind.__name__}, {method}",
                functools.partial(getattr(ours, method), data),
                functools.partial(getattr(theirs, method), columns),
                rounds,
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print("| | ours | scikit-learn | times faster | our peak | its peak |")
    print("|---|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (10_000, 32, 32, 3), dtype=np.uint8)
    for each in (images, images.astype(np.float32)):
        compare_scalers("images", each, each.reshape(-1, 3), rounds, per="channel")
    table = rng.standard_normal((100_000, 100))
    for each in (table.astype(np.float32), table):
        compare_scalers("table", each, each, rounds)


if __name__ == "__main__":
    main()
