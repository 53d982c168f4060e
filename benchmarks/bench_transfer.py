"""What a pretrained net is worth on new data: four strategies and "auto" against from scratch.

A small ConvNet is trained on five classes of Fashion-MNIST and then used on other data, with 3, 20,
200 and 2,000 images a class (digits have 107 at most):

- "like": from T-shirt, pullover, coat, sandal, sneaker to trouser, dress, shirt, bag, ankle boot;
- "unlike": from the classes 0-4, tops and trousers, to 5-9, shoes and bags mostly;
- "digits": from the classes 0-4 to scikit-learn's digits, scaled up to 28 x 28.

Figures are means over the seeds, of the accuracy on test images, and the error of that mean.

    python benchmarks/bench_transfer.py --data ../shared/data
    python benchmarks/bench_transfer.py --data ../shared/data --seeds 1 --epochs 5 --sizes 20 200
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from _fashion_mnist import Images, fashion_mnist
from joblib import Parallel, delayed
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknn_tricks import NetClassifier
from sknn_tricks.nets import ConvNet
from sknn_tricks.transfer import FineTuner

Scores = dict[tuple[str, int, str], float]
# Classes that a net knows before.
FIRST, MIXED = (0, 1, 2, 3, 4), (0, 2, 4, 5, 7)
STRATEGIES = ("linear_probe", "truncate", "fine_tune", "pretrained_init", "auto")


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return scikit-learn's digits, 28 x 28: training and test images, then their classes."""
    bunch = load_digits()
    large = zoom(bunch.images / 16, (1, 3.5, 3.5), order=1).clip(0, 1)
    images = (255 * large).round().astype(np.uint8)
    X, X_test, y, y_test = train_test_split(
        images, bunch.target, test_size=0.4, stratify=bunch.target, random_state=0
    )
    return X, y, X_test, y_test


def some_of(y: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Return the places of n rows of each class, at random."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(np.flatnonzero(y == k))[:n] for k in np.unique(y)])


def net(epochs: int, seed: int, **settings: object) -> NetClassifier:
    """Return a net with the settings of all trainings."""
    schedule = {"lr_schedule": "linear", "batch_size": 64}
    return NetClassifier(
        ConvNet(channels=(16, 32, 64)), max_epochs=epochs, random_state=seed, **schedule, **settings
    )


def main() -> None:
    """Try all strategies with all seeds, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n-jobs", type=int, default=2, help="seeds at a time, on a thread each")
    parser.add_argument("--epochs", type=int, default=20, help="of the new data, of 200 a class")
    parser.add_argument("--pretrain", type=int, default=5, help="epochs on the known classes")
    parser.add_argument("--pretrain-rows", type=int, default=6000, help="of each class")
    parser.add_argument("--sizes", type=int, nargs="+", default=[3, 20, 200, 2000])
    options = parser.parse_args()
    train, test = fashion_mnist(options.data)
    tries = (delayed(try_seed)(seed, train, test, options) for seed in range(options.seeds))
    results = Parallel(n_jobs=options.n_jobs)(tries)
    print_table([scores for scores, _ in results])
    seconds = {way: np.mean([each[way] for _, each in results]) for way in results[0][1]}
    print("\nSeconds of all fits of a seed:", {way: round(s) for way, s in seconds.items()})


def try_seed(
    seed: int, train: Images, test: Images, options: argparse.Namespace
) -> tuple[Scores, dict[str, float]]:
    """Return the accuracy of each way on each kind and size of data, and the ways' seconds."""
    scores: Scores = {}
    seconds: dict[str, float] = dict.fromkeys(("from scratch", *STRATEGIES), 0.0)
    backbones = {old: pretrain(seed, old, train, options) for old in (FIRST, MIXED)}
    for name, (old, (X, y, X_test, y_test)) in targets(train, test).items():
        least = int(np.unique(y, return_counts=True)[1].min())
        for size in sorted({min(size, least) for size in options.sizes}):
            few = some_of(y, size, seed)
            # Few rows have twice as many epochs, as theirs have few steps, and many have fewer.
            epochs = max(round(options.epochs * min((200 / size) ** 0.5, 2)), 1)
            scratch = net(epochs, seed)
            ways = {"from scratch": scratch} | {
                way: FineTuner(backbones[old], scratch, strategy=way) for way in STRATEGIES
            }
            for way, estimator in ways.items():
                start = time.perf_counter()
                estimator.fit(X[few], y[few])
                seconds[way] += time.perf_counter() - start
                scores[name, size, way] = score = estimator.score(X_test, y_test)
                print(f"seed {seed}  {name:<8} {size:>5}  {way:<16} {score:.3f}", flush=True)
            print("   ", ways["auto"].reason_, flush=True)
    return scores, seconds


def pretrain(
    seed: int, old: tuple[int, ...], train: Images, options: argparse.Namespace
) -> NetClassifier:
    """Return a net that knows some classes."""
    X, y = train
    known = np.flatnonzero(np.isin(y, old))
    rows = known[some_of(y[known], options.pretrain_rows, seed)]
    return net(options.pretrain, seed).fit(X[rows], y[rows])


def targets(
    train: Images, test: Images
) -> dict[str, tuple[tuple[int, ...], tuple[np.ndarray, ...]]]:
    """Return the classes known before, and new images and classes to train and to test with."""

    def others(old: tuple[int, ...]) -> tuple[np.ndarray, ...]:
        is_new = [~np.isin(y, old) for _, y in (train, test)]
        return tuple(
            each[mask] for pair, mask in zip((train, test), is_new, strict=True) for each in pair
        )

    return {
        "like": (MIXED, others(MIXED)),
        "unlike": (FIRST, others(FIRST)),
        "digits": (FIRST, digits()),
    }


def print_table(results: list[Scores]) -> None:
    """Print a row for each kind and size of data."""
    ways = list(dict.fromkeys(way for _, _, way in results[0]))
    print("\n| data | images a class |", " | ".join(ways), "|")
    print("|---|---|" + "---|" * len(ways))
    for name, size in dict.fromkeys((name, size) for name, size, _ in results[0]):
        cells = []
        for way in ways:
            found = np.array([scores[name, size, way] for scores in results])
            error = found.std(ddof=1) / len(found) ** 0.5 if len(found) > 1 else float("nan")
            cells.append(f"{found.mean():.3f} ± {error:.3f}")
        print(f"| {name} | {size} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
