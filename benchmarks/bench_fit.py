"""One fit: NetClassifier, a hand-written torch loop, stock skorch and MLPClassifier, in turn.

    python benchmarks/bench_fit.py [--epochs 10] [--rounds 5]

The torch loop is what one would write by hand: tensors in memory, an index per batch, a fused
Adam. All run on two threads; the same nets, batches of 128, Adam at 1e-3. Times are divided by
the number of steps; ratios are medians over the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from itertools import pairwise

import numpy as np
import torch
from _measure import ratio, times_in_turn
from sklearn.datasets import load_digits, make_classification
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

from sknn_tricks import NetClassifier
from sknn_tricks.nets import MLP

BATCH = 128


def plain_module(
    n_features: int, n_classes: int, hidden: tuple[int, ...], tricks: bool
) -> nn.Module:
    """Return the net in torch's own layers."""
    layers: list[nn.Module] = []
    for size_in, size_out in pairwise((n_features, *hidden)):
        layers += [nn.Linear(size_in, size_out)]
        layers += [nn.BatchNorm1d(size_out)] if tricks else []
        layers += [nn.ReLU()]
        layers += [nn.Dropout(0.2)] if tricks else []
    return nn.Sequential(*layers, nn.Linear(hidden[-1], n_classes))


def torch_loop(X, y, hidden, tricks, epochs):
    """Train as one would by hand."""
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    module = plain_module(X.shape[1], int(y.max()) + 1, hidden, tricks)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
    loss_of = nn.CrossEntropyLoss()
    module.train()
    for _ in range(epochs):
        for index in torch.randperm(len(X)).split(BATCH):
            optimizer.zero_grad()
            loss = loss_of(module(X[index]), y[index])
            loss.backward()
            optimizer.step()


def ways(X, y, hidden, tricks, epochs):
    """Return each way to fit as a function without arguments."""
    spec = MLP(hidden, batch_norm=tricks, dropout=0.2 if tricks else 0.0)
    module = lambda: plain_module(X.shape[1], int(y.max()) + 1, hidden, tricks)  # noqa: E731
    common = {"batch_size": BATCH, "max_epochs": epochs, "lr": 1e-3}
    ours = NetClassifier(spec, optimizer="adam", weight_decay=0.0, random_state=0, **common)
    skorch = NeuralNetClassifier(
        module, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam,
        train_split=None, verbose=0, iterator_train__shuffle=True, **common,
    )  # fmt: skip
    sklearn = MLPClassifier(
        hidden, batch_size=BATCH, max_iter=epochs, learning_rate_init=1e-3, n_iter_no_change=epochs
    )
    return {
        "ours": lambda: ours.fit(X, y),
        "torch loop": lambda: torch_loop(X, y, hidden, tricks, epochs),
        "skorch": lambda: skorch.fit(X, y),
        **({} if tricks else {"MLPClassifier": lambda: sklearn.fit(X, y)}),
    }


def data_sets():
    """Yield the name, rows and labels of each data set, ready for a net."""
    generated = make_classification(10_000, 32, n_informative=16, n_classes=4, random_state=0)
    for name, (X, y) in {
        "digits": load_digits(return_X_y=True),
        "10,000 x 32": generated,
    }.items():
        yield name, StandardScaler().fit_transform(X).astype(np.float32), y


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(2)
    warnings.simplefilter("ignore")  # MLPClassifier's, that it has not converged
    print("| data | net | ours, us a step | ours / loop | skorch / ours | MLPClassifier / ours |")
    print("|---|---|---|---|---|---|")
    for name, X, y in data_sets():
        for hidden in ((64, 64), (128, 128)):
            for tricks in (False, True):
                times = times_in_turn(ways(X, y, hidden, tricks, options.epochs), options.rounds)
                steps = options.epochs * -(-len(X) // BATCH)
                micros = statistics.median(times["ours"]) / steps * 1e6
                peer = "" if tricks else f"{ratio(times, 'MLPClassifier', 'ours'):.2f}"
                net = "-".join(map(str, hidden)) + (" BatchNorm + dropout" if tricks else "")
                print(
                    f"| {name} | {net} | {micros:.0f} | {ratio(times, 'ours', 'torch loop'):.2f} | "
                    f"{ratio(times, 'skorch', 'ours'):.2f} | {peer} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
