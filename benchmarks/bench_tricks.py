"""What tricks cost: a fused search over each family beside a plain one of the same nets.

    python benchmarks/bench_tricks.py [--rounds 3] [--only ema,schedules]

Digits, 64-64 nets, batches of 128, 10 epochs, 3 folds. The plain search has 32 learning rates; a
search over a family has all its values, each with so many learning rates that there are about as
many candidates. Times are the CPU's, on one core, a net: what else is at work on the machine
hardly counts. Both searches of a row take turns; the figure is the median of their ratios.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.averaging import AVERAGES
from sknn_tricks.fused import fused_training
from sknn_tricks.init import SCHEMES
from sknn_tricks.losses import LOSSES
from sknn_tricks.nets import ACTIVATIONS, MLP, ResMLP
from sknn_tricks.optim import OPTIMIZERS
from sknn_tricks.schedules import SCHEDULES

N_CANDIDATES, N_FOLDS = 32, 3


@dataclass(frozen=True)
class Family:
    """A row of the table.

    Parameters
    ----------
    grid : mapping of str to list
        The values to search over.
    plain : mapping of str to object
        Parameters of both searches, where the trick is one of nets that are not the usual.
    regression : bool
    """

    grid: Mapping[str, Sequence[Any]]
    plain: Mapping[str, Any] = field(default_factory=dict)
    regression: bool = False


NET = MLP((64, 64))
DROPPING = {"module": MLP((64, 64), dropout=0.2)}
NORMED = {"module": MLP((64, 64), batch_norm=True)}
BLOCKS = {"module": ResMLP(width=64)}
CLASS_LOSSES = [name for name in LOSSES if name in ("cross_entropy", "focal", "logit_adjusted")]
NUMBER_LOSSES = ["squared_error", "absolute_error", "huber"]

FAMILIES = {
    "init, all": Family({"init": [*SCHEMES]}),
    "bias_init": Family({"bias_init": [0.01]}),
    "activations, all": Family({"module__activation": [*ACTIVATIONS]}),
    "norm: batch": Family({"module__norm": ["batch"]}),
    "norm: layer": Family({"module__norm": ["layer"]}),
    "norm: group": Family({"module__norm": ["group"]}),
    "norm after the activation": Family({"module__norm_after_activation": [True]}, NORMED),
    "dropout": Family({"module__dropout": [0.1, 0.2, 0.5]}),
    "input_dropout": Family({"module__input_dropout": [0.1, 0.2]}),
    "drop_connect": Family({"module__drop_connect": [0.1, 0.2]}),
    "drop_path (ResMLP)": Family({"module__drop_path": [0.1, 0.2]}, BLOCKS),
    "optimizers, all": Family({"optimizer": [*OPTIMIZERS]}),
    "lr_schedule, all": Family({"lr_schedule": [*SCHEDULES]}),
    "warmup": Family({"warmup": [0.1, 0.3]}),
    "lr_scaling": Family({"lr_scaling": ["linear", "sqrt"]}),
    "weight_decay": Family({"weight_decay": [0.0, 1e-4, 1e-2]}),
    "weight_decay_schedule": Family({"weight_decay_schedule": ["flat_cosine"]}),
    "dropout_schedule": Family({"dropout_schedule": ["flat_cosine"]}, DROPPING),
    "decay_biases": Family({"decay_biases": [True]}),
    "l1": Family({"l1": [1e-5, 1e-3]}),
    "clip_norm": Family({"clip_norm": [0.1, 1.0]}),
    "clip_value": Family({"clip_value": [0.01, 0.1]}),
    "max_norm": Family({"max_norm": [1.0, 3.0]}),
    "input_noise": Family({"input_noise": [0.1, 0.3]}),
    "mixup": Family({"mixup": [0.2, 1.0]}),
    "label_smoothing": Family({"label_smoothing": [0.05, 0.1]}),
    "losses of classes": Family({"loss": CLASS_LOSSES}),
    "losses of numbers": Family({"loss": NUMBER_LOSSES}, regression=True),
    "class_weight": Family({"class_weight": ["balanced", "effective"]}),
    "balanced_batches": Family({"balanced_batches": [True]}),
    "early_stopping": Family({"early_stopping": [True], "patience": [100]}),
    **{f"averaging: {name}": Family({"averaging": [name]}) for name in AVERAGES},
    "swa, with BatchNorm": Family({"averaging": ["swa"]}, NORMED),
}


def search_of(family: Family, with_trick: bool) -> GridSearchCV:
    """Return a search over a family, or one of the same nets without it."""
    kind = NetRegressor if family.regression else NetClassifier
    net = kind(NET, max_epochs=10, random_state=0).set_params(**family.plain)
    grid = dict(family.grid) if with_trick else {}
    n_values = int(np.prod([len(values) for values in grid.values()]))
    n_rates = max(round(N_CANDIDATES / n_values), 1)
    grid["lr"] = [*np.geomspace(5e-4, 5e-3, n_rates)]
    return GridSearchCV(net, grid, cv=N_FOLDS, refit=False)


def seconds_a_net(search: GridSearchCV, X: Any, y: Any) -> float:
    """Return the CPU's seconds of a fused search, by its number of nets."""
    gc.collect()
    start = time.process_time()
    with fused_training(n_jobs=1) as fused:
        search.fit(X, y)
    seconds = time.process_time() - start
    return seconds / fused.report.n_nets


def row(name: str, family: Family, X: Any, y: Any, rounds: int) -> str:
    """Return a row of the table."""
    searches = [search_of(family, with_trick) for with_trick in (False, True)]
    pairs = [[seconds_a_net(search, X, y) for search in searches] for _ in range(rounds + 1)][1:]
    plain, trick = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(theirs / ours for ours, theirs in pairs)
    return f"| {name} | {1000 * plain:.1f} | {1000 * trick:.1f} | {ratio:.2f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="parts of names of rows, with commas")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X).astype("float32")
    parts = options.only.split(",")
    print("| trick | plain, ms a net | with it, ms a net | ratio |\n|---|---|---|---|", flush=True)
    for name, family in FAMILIES.items():
        if any(part in name for part in parts):
            print(row(name, family, X, y, options.rounds), flush=True)


if __name__ == "__main__":
    main()
