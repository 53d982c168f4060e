"""What a cache of trained nets costs and saves: a whole search with and without, and once more.

    python benchmarks/bench_cache.py [--rounds 3] [--epochs 80]

The search of bench_search.py, 48 candidates x 5 folds of 64-64 nets with BatchNorm and dropout, for
as many epochs as our nets have by default.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import warnings
from pathlib import Path

from bench_search import searches, seconds
from sklearn.base import clone
from sklearn.datasets import load_digits


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=80)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    X = X.astype("float32")
    search = searches("64-tricks")["fused"].set_params(estimator__net__max_epochs=options.epochs)
    search.fit(X, y)
    rounds, n_bytes = [], 0
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            cached = clone(search).set_params(cache=folder)
            times = [seconds(search, X, y), seconds(cached, X, y), seconds(cached, X, y)]
            assert cached.report_.n_nets == 0
            n_bytes = sum(path.stat().st_size for path in Path(folder).rglob("*.safetensors"))
        rounds.append(times)
    without, first, again = (statistics.median(each) for each in zip(*rounds, strict=True))
    writing = statistics.median(b / a for a, b, _ in rounds) - 1
    repeated = statistics.median(c / b for _, b, c in rounds)
    print("| without a cache, s | writing it, s | from it, s | writing costs | once more costs |")
    print("|---|---|---|---|---|")
    print(f"| {without:.1f} | {first:.1f} | {again:.1f} | {writing:+.1%} | {repeated:.1%} |")
    print(f"{n_bytes / 2**20:.0f} MB for 240 nets")


if __name__ == "__main__":
    main()
