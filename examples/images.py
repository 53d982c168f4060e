"""A convolutional net in a pipeline: which augmentation, how deep, and what it does not see.

    python examples/images.py

The digits that scikit-learn brings, 8 x 8 pixels. A grid search tries augmentations and numbers of
blocks, in stacks; the best net then predicts with test-time augmentation. Two figures: the images
that it gets wrong, and the filters of its first layer.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from sknn_tricks import NetClassifier
from sknn_tricks.augment import Augment, Cutout, Rotate, Scale, Shift
from sknn_tricks.model_selection import FusedGridSearchCV
from sknn_tricks.nets import ConvNet
from sknn_tricks.preprocessing import StandardScalerND

AUGMENTATIONS = {
    "none": None,
    "shift": Augment(Shift(1)),
    "shift, cutout": Augment([Shift(1), Cutout(3)]),
    "shift, rotate, scale": Augment([Shift(1), Rotate(10), Scale((0.9, 1.1))]),
}
DEPTHS = {"one block": (32,), "two blocks": (32, 64)}
FOLDER = Path("mlruns")


def load_images() -> list[np.ndarray]:
    """Return images (N, 8, 8) and digits, to train with and to test with."""
    images, digits = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype(np.float32)
    return train_test_split(images, digits, train_size=600, stratify=digits, random_state=0)


def make_search() -> FusedGridSearchCV:
    """Return the search; `scale` has the mean and spread of each training fold."""
    net = NetClassifier(
        ConvNet(n_convs=1), lr=0.01, lr_schedule="one_cycle", max_epochs=40, random_state=0
    )
    pipe = Pipeline([("scale", StandardScalerND(per="global")), ("net", net)])
    grid = {
        "net__augment": list(AUGMENTATIONS.values()),
        "net__module__channels": list(DEPTHS.values()),
    }
    return FusedGridSearchCV(pipe, grid, cv=3, n_jobs=2)


def as_table(search: FusedGridSearchCV) -> pd.DataFrame:
    """Return the mean accuracy of each augmentation and depth."""
    scores = search.cv_results_["mean_test_score"].reshape(len(AUGMENTATIONS), len(DEPTHS))
    return pd.DataFrame(scores, index=list(AUGMENTATIONS), columns=list(DEPTHS)).round(3)


def draw_mistakes(images: np.ndarray, digits: np.ndarray, found: np.ndarray) -> None:
    """Draw images that are taken for another digit."""
    wrong = np.flatnonzero(found != digits)[:16]
    figure, axes = plt.subplots(2, 8, figsize=(8, 2.6), layout="constrained")
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, i in zip(axes.flat, wrong, strict=False):
        ax.imshow(images[i], cmap="gray_r")
        ax.set_title(f"{digits[i]} as {found[i]}", fontsize=9)
    figure.savefig(FOLDER / "mistakes.png", dpi=80)


def draw_filters(net: NetClassifier) -> None:
    """Draw the weights of the first convolution."""
    weights = next(p for p in net.net_.module_.parameters() if p.ndim == 4).detach()
    figure, axes = plt.subplots(4, 8, figsize=(6, 3.2), layout="constrained")
    largest = float(weights.abs().max())
    for ax, kernel in zip(axes.flat, weights[:, 0], strict=True):
        ax.imshow(kernel, cmap="RdBu", vmin=-largest, vmax=largest)
        ax.set_axis_off()
    figure.savefig(FOLDER / "filters.png", dpi=80)


X_train, X_test, y_train, y_test = load_images()
search = make_search().fit(X_train, y_train)
best = search.best_estimator_
print(as_table(search))
print(f"\nThe best, on images of the test: {best.score(X_test, y_test):.3f}")
best.set_params(net__tta="five_crop")
print(f"... with five crops of each:     {best.score(X_test, y_test):.3f}")
print(f"\n{search.report_}")
FOLDER.mkdir(exist_ok=True)
draw_mistakes(X_test, y_test, best.predict(X_test))
draw_filters(best.named_steps["net"])
print(f"What it gets wrong, and its first filters: {FOLDER}/mistakes.png, {FOLDER}/filters.png")
