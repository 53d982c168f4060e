"""What helps against overfitting? An over-large net, few rows, some wrong labels, ten remedies.

    python examples/regularisation.py

A net of 26,000 weights learns 200 digits by heart, a fifth of them with a wrong label. Each remedy
is tried with several seeds; all nets are trained in one go. A table says how well they do on rows
that none has seen; a figure shows how the losses go on.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sknn_tricks import NetClassifier
from sknn_tricks.fused import fused_training
from sknn_tricks.nets import MLP

REMEDIES = {
    "none": {},
    "dropout": {"module__dropout": 0.5},
    "L2": {"weight_decay": 1.0},
    "L1": {"l1": 0.001},
    "elastic net": {"l1": 0.0005, "weight_decay": 0.5},
    "max-norm": {"max_norm": 1.0},
    "input noise": {"input_noise": 0.3},
    "mixup": {"mixup": 1.0},
    "early stopping, loss": {"early_stopping": True, "patience": 20},
    "early stopping, accuracy": {"early_stopping": True, "patience": 20, "monitor": "accuracy"},
    "a smaller net": {"module__hidden": (16,)},
}
SEEDS = range(3)
N_TRAIN, N_WATCHED, WRONG = 200, 200, 0.2
FIGURE = Path("mlruns/regularisation.png")


def make_data() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return rows to train on, to watch and to test with; only the first have wrong labels."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    X_train, X_rest, y_train, y_rest = train_test_split(
        X, y, train_size=N_TRAIN, stratify=y, random_state=0
    )
    rng = np.random.default_rng(0)
    wrong = rng.random(N_TRAIN) < WRONG
    y_train[wrong] = rng.integers(0, 10, wrong.sum())
    return {
        "train": (X_train, y_train),
        "watched": (X_rest[:N_WATCHED], y_rest[:N_WATCHED]),
        "test": (X_rest[N_WATCHED:], y_rest[N_WATCHED:]),
    }


def make_net(remedy: str, seed: int) -> NetClassifier:
    """Return the over-large net with a remedy."""
    net = NetClassifier(
        MLP(hidden=(128, 128)),
        lr=0.003,
        weight_decay=0.0,
        batch_size=32,
        max_epochs=80,
        random_state=seed,
    )
    return net.set_params(**REMEDIES[remedy])


def train_all(data: dict) -> dict[tuple[str, int], NetClassifier]:
    """Train a net of each remedy and seed, all of them together."""
    keys = [(remedy, seed) for remedy in REMEDIES for seed in SEEDS]
    with fused_training() as fused:
        nets = Parallel(n_jobs=2)(delayed(train)(make_net(*key), data) for key in keys)
    print(fused.report)
    return dict(zip(keys, nets, strict=True))


def train(net: NetClassifier, data: dict) -> NetClassifier:
    """Train a net; the watched rows teach it nothing, unless it stops early."""
    return net.fit(*data["train"], validation_data=data["watched"])


def row_of(net: NetClassifier, data: dict) -> dict[str, float]:
    """Return what the table says of a net."""
    weights = np.concatenate([layer.ravel() for layer in weights_of(net)])
    X_test, y_test = data["test"]
    return {
        "train accuracy": net.score(*data["train"]),
        "test accuracy": net.score(X_test, y_test),
        "test loss": log_loss(y_test, net.predict_proba(X_test)),
        "weights below 0.001": np.mean(np.abs(weights) < 0.001),
        "epochs": net.n_iter_,
        "best epoch": net.best_epoch_,
    }


def weights_of(net: NetClassifier) -> list[np.ndarray]:
    """Return the weights of the layers."""
    return [p.detach().numpy() for p in net.net_.module_.parameters() if p.ndim == 2]


def draw(nets: dict[tuple[str, int], NetClassifier]) -> plt.Figure:
    """Draw the losses of the first seed's nets, a panel for each remedy."""
    n_columns = 4
    n_rows = -(-len(REMEDIES) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(12, 2.6 * n_rows), sharex=True, sharey=True, layout="tight"
    )
    for remedy, panel in zip(REMEDIES, axes.flat, strict=False):
        net = nets[remedy, SEEDS[0]]
        history = pd.DataFrame(net.history_).set_index("epoch")
        panel.plot(history["train_loss"], label="train (some wrong labels)")
        panel.plot(history["valid_loss"], label="validation")
        if net.early_stopping:
            panel.axvline(net.best_epoch_, color="grey", linestyle=":", label="kept")
        panel.set(title=remedy, ylim=(0, 2.5))
    for panel in axes.flat[len(REMEDIES) :]:
        panel.set_axis_off()
    for panel in axes[:, 0]:
        panel.set_ylabel("loss in nats")
    for panel in axes[-1]:
        panel.set_xlabel("epoch")
    axes[-2, -1].tick_params(labelbottom=True)  # nothing is below it
    stopped = axes.flat[list(REMEDIES).index("early stopping, loss")]
    axes.flat[-1].legend(*stopped.get_legend_handles_labels(), loc="center", frameon=False)
    return figure


def main() -> None:
    """Train all, print the table and draw the figure."""
    data = make_data()
    nets = train_all(data)
    rows = [{"remedy": remedy, **row_of(net, data)} for (remedy, _), net in nets.items()]
    table = pd.DataFrame(rows).groupby("remedy", sort=False).mean()
    print(table.round(3).to_string())
    FIGURE.parent.mkdir(exist_ok=True)
    draw(nets).savefig(FIGURE, dpi=120)
    print(f"Losses: {FIGURE}")


if __name__ == "__main__":
    main()
