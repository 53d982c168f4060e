"""Whole grid searches: skorch and MLPClassifier in two processes, ours one by one, ours fused.

    python benchmarks/bench_search.py [--rounds 1] [--nets 32-tricks,64-plain] [--peers skorch]

Digits, a StandardScaler before the net, 48 candidates (4 inits x 3 dropouts x 4 weight decays;
against MLPClassifier, which has none of these, 6 alphas x 8 learning rates) x 5 folds = 240 nets,
20 epochs, Adam, the same batches. Everybody has two cores; processes are started and libraries
warmed up before. The time is that of the whole `fit`, without the refit.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from itertools import pairwise

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

from sknn_tricks import NetClassifier
from sknn_tricks.model_selection import FusedGridSearchCV
from sknn_tricks.nets import MLP

EPOCHS = 20
NETS = {
    "32-tricks": ((32, 32), 64, True),
    "32-plain": ((32, 32), 64, False),
    "64-tricks": ((64, 64), 128, True),
    "64-plain": ((64, 64), 128, False),
    "256-plain": ((256, 256), 256, False),
}
INITS = ["xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"]
DROPOUTS = [0.1, 0.2, 0.5]
DECAYS = [0.0, 1e-4, 1e-3, 1e-2]
ALPHAS = [0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
RATES = [2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 1e-2]


class PlainNet(nn.Sequential):
    """The net in torch's own layers, as a user of skorch would write it."""

    def __init__(self, hidden=(64, 64), tricks=False, dropout=0.0, init="xavier_uniform"):
        layers = []
        for size_in, size_out in pairwise((64, *hidden)):
            layers += [nn.Linear(size_in, size_out)]
            layers += [nn.BatchNorm1d(size_out)] if tricks else []
            layers += [nn.ReLU()]
            layers += [nn.Dropout(dropout)] if dropout else []
        super().__init__(*layers, nn.Linear(hidden[-1], 10))
        for layer in self:
            if isinstance(layer, nn.Linear):
                getattr(nn.init, f"{init}_")(layer.weight)


def piped(net):
    """Return the net behind a scaler, in the precision that torch wants."""
    return Pipeline([("scale", StandardScaler()), ("net", net)])


def skorch_net(hidden, batch, tricks):
    """Return skorch's stock net."""
    return NeuralNetClassifier(
        PlainNet, module__hidden=hidden, module__tricks=tricks, criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam, lr=1e-3, batch_size=batch, max_epochs=EPOCHS,
        iterator_train__shuffle=True, train_split=None, verbose=0,
    )  # fmt: skip


def our_net(hidden, batch, tricks):
    """Return our net with the same settings."""
    return NetClassifier(
        MLP(hidden, batch_norm=tricks), optimizer="adam", lr=1e-3, weight_decay=0.0,
        batch_size=batch, max_epochs=EPOCHS, random_state=0,
    )  # fmt: skip


def mlp_classifier(hidden, batch, tricks):
    """Return scikit-learn's net with the same settings."""
    return MLPClassifier(hidden, batch_size=batch, max_iter=EPOCHS, n_iter_no_change=EPOCHS)


def searches(name):
    """Return each way to search as (its peer's name, search)."""
    hidden, batch, tricks = NETS[name]
    dropouts = DROPOUTS if tricks else [0.0, 0.0, 0.0]
    ours = piped(our_net(hidden, batch, tricks))
    grid = {
        "net__init": INITS,
        "net__module__dropout": dropouts,
        "net__weight_decay": DECAYS,
    }
    skorch_grid = {
        "net__module__init": INITS,
        "net__module__dropout": dropouts,
        "net__optimizer__weight_decay": DECAYS,
    }
    rates = {"net__weight_decay": ALPHAS, "net__lr": RATES}
    sklearn_rates = {"net__alpha": ALPHAS, "net__learning_rate_init": RATES}
    common = {"cv": 5, "n_jobs": 2, "refit": False}
    ways = {
        "skorch": GridSearchCV(piped(skorch_net(hidden, batch, tricks)), skorch_grid, **common),
        "one by one": GridSearchCV(ours, grid, **common),
        "fused": FusedGridSearchCV(ours, grid, **common),
    }
    if not tricks:
        mlp = piped(mlp_classifier(hidden, batch, tricks))
        ways["MLPClassifier"] = GridSearchCV(mlp, sklearn_rates, **common)
        ways["fused, its grid"] = FusedGridSearchCV(ours, rates, **common)
    return ways


def seconds(search, X, y) -> float:
    """Return the time of one search."""
    time.sleep(1.0)
    start = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - start


def warm_up(search, X, y) -> None:
    """Start processes and load libraries, by a small search; ours starts them for much work."""
    if isinstance(search, FusedGridSearchCV):
        for _ in range(2):
            search.fit(X, y)
        return
    grid = {name: values[:2] for name, values in search.param_grid.items()}
    GridSearchCV(search.estimator, grid, cv=5, n_jobs=2, refit=False).fit(X[:300], y[:300])


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--nets", default=",".join(NETS))
    parser.add_argument("--peers", default="skorch,MLPClassifier,one by one")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    X = X.astype("float32")
    print("| net | peer | peer, s | ours fused, s | peer / ours | ours, us per net and step |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in options.nets.split(","):
        ways = searches(name)
        peers = [peer for peer in options.peers.split(",") if peer in ways]
        fused = {"fused"} | ({"fused, its grid"} & set(ways) if "MLPClassifier" in peers else set())
        for way in (*peers, *fused):
            warm_up(ways[way], X, y)
        times = {way: [] for way in (*peers, *fused)}
        for _ in range(options.rounds):
            for way, taken in times.items():
                taken.append(seconds(ways[way], X, y))
        steps = 240 * EPOCHS * -(-1438 // NETS[name][1])
        for peer in peers:
            mine = times["fused, its grid" if peer == "MLPClassifier" else "fused"]
            theirs = times[peer]
            ratio = statistics.median(a / b for a, b in zip(theirs, mine, strict=True))
            print(
                f"| {name} | {peer} | {statistics.median(theirs):.2f} | "
                f"{statistics.median(mine):.2f} | {ratio:.2f} | "
                f"{statistics.median(mine) / steps * 1e6:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
