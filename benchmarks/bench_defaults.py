"""The defaults: NetClassifier() and NetRegressor() against MLPClassifier() and MLPRegressor().

    python benchmarks/bench_defaults.py [--repeats 10]

Standardised data; the data sets that scikit-learn bundles; repeated 5-fold cross-validation on
the same splits. The difference is of accuracy or R^2, ours minus the peer's, with its standard
error over repeats (the folds of one repeat share their rows and count as one observation). The
time is that of all fits, ours divided by the peer's. One thread each: the nets are small.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import torch
from sklearn.base import is_classifier
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sknn_tricks import NetClassifier, NetRegressor

CLASSES = {
    "iris": load_iris,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
}
NUMBERS = {"diabetes": load_diabetes, "linnerud": load_linnerud}


def cross_validate(estimator, X, y, seed: int) -> tuple[float, float]:
    """Return the mean score over five folds, and the seconds of the five fits."""
    splitter = StratifiedKFold if is_classifier(estimator) else KFold
    scores, seconds = [], 0.0
    for train, test in splitter(5, shuffle=True, random_state=seed).split(X, y):
        pipe = make_pipeline(StandardScaler(), estimator.set_params(random_state=seed))
        start = time.perf_counter()
        pipe.fit(X[train], y[train])
        seconds += time.perf_counter() - start
        scores.append(pipe.score(X[test], y[test]))
    return float(np.mean(scores)), seconds


def compare(name: str, load, ours, peer, repeats: int) -> float:
    """Print one row and return the mean difference."""
    X, y = load(return_X_y=True)
    ours.fit(X, y), peer.fit(X, y)  # the first fit of a process loads parts of the libraries
    rows = []
    for seed in range(repeats):
        rows.append([*cross_validate(ours, X, y, seed), *cross_validate(peer, X, y, seed)])
    score, seconds, peer_score, peer_seconds = np.transpose(rows)
    difference = score - peer_score
    error = difference.std(ddof=1) / repeats**0.5
    print(
        f"| {name} | {score.mean():.4f} | {peer_score.mean():.4f} | "
        f"{difference.mean():+.4f} ± {error:.4f} | {seconds.sum() / peer_seconds.sum():.2f} |",
        flush=True,
    )
    return float(difference.mean())


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the peers', that they have not converged
    print("| data | ours | MLP | difference | time: ours / MLP |")
    print("|---|---|---|---|---|")
    with threadpool_limits(1):
        for sets, ours, peer in (
            (CLASSES, NetClassifier(), MLPClassifier()),
            (NUMBERS, NetRegressor(), MLPRegressor()),
        ):
            differences = [
                compare(name, load, ours, peer, options.repeats) for name, load in sets.items()
            ]
            print(f"| mean | | | {np.mean(differences):+.4f} | |")


if __name__ == "__main__":
    main()
