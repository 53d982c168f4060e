"""A flower, and what each augmentation makes of it.

    python examples/augmentations.py

A figure shows a flower as it is, and as a net would see it in five epochs of its training: a line
for each transform, one for several of them together.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from sknn_tricks.augment import (
    Augment,
    ColorJitter,
    ColorNoise,
    Crop,
    Cutout,
    Flip,
    Noise,
    RandomErasing,
    RandomResizedCrop,
    Rotate,
    Scale,
    Shear,
    Shift,
    Stretch,
)

TRANSFORMS = {
    "flip": Flip(),
    "shift": Shift(0.15),
    "crop": Crop(16),
    "rotate": Rotate(25),
    "scale": Scale((0.7, 1.4)),
    "stretch": Stretch((0.7, 1.4)),
    "shear": Shear(20),
    "resized crop": RandomResizedCrop(),
    "color jitter": ColorJitter(),
    "PCA color noise": ColorNoise(0.3),
    "noise": Noise(0.1),
    "cutout": Cutout(32),
    "erasing": RandomErasing(p=1.0),
    "several": [Flip(), Rotate(15), Scale((0.8, 1.2)), ColorJitter(), Cutout(24)],
}
EPOCHS = range(5)
FIGURE = Path("mlruns/augmentations.png")


def load_image() -> np.ndarray:
    """Return one image (1, 96, 96, 3) of bytes."""
    flower = load_sample_image("flower.jpg")
    return np.ascontiguousarray(flower[60:444:4, 120:504:4])[None]


def draw(image: np.ndarray) -> None:
    """Draw the image, and what becomes of it in each epoch."""
    figure, axes = plt.subplots(
        len(TRANSFORMS), 1 + len(EPOCHS), figsize=(8, 1.35 * len(TRANSFORMS)), layout="constrained"
    )
    for line, (name, transform) in zip(axes, TRANSFORMS.items(), strict=True):
        augment = Augment(transform)
        shown = [image, *(augment(image, random_state=epoch) for epoch in EPOCHS)]
        for ax, each in zip(line, shown, strict=True):
            ax.imshow(each[0])
            ax.set(xticks=[], yticks=[])
        line[0].set_ylabel(name)
    axes[0, 0].set_title("as it is")
    for ax, epoch in zip(axes[0, 1:], EPOCHS, strict=True):
        ax.set_title(f"epoch {epoch + 1}")
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=80)
    print(f"Each augmentation, five times: {FIGURE}")


draw(load_image())
