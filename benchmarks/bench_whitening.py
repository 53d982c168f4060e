"""Whitening a stream, and whitening few rows, against scikit-learn.

    python benchmarks/bench_whitening.py [--rows 50000] [--features 256] [--rounds 5]

First, a stream of chunks of float32. Its features lie 5 standard deviations from zero, and its
variance falls to a millionth from the first principal direction to the last: seconds of
`Whitener.partial_fit`, and how far from the identity the covariance of the output is. The peers
are scikit-learn's IncrementalPCA on the same chunks, and its PCA on all rows at once.
Second, 300 rows of 256 features: the largest variance (ideal: 1) along any direction of *other*
rows that were whitened, with and without shrinkage.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from _measure import ratio, times_in_turn
from sklearn.decomposition import PCA, IncrementalPCA

from sknn_tricks.preprocessing import Whitener

CHUNK = 1000
OURS, STREAMED = "Whitener.partial_fit", "IncrementalPCA(whiten=True).partial_fit"
WHOLE = "Whitener.fit"


def correlated(n_rows: int, n_features: int, smallest: float, seed: int = 0) -> np.ndarray:
    """Return rows (N, D) in float64, of features that are correlated and of variance about one.

    The standard deviations along the principal directions fall from 1 to `smallest`, before the
    features are scaled.
    """
    directions = np.linalg.qr(np.random.default_rng(1).normal(size=(n_features, n_features)))[0]
    mix = np.geomspace(1, smallest, n_features)[:, None] * directions
    X = np.random.default_rng(seed).normal(size=(n_rows, n_features)) @ mix
    return X / np.sqrt(np.square(mix).sum(axis=0))


def error(Z: np.ndarray) -> float:
    """Return the largest entry of |cov(Z) - I|, computed in float64."""
    covariance = np.cov(Z.astype(np.float64), rowvar=False)
    return float(np.abs(covariance - np.eye(len(covariance))).max())


def streamed(model: Any, X: np.ndarray) -> Any:
    """Fit on one chunk after the other, until the model can transform."""
    for start in range(0, len(X), CHUNK):
        model.partial_fit(X[start : start + CHUNK])
    model.transform(X[:1])
    return model


def stream(n_rows: int, n_features: int, rounds: int) -> None:
    """Print times and errors of a stream."""
    X = (correlated(n_rows, n_features, smallest=1e-3) + 5).astype(np.float32)
    ways: dict[str, Callable[[], Any]] = {
        OURS: lambda: streamed(Whitener(), X),
        WHOLE: lambda: Whitener().fit(X),
        STREAMED: lambda: streamed(IncrementalPCA(whiten=True), X),
        "PCA(whiten=True).fit": lambda: PCA(whiten=True).fit(X),
        'PCA(whiten=True, svd_solver="full").fit': lambda: full().fit(X),
    }
    times = times_in_turn(ways, rounds)
    print(f"{n_rows:,} rows of {n_features} features, float32, 5 sd from zero, chunks of {CHUNK:,}")
    print("\n| | s | times our stream | max abs(cov - I) |\n|---|---|---|---|")
    for name, fit in ways.items():
        Z = fit().transform(X)
        seconds = statistics.median(times[name])
        print(f"| {name} | {seconds:.2f} | {ratio(times, name, OURS):.1f} | {error(Z):.1e} |")


def full() -> PCA:
    """Return scikit-learn's most exact one."""
    return PCA(whiten=True, svd_solver="full")


def few_rows(n_rows: int = 300, n_features: int = 256) -> None:
    """Print the largest variance of whitened rows that were not fitted."""
    X, X_test = (correlated(n, n_features, smallest=0.3, seed=n) for n in (n_rows, 20_000))
    print(f"\n{n_rows} rows of {n_features} features\n")
    print("| shrinkage | amount | largest variance, other rows | smallest |\n|---|---|---|---|")
    models = {str(rule): Whitener(shrinkage=rule) for rule in (None, 0.1, "oas", "ledoit_wolf")}
    for name, model in models.items():
        variances = np.linalg.eigvalsh(np.cov(model.fit(X).transform(X_test), rowvar=False))
        amount = f"{model.shrinkage_:.3f}"
        print(f"| {name} | {amount} | {variances[-1]:.1f} | {variances[0]:.2g} |")
    variances = np.linalg.eigvalsh(np.cov(PCA(whiten=True).fit(X).transform(X_test), rowvar=False))
    print(f"| PCA(whiten=True) | | {variances[-1]:.1f} | {variances[0]:.2g} |")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    stream(options.rows, options.features, options.rounds)
    few_rows()


if __name__ == "__main__":
    main()
