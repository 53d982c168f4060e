"""What schedules, averages of weights and label smoothing do: the tables of docs/tricks.md.

    python benchmarks/bench_effects.py

Digits and diabetes, 64-64 nets; all nets of a table are trained together. Figures are means over
seeds, which choose the split, the wrong labels and the net.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.fused import fit_many
from sknn_tricks.nets import MLP

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
PLAIN, NORMED = MLP((64, 64)), MLP((64, 64), batch_norm=True)

TRAININGS = {
    "AdamW, lr 0.01": {"module": PLAIN, "lr": 0.01},
    "AdamW, lr 0.03": {"module": PLAIN, "lr": 0.03},
    "AdamW, lr 0.02, BatchNorm": {"module": NORMED, "lr": 0.02},
    "SGD, lr 0.3": {"module": PLAIN, "optimizer": "sgd", "lr": 0.3},
    "SGD, lr 0.5, BatchNorm": {"module": NORMED, "optimizer": "sgd", "lr": 0.5},
}
ENDS = {
    "last epoch": {},
    "ema": {"averaging": "ema"},
    "swa": {"averaging": "swa"},
    "cosine": {"lr_schedule": "cosine"},
    "snapshots": {"averaging": "snapshots"},
}
RATES = {
    "momentum, batch 16, lr 0.02, constant": {"lr": 0.02},
    "momentum, batch 16, lr 0.05, constant": {"lr": 0.05},
    "momentum, batch 16, lr 0.05, one cycle": {"lr": 0.05, "lr_schedule": "one_cycle"},
    "momentum, batch 16, lr 0.1, constant": {"lr": 0.1},
    "momentum, batch 16, lr 0.1, one cycle": {"lr": 0.1, "lr_schedule": "one_cycle"},
}
WRONG = {
    "AdamW, a fifth wrong, constant": {},
    "AdamW, a fifth wrong, cosine": {"lr_schedule": "cosine"},
    "AdamW, a fifth wrong, one cycle": {"lr_schedule": "one_cycle"},
}
BATCHES = {
    "SGD, lr 0.1, batches of 128": {"batch_size": 128},
    "SGD, lr 0.1, one batch of 898": {"batch_size": 898},
    "SGD, lr 0.1, one batch of 898, warm-up": {"batch_size": 898, "warmup": 0.1},
    "SGD, one batch of 898, lr scaled": {"batch_size": 898, "lr_scaling": "linear"},
    "SGD, one batch of 898, lr scaled, warm-up": {
        "batch_size": 898,
        "lr_scaling": "linear",
        "warmup": 0.1,
    },
}


def digits(seed: int, wrong: float = 0.0) -> Split:
    """Return half of digits to train on, a share of its labels wrong, and the other half."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X)
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(len(y)) < wrong, rng.integers(10, size=len(y)), y)
    return scaler.transform(X), y, scaler.transform(X_test), y_test


def diabetes(seed: int) -> Split:
    """Return diabetes, above the median or below."""
    X, y = load_diabetes(return_X_y=True)
    y = (y > np.median(y)).astype(int)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), y, scaler.transform(X_test), y_test


def calibration_error(proba: np.ndarray, y: np.ndarray) -> float:
    """Return the expected calibration error of the predicted class, over ten equal bins."""
    confidence, hit = proba.max(axis=1), proba.argmax(axis=1) == y
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = [abs((hit - confidence)[bins == b].sum()) for b in range(10)]
    return float(sum(gaps) / len(y))


def scores(settings: Mapping[str, Mapping[str, Any]], splits: list[Split]) -> pd.DataFrame:
    """Train all settings on all splits together; return their mean scores on the test rows."""
    tasks = [
        (name, split, NetClassifier(**params, random_state=seed))
        for name, params in settings.items()
        for seed, split in enumerate(splits)
    ]
    nets = fit_many([(net, split[0], split[1]) for _, split, net in tasks])
    rows = []
    for (name, (_, _, X, y), _), net in zip(tasks, nets, strict=True):
        proba = net.predict_proba(X)
        row = {"accuracy": (proba.argmax(axis=1) == y).mean(), "log loss": log_loss(y, proba)}
        rows.append({"": name, **row, "calibration error": calibration_error(proba, y)})
    return pd.DataFrame(rows).groupby("", sort=False).mean()


def averages() -> pd.DataFrame:
    """Return log loss and accuracy of each training with each end."""
    settings = {
        f"{training} | {end}": {**params, **more, "max_epochs": 30}
        for training, params in TRAININGS.items()
        for end, more in ENDS.items()
    }
    table = scores(settings, [digits(seed, wrong=0.1) for seed in range(5)])
    cells = table["log loss"].map("{:.2f}".format) + ", " + table["accuracy"].map("{:.1%}".format)
    cells.index = pd.MultiIndex.from_tuples([name.split(" | ") for name in cells.index])
    return cells.unstack(sort=False)


def smoothing() -> pd.DataFrame:
    """Return what label smoothing does to an over-large net."""
    large = {"module": MLP((256, 256)), "max_epochs": 100}
    settings = {f"label_smoothing={s}": {**large, "label_smoothing": s} for s in (0.0, 0.1, 0.2)}
    return scores(settings, [diabetes(seed) for seed in range(5)])


def main() -> None:
    """Print all tables."""
    print(f"Averages (log loss, accuracy)\n{averages().to_string()}\n")
    shared = {"module": PLAIN, "max_epochs": 20}
    momentum = {**shared, "optimizer": "momentum", "batch_size": 16}
    sgd = {**shared, "optimizer": "sgd", "lr": 0.1}
    splits = [digits(seed) for seed in range(6)]
    wrong = [digits(seed, wrong=0.2) for seed in range(6)]
    for title, base, settings, data in [
        ("Rates", momentum, RATES, splits),
        ("Wrong labels", {**shared, "max_epochs": 30}, WRONG, wrong),
        ("Large batches", sgd, BATCHES, splits),
    ]:
        table = scores({name: {**base, **more} for name, more in settings.items()}, data)
        print(f"{title}\n{table.round(3).to_string()}\n")
    print(f"Label smoothing\n{smoothing().round(3).to_string()}")


if __name__ == "__main__":
    main()
