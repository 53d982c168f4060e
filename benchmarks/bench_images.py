"""Fashion-MNIST: the test accuracy that nets reach, and how fast they train.

    python benchmarks/bench_images.py [--data ../shared/data] [--parts mlp,convnet,resnet,speed]

mlp, convnet, resnet: trains on all 60,000 images, with no look at the test images but for the
curve, and prints accuracy, weights and minutes; `--figure FILE` draws the curves, and
`--curves FILE` keeps them, so that parts trained on different days stand in one figure.
speed: images per second in training, of a ConvNet and of the same net in a loop written by hand,
without augmentation and with it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _fashion_mnist import Images, fashion_mnist
from _measure import ratio, times_in_turn
from matplotlib.figure import Figure
from torch import nn

from sknn_tricks import NetClassifier
from sknn_tricks.augment import Augment, Cutout, Flip, Shift
from sknn_tricks.nets import MLP, ConvNet, ResNet

# Published: MLPClassifier (100,) .871, 256-128-100 .883; two convolutions, below 100,000 weights,
# .925; three with BatchNorm and augmentation .934; ResNet18 .949.
# Source: the benchmark page of github.com/zalandoresearch/fashion-mnist.
SHARED: dict[str, Any] = {
    "optimizer": "adamw",
    "lr_schedule": "one_cycle",
    "label_smoothing": 0.1,
    "random_state": 0,
}
RECIPES: dict[str, dict[str, Any]] = {
    "mlp": {
        "module": MLP(hidden=(512, 512), norm="batch", dropout=0.2),
        "augment": Augment([Flip(), Shift(1)]),
        "lr": 0.003,
        "weight_decay": 0.05,
        "max_epochs": 60,
    },
    "convnet": {
        "module": ConvNet(channels=(16, 32, 64), n_convs=2, dropout=0.1),
        "augment": Augment([Flip(), Shift(2), Cutout(6)]),
        "lr": 0.01,
        "weight_decay": 0.05,
        "max_epochs": 40,
    },
    "resnet": {
        "module": ResNet(channels=(32, 64, 128), n_blocks=1, dropout=0.1),
        "augment": Augment([Flip(), Shift(2), Cutout(8)]),
        "lr": 0.01,
        "weight_decay": 0.05,
        "max_epochs": 24,
    },
}
SPEED_ROWS, BATCH = 12_800, 128


def make_net(part: str, **changed: Any) -> NetClassifier:
    """Return the net of a part."""
    return NetClassifier(**{**SHARED, **RECIPES[part], **changed})


def measure_accuracy(part: str, train: Images, test: Images) -> list[float]:
    """Print what a net reaches; return its accuracy on the test images after each epoch."""
    net = make_net(part)
    start = time.perf_counter()
    net.fit(*train, validation_data=test)
    minutes = (time.perf_counter() - start) / 60
    n_weights = sum(p.numel() for p in net.net_.module_.parameters())
    plain, flipped = net.score(*test), net.set_params(tta="flip").score(*test)
    row = f"{plain:.4f} | {flipped:.4f} | {n_weights:,} | {len(net.history_)} | {minutes:.1f}"
    print(f"| {part} | {row} |", flush=True)
    return [float(score) for score in net.validation_scores_]


def draw(curves: dict[str, list[float]], file: Path) -> None:
    """Draw the accuracy on the test images after each epoch."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for part, curve in curves.items():
        axes.plot(range(1, len(curve) + 1), curve, label=part)
    axes.set(xlabel="epoch", ylabel="test accuracy", ylim=(0.8, 0.96), title="Fashion-MNIST")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(file, dpi=100)


def measure_speed(train: Images, rounds: int) -> None:
    """Print images per second."""
    X, y = train[0][:SPEED_ROWS], train[1][:SPEED_ROWS]
    settings = {"max_epochs": 1, "lr_schedule": "constant", "label_smoothing": 0.0}
    plain = make_net("convnet", augment=None, **settings)
    augmented = make_net("convnet", **settings)
    ways = {
        "loop by hand": lambda: train_by_hand(plain, X, y),
        "NetClassifier": lambda: plain.fit(X, y),
        "with augmentation": lambda: augmented.fit(X, y),
    }
    times = times_in_turn(ways, rounds)
    print("\n| | images / s | of the loop by hand |\n|---|---|---|")
    for way, seconds in times.items():
        share = 1 / ratio(times, way, "loop by hand")
        print(f"| {way} | {SPEED_ROWS / statistics.median(seconds):,.0f} | {share:.2f} |")
    share = 1 / ratio(times, "with augmentation", "NetClassifier")
    print(f"\nwith augmentation: {share:.2f} of the images a second without")


def train_by_hand(net: NetClassifier, X: np.ndarray, y: np.ndarray) -> None:
    """Train the same module for an epoch, in the shortest loop there is."""
    module = net.module.build(X.shape[1:], 10)
    decayed = [p for p in module.parameters() if p.ndim > 1]
    others = [p for p in module.parameters() if p.ndim <= 1]
    groups = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=net.lr, weight_decay=net.weight_decay, fused=True)
    images, labels = torch.tensor(X).float() / 255, torch.tensor(y)
    module.train()
    for index in torch.randperm(len(X)).split(BATCH):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(module(images[index]), labels[index])
        loss.backward()
        optimizer.step()


def main() -> None:
    """Measure the parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--parts", default="mlp,convnet,resnet,speed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--curves", type=Path)
    options = parser.parse_args()
    train, test = fashion_mnist(options.data)
    parts = options.parts.split(",")
    if len(trained := [part for part in parts if part != "speed"]):
        print("| net | test accuracy | with flips | weights | epochs | minutes |\n|" + "---|" * 6)
    kept = options.curves
    curves = json.loads(kept.read_text()) if kept and kept.exists() else {}
    for part in trained:
        curves[part] = measure_accuracy(part, train, test)
        if kept:
            kept.write_text(json.dumps(curves))
    if curves and options.figure:
        draw(curves, options.figure)
    if "speed" in parts:
        measure_speed(train, options.rounds)


if __name__ == "__main__":
    main()
