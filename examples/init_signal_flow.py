"""What an init does to a signal, and what BatchNorm makes of a bad one: two experiments.

    python examples/init_signal_flow.py

1. The classical experiment: digits go through six wide layers whose weights were just drawn. The
   standard deviation of the activations, layer by layer: vanishing, saturated or steady.
2. Nets of six hidden layers learn the digits, at twelve learning rates, from small and from fitting
   weights, with and without BatchNorm: which learning rates are of use? All 144 fits are one
   search, trained fused.
"""

import warnings
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.init import initialize
from sknn_tricks.model_selection import FusedGridSearchCV
from sknn_tricks.nets import MLP

WIDTH, DEPTH = 2048, 6
CASES = [
    ("tanh", "small_normal"),
    ("tanh", "large_normal"),
    ("tanh", "xavier_normal"),
    ("relu", "xavier_normal"),
    ("relu", "kaiming_normal"),
]
RATES = np.geomspace(1e-3, 10, 12)
FIGURE = Path("mlruns/init_signal_flow.png")


@torch.no_grad()
def activations(x: torch.Tensor, activation: str, init: str) -> list[torch.Tensor]:
    """Return what leaves each hidden layer of a net that was just initialised."""
    net = MLP((WIDTH,) * DEPTH, activation).build(tuple(x.shape[1:]), 1)
    initialize(net, init, torch.Generator().manual_seed(0))
    layers = []
    for name, layer in net.named_children():
        x = layer(x)
        if name.startswith("activation"):
            layers.append(x)
    return layers


def usable_rates(X: Any, y: Any) -> pd.DataFrame:
    """Return the accuracy at each learning rate (rows), by init and BatchNorm (columns)."""
    settings = {"optimizer": "sgd", "batch_size": 32, "weight_decay": 0.0, "max_epochs": 15}
    net = NetClassifier(MLP((64,) * DEPTH), **settings, random_state=0)
    grid = {
        "lr": RATES,
        "init": ["small_normal", "kaiming_normal"],
        "module__batch_norm": [False, True],
    }
    search = FusedGridSearchCV(net, grid, cv=3, refit=False, error_score=0.0)
    with warnings.catch_warnings():  # what diverges is what we want to see
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FitFailedWarning)
        search.fit(X, y)
    table = pd.DataFrame(search.cv_results_["params"])
    table["accuracy"] = search.cv_results_["mean_test_score"]
    return table.pivot(index="lr", columns=["init", "module__batch_norm"], values="accuracy")


def draw(flows: dict[tuple[str, str], list[torch.Tensor]], rates: pd.DataFrame) -> plt.Figure:
    """Draw a histogram for each case and layer, the standard deviations, and the rates."""
    figure = plt.figure(figsize=(13, 13), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[5, 3])
    for row, (case, layers) in zip(above.subplots(len(flows), DEPTH), flows.items(), strict=True):
        for axis, layer in zip(row, layers, strict=True):
            bounds, layer = ((-1, 1), layer) if case[0] == "tanh" else ((0, 3), layer[layer > 0])
            axis.hist(layer.flatten().numpy(), bins=50, range=bounds)
            axis.set(yticks=[])
        row[0].set_ylabel("\n".join(case))
    above.suptitle(f"Activations of layers 1 to {DEPTH}, above 0 for a ReLU")
    left, right = below.subplots(1, 2)
    for case, layers in flows.items():
        left.plot(range(1, DEPTH + 1), [each.std() for each in layers], "o-", label=", ".join(case))
    left.set(xlabel="layer", ylabel="std of activations", yscale="log")
    for (init, batch_norm), accuracy in rates.items():
        name, style = (f"{init}, BatchNorm", "o-") if batch_norm else (f"{init}", "o--")
        right.plot(accuracy.index, accuracy, style, label=name)
    right.set(xlabel="learning rate (SGD)", ylabel="accuracy on held-out folds", xscale="log")
    for axis in (left, right):
        axis.legend(fontsize="small")
    return figure


def main() -> None:
    """Run both experiments, print their tables and save the figure."""
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X).astype("float32")
    flows = {case: activations(torch.from_numpy(X[:200]), *case) for case in CASES}
    stds = {", ".join(case): [each.std().item() for each in flow] for case, flow in flows.items()}
    print("Standard deviation of the activations of each layer")
    print(pd.DataFrame(stds, index=range(1, DEPTH + 1)).T.round(3).to_string())

    rates = usable_rates(X, y)
    print("\nLearning rates at which the accuracy is above 0.9, after 15 epochs")
    for (init, batch_norm), accuracy in rates.items():
        good = accuracy.index[accuracy > 0.9]
        span = f"{good.min():.3g} to {good.max():.3g}" if len(good) else "none"
        print(f"{init:15s} {'BatchNorm' if batch_norm else 'plain':10s} {span}")
    FIGURE.parent.mkdir(exist_ok=True)
    draw(flows, rates).savefig(FIGURE, dpi=80)
    print(f"\n{FIGURE}")


if __name__ == "__main__":
    main()
