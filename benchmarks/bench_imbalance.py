"""What helps where classes differ in size: decisions, and probabilities before and after mending.

Each remedy is fitted on the same five stratified splits (70 % to train on) of each data set:
coil2000 (6 % of the rows are of the rare class), ann_thyroid (93 %, 5 % and 2 %), and magic with
its smaller class thinned out to 2 %. The net is the same everywhere: 64-64, dropout 0.3, 40 epochs,
on standardised features. Data: the pmlb collection, a folder of ``<name>.tsv.gz``.
"""

from __future__ import annotations

import argparse
import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTE
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.fused import fit_many
from sknn_tricks.nets import MLP
from sknn_tricks.resampling import RandomOverSampler, RandomUnderSampler, Resampled

DATA = ["coil2000", "ann_thyroid", "magic, 2 %"]
SEEDS = range(5)


def net(**params) -> NetClassifier:
    """Return the net that all remedies share."""
    return NetClassifier(MLP(hidden=(64, 64), dropout=0.3), max_epochs=40, **params)


REMEDIES = {
    "none": net(),
    "class_weight='balanced'": net(class_weight="balanced"),
    "class_weight='effective'": net(class_weight="effective"),
    "loss='focal'": net(loss="focal"),
    "loss='focal', class_weight='balanced'": net(loss="focal", class_weight="balanced"),
    "balanced_batches=True": net(balanced_batches=True),
    "class_weight='balanced', balance_after=0.8": net(class_weight="balanced", balance_after=0.8),
    "loss='logit_adjusted'": net(loss="logit_adjusted"),
    "imbalanced-learn's SMOTE": Resampled(SMOTE(), net()),
    "RandomOverSampler": Resampled(RandomOverSampler(), net()),
    "RandomUnderSampler": Resampled(RandomUnderSampler(), net()),
}


def load(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return X and y of a data set."""
    file = folder / "pmlb" / f"{name.partition(',')[0]}.tsv.gz"
    if not file.exists():
        raise SystemExit(f"{file} is not there: give the folder of the data with --data.")
    with gzip.open(file) as stream:
        text = io.TextIOWrapper(stream)
        names = text.readline().split()
        table = np.loadtxt(text, delimiter="\t")
    target = names.index("target")
    X, y = np.delete(table, target, axis=1), table[:, target].astype(int)
    return thinned(X, y) if name.startswith("magic") else (X, y)


def thinned(X: np.ndarray, y: np.ndarray, share: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Leave so few rows of the smaller class that they are that share."""
    classes, counts = np.unique(y, return_counts=True)
    small = np.flatnonzero(y == classes[counts.argmin()])
    n_kept = round(counts.max() * share / (1 - share))
    kept = np.random.default_rng(0).permutation(small)[:n_kept]
    index = np.sort(np.concatenate([np.flatnonzero(y == classes[counts.argmax()]), kept]))
    return X[index], y[index]


def estimator(remedy: Any, corrected: bool, seed: int) -> Any:
    """Return a remedy with all its random states set."""
    random = {name: seed for name in remedy.get_params() if name.endswith("random_state")}
    return clone(remedy).set_params(prior_correction=corrected, **random)


def results(X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return of each remedy the balanced accuracy and both log-losses, by seed."""
    jobs, tests = [], []
    for seed in SEEDS:
        split = train_test_split(X, y, train_size=0.7, stratify=y, random_state=seed)
        scaler = StandardScaler().fit(split[0])
        X_train, X_test = (scaler.transform(each) for each in split[:2])
        for remedy in REMEDIES.values():
            for corrected in (False, True):
                jobs.append((estimator(remedy, corrected, seed), X_train, split[2]))
                tests.append((X_test, split[3]))
    fitted = fit_many(jobs, n_jobs=2)
    scores = [
        [
            balanced_accuracy_score(y_test, each.predict(X_test)),
            log_loss(y_test, each.predict_proba(X_test), labels=each.classes_),
        ]
        for each, (X_test, y_test) in zip(fitted, tests, strict=True)
    ]
    table = np.reshape(scores, (len(SEEDS), len(REMEDIES), 2, 2))
    return {
        name: np.column_stack([table[:, i, 0, 0], table[:, i, 0, 1], table[:, i, 1, 1]])
        for i, name in enumerate(REMEDIES)
    }


def main() -> None:
    """Print a table for each data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    folder = parser.parse_args().data
    for name in DATA:
        X, y = load(folder, name)
        shares = ", ".join(f"{share:.1%}" for share in np.bincount(y)[np.unique(y)] / len(y))
        print(f"\n{name}: {len(y):,} rows x {X.shape[1]}, classes of {shares}\n")
        print("| remedy | balanced accuracy | log-loss | log-loss, corrected |")
        print("|---|---|---|---|")
        for remedy, scores in results(X, y).items():
            mean, spread = scores.mean(axis=0), scores.std(axis=0)
            cells = [f"{m:.3f} ± {s:.3f}" for m, s in zip(mean, spread, strict=True)]
            print(f"| {remedy} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
