"""How a search's time and memory grow with its candidates: ours fused, skorch, MLPClassifier.

    python benchmarks/bench_scaling.py [--figure benchmarks/search_time.png]

The 64-64 net of bench_search.py on digits, 20 epochs, 5 folds; each search in a Python of its own,
warmed up by a search that starts its processes. Memory is the peak of the process and its workers,
added up.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from bench_search import mlp_classifier, our_net, piped, skorch_net
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from sknn_tricks.model_selection import FusedGridSearchCV

NET = ((64, 64), 128, False)
SIZES = {
    "fused": [12, 48, 192, 768],
    "skorch": [12, 48],
    "MLPClassifier": [12, 48],
}
RATE = {"fused": "net__lr", "skorch": "net__lr", "MLPClassifier": "net__learning_rate_init"}
NETS = {"fused": our_net, "skorch": skorch_net, "MLPClassifier": mlp_classifier}


def search(way: str, n_candidates: int):
    """Return a search over learning rates."""
    net = NETS[way](*NET)
    kind = FusedGridSearchCV if way == "fused" else GridSearchCV
    grid = {RATE[way]: list(np.geomspace(1e-4, 1e-2, n_candidates))}
    return kind(piped(net), grid, cv=5, n_jobs=2, refit=False)


def peak_bytes() -> int:
    """Return the peak memory of this process and its workers, added up."""
    me = os.getpid()
    workers = subprocess.run(["pgrep", "-P", str(me)], capture_output=True, text=True).stdout
    total = 0
    for pid in [str(me), *workers.split()]:
        status = Path(f"/proc/{pid}/status")
        found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
        total += 1024 * int(found[1]) if found else 0
    return total


def run_one(way: str, n_candidates: int) -> None:
    """Search once and print what it took."""
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    X = X.astype("float32")
    search(way, 48 if way == "fused" else 4).fit(X, y)
    start = time.perf_counter()
    search(way, n_candidates).fit(X, y)
    print(json.dumps({"seconds": time.perf_counter() - start, "bytes": peak_bytes()}))


def draw(taken: dict[str, dict[int, float]], path: str) -> None:
    """Draw seconds against candidates."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for way, times in taken.items():
        name = "FusedGridSearchCV(NetClassifier)" if way == "fused" else f"GridSearchCV({way})"
        axes.plot(list(times), list(times.values()), "o-", label=name)
    axes.set(
        xscale="log", yscale="log", xlabel="candidates (x 5 folds)", ylabel="seconds of a search",
        title="64-64 net, digits, 20 epochs, two cores",
    )  # fmt: skip
    for axis, ticks in ((axes.xaxis, SIZES["fused"]), (axes.yaxis, [1, 3, 10, 30, 100])):
        axis.set_ticks(ticks, labels=map(str, ticks))
        axis.set_ticks([], minor=True)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Print a table and draw a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=2, metavar=("WAY", "CANDIDATES"))
    parser.add_argument("--figure")
    options = parser.parse_args()
    if options.one:
        run_one(options.one[0], int(options.one[1]))
        return
    taken: dict[str, dict[int, float]] = {}
    print("| search | candidates | seconds | ms a candidate | peak memory, MB |")
    print("|---|---|---|---|---|", flush=True)
    for way, sizes in SIZES.items():
        for n in sizes:
            command = [sys.executable, __file__, "--one", way, str(n)]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            result = json.loads(out.splitlines()[-1])
            seconds = taken.setdefault(way, {})[n] = result["seconds"]
            print(
                f"| {way} | {n} | {seconds:.1f} | {1e3 * seconds / n:.0f} | "
                f"{result['bytes'] / 2**20:.0f} |",
                flush=True,
            )
    if options.figure:
        draw(taken, options.figure)


if __name__ == "__main__":
    main()
