"""Deep ensembles of 8: what they cost beside one net, and what they gain.

    python benchmarks/bench_ensemble.py [--data FOLDER] [--rounds 5]

Cost: the time of a fit with n_members=8 over that of a single one, on digits. Gain, with the
folder of pmlb's data sets (NAME.tsv.gz, last column `target`, INDEX.csv): the error on held-out
rows of 8 members and the mean of single nets', over 3 splits of at most 4,000 rows.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.nets import MLP

N_ROWS, N_SPLITS = 4000, 3


def seconds(net, X, y) -> float:
    """Return the time of a fit."""
    start = time.perf_counter()
    net.fit(X, y)
    return time.perf_counter() - start


def cost(n_rounds: int) -> None:
    """Print the cost of ensembles."""
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X).astype("float32")
    print("| net | one, s | 8 members, s | 8 / one | 8 one by one / 8 |")
    print("|---|---|---|---|---|", flush=True)
    for width in (32, 64):
        for batch in (32, 128):
            spec = MLP((width, width), batch_norm=True, dropout=0.1)
            usual = {"module": spec, "batch_size": batch, "max_epochs": 20, "random_state": 0}
            one, eight = NetClassifier(**usual), NetClassifier(**usual, n_members=8)
            times = [(seconds(one, X, y), seconds(eight, X, y)) for _ in range(n_rounds + 1)][1:]
            a, b = (statistics.median(each) for each in zip(*times, strict=True))
            ratio = statistics.median(t8 / t1 for t1, t8 in times)
            print(
                f"| {width}-{width}, batch {batch}, BatchNorm + dropout | {a:.2f} | {b:.2f} | "
                f"{ratio:.2f} | {8 / ratio:.2f} |",
                flush=True,
            )


def errors(X, y, classify: bool) -> tuple[float, float]:
    """Return the error of 8 members, and the mean of theirs as single nets."""
    kind = NetClassifier if classify else NetRegressor
    ensembles, singles = [], []
    for split in range(N_SPLITS):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, random_state=split, stratify=y if classify else None
        )
        net = kind(MLP((64, 64)), max_epochs=40, n_members=8, random_state=split)
        pipe = make_pipeline(StandardScaler(), net).fit(X_train, y_train)
        X_test = pipe[0].transform(X_test)
        ensembles.append(1 - net.score(X_test, y_test))
        singles.append(np.mean([1 - member.score(X_test, y_test) for member in net.members_]))
    return float(np.mean(ensembles)), float(np.mean(singles))


def gain(folder: Path) -> None:
    """Print the gain of ensembles, data set by data set."""
    if not (folder / "INDEX.csv").exists():
        print(f"{folder} has no INDEX.csv: the gain is not measured")
        return
    print("\n| data | error of one net | of 8 members | 8 / one |\n|---|---|---|---|")
    n_better = n_sets = 0
    for row in csv.DictReader((folder / "INDEX.csv").open()):
        path = next(folder.glob(f"{row['name']}.tsv*"))
        table = pd.read_csv(path, sep="\t").sample(frac=1, random_state=0)[:N_ROWS]
        X, y = table.drop(columns="target").to_numpy(float), table["target"].to_numpy()
        classify = row["task"].startswith("class")
        eight, one = errors(X, y, classify)
        n_sets += 1
        n_better += eight < one
        print(f"| {row['name']} | {one:.4f} | {eight:.4f} | {eight / one:.3f} |", flush=True)
    print(f"\n8 members err less on {n_better} of {n_sets} sets (error: 1 - accuracy, 1 - R^2)")


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of pmlb's data sets")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    cost(options.rounds)
    if options.data is not None:
        gain(options.data)


if __name__ == "__main__":
    main()
