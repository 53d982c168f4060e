"""A net that knows the digits 0 to 4 learns 5 to 9 from a few images: four ways, and from scratch.

    python examples/transfer.py

A table of accuracies, by the number of new images of each digit, and what "auto" chose and why. A
figure shows the same.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from sknn_tricks import NetClassifier
from sknn_tricks.nets import ConvNet
from sknn_tricks.transfer import FineTuner

STRATEGIES = ("linear_probe", "truncate", "fine_tune", "pretrained_init")
SIZES = (3, 10, 50)
SEEDS = range(3)
FIGURE = Path("mlruns/transfer.png")


def make_net(seed: int, max_epochs: int = 40) -> NetClassifier:
    """Return a net as it is trained from scratch, and the settings of all trainings."""
    module = ConvNet(channels=(16, 32), n_convs=2)
    return NetClassifier(
        module, batch_size=32, lr_schedule="linear", max_epochs=max_epochs, random_state=seed
    )


def some_of(digits: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Return the places of n images of each digit, at random."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.permutation(np.flatnonzero(digits == digit))[:n] for digit in np.unique(digits)]
    )


def main() -> None:
    """Train all, and show how they do on images that none has seen."""
    images, digits = load_digits(return_X_y=True)
    images = (images * 15).astype(np.uint8).reshape(-1, 8, 8)
    is_old = digits < 5
    new_images, new_digits = images[~is_old], digits[~is_old]
    scores = []
    for seed in SEEDS:
        backbone = make_net(seed, max_epochs=15).fit(images[is_old], digits[is_old])
        for size in SIZES:
            few = some_of(new_digits, size, seed)
            others = np.setdiff1d(np.arange(len(new_digits)), few)
            net = make_net(seed)
            ways = {"from scratch": net} | {
                strategy: FineTuner(backbone, net, strategy=strategy)
                for strategy in (*STRATEGIES, "auto")
            }
            for name, way in ways.items():
                score = way.fit(new_images[few], new_digits[few]).score(
                    new_images[others], new_digits[others]
                )
                scores.append({"images": size, "way": name, "accuracy": score})
            if seed == 0:
                print(f"{size} images of each digit: {ways['auto'].reason_}\n")
    table = pd.DataFrame(scores).pivot_table(index="images", columns="way", values="accuracy")
    table = table[["from scratch", *STRATEGIES, "auto"]]
    print(table.round(3))
    axes = table.drop(columns="auto").plot(marker="o", logx=True, ylabel="accuracy", grid=True)
    axes.set_xticks(SIZES, map(str, SIZES))
    axes.minorticks_off()
    axes.set_xlabel("images of each new digit")
    FIGURE.parent.mkdir(exist_ok=True)
    plt.savefig(FIGURE, dpi=80)
    print(f"\nThe same as a figure: {FIGURE}")


main()
