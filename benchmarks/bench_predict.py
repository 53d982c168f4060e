"""Prediction on 10,000 x 20: NetClassifier and MLPClassifier, the same net, in turn.

    python benchmarks/bench_predict.py [--rounds 100]

Both get float64 rows, validate them, and compute in float64. Two threads.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings

import torch
from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier

from sknn_tricks import NetClassifier
from sknn_tricks.nets import MLP


def seconds(run, rounds: int) -> float:
    """Return the median time of `run`, after ten calls that are not counted."""
    times = []
    for i in range(-10, rounds):
        start = time.perf_counter()
        run()
        times += [time.perf_counter() - start] if i >= 0 else []
    return statistics.median(times)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(2)
    warnings.simplefilter("ignore")  # MLPClassifier's, that it has not converged
    X, y = make_classification(10_000, 20, random_state=0)
    print("| hidden | ours, ms | MLPClassifier, ms | ours / MLPClassifier |")
    print("|---|---|---|---|")
    for hidden in ((100,), (64, 64), (128, 128)):
        ours = NetClassifier(MLP(hidden), max_epochs=1, random_state=0).fit(X, y)
        peer = MLPClassifier(hidden, max_iter=1, random_state=0).fit(X, y)
        # Each in a block of its own: the two libraries' threads get in each other's way.
        mine = seconds(lambda: ours.predict_proba(X), options.rounds)  # noqa: B023
        theirs = seconds(lambda: peer.predict_proba(X), options.rounds)  # noqa: B023
        print(f"| {hidden} | {mine * 1e3:.2f} | {theirs * 1e3:.2f} | {mine / theirs:.2f} |")


if __name__ == "__main__":
    main()
