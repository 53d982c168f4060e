"""What PCA, PCA whitening and ZCA whitening do to pictures.

    python examples/whitening_pictures.py [--out whitening.png] [--data FOLDER]

Ten digits as they are, then as each method leaves them, beside the covariance of what they are
made of. Without --data, the digits are the 8 x 8 ones that come with scikit-learn; a folder holds
the training pictures of MNIST or Fashion-MNIST (train-images-idx3-ubyte, gzipped or not).
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from sknn_tricks.preprocessing import Whitener

N_PICTURES = 10
CAPTION = (
    "Right: the covariance of every two features, red above zero, blue below. Of white features, "
    "it is a diagonal of ones (gaps: pixels that are never on).\nPCA whitening does that, but its "
    "outputs are coordinates, not pixels. ZCA turns the same outputs back onto the pixels: what "
    "neighbours share is gone, edges remain."
)


class Version(NamedTuple):
    """The data after a method.

    Parameters
    ----------
    title : str
    features : ndarray of shape (N, n)
    pictures : ndarray of shape (N, H, W)
    """

    title: str
    features: np.ndarray
    pictures: np.ndarray


def load(folder: Path | None) -> np.ndarray:
    """Return pictures of shape (N, H, W), no more than 20,000."""
    if folder is None:
        return load_digits().images
    path = next(folder.glob("train-images*idx3-ubyte*"))
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        content = file.read()
    shape = np.frombuffer(content, ">i4", count=3, offset=4)
    return np.frombuffer(content, np.uint8, offset=16).reshape(shape)[:20_000]


def versions(X: np.ndarray) -> list[Version]:
    """Return pictures (N, H, W) as they are, and after each method."""
    few, pca, zca = Whitener("pca", n_components=0.9), Whitener("pca"), Whitener("zca")
    restored = few.inverse_transform(few.fit_transform(X))
    white = pca.fit_transform(X)
    rotated = white * np.sqrt(pca.explained_variance_)
    return [
        of_pictures("Input", X),
        of_pictures(f"PCA, {few.n_components_} directions\nwith 90 % of variance", restored),
        of_coordinates("PCA, rotated:\nlargest variance first", rotated, X.shape[1:]),
        of_coordinates("PCA whitening", white, X.shape[1:]),
        of_pictures("ZCA whitening", zca.fit_transform(X)),
    ]


def of_pictures(title: str, pictures: np.ndarray) -> Version:
    """Take the pixels as features."""
    return Version(title, pictures.reshape(len(pictures), -1).astype(float), pictures)


def of_coordinates(title: str, features: np.ndarray, shape: tuple[int, ...]) -> Version:
    """Lay coordinates out as a picture, line by line; what is missing is left empty."""
    pictures = np.full((len(features), np.prod(shape)), np.nan)
    pictures[:, : features.shape[1]] = features
    return Version(title, features, pictures.reshape(-1, *shape))


def error(features: np.ndarray) -> float:
    """Return the largest entry of |cov - I|, without features that never vary."""
    varying = features[:, features.std(axis=0) > 1e-9]
    covariance = np.cov(varying, rowvar=False)
    return float(np.abs(covariance - np.eye(len(covariance))).max())


def draw(all_versions: list[Version]) -> Figure:
    """Draw a line of pictures and a covariance for each version."""
    n = len(all_versions)
    figure, axes = plt.subplots(
        n, N_PICTURES + 1, figsize=(N_PICTURES + 3.2, 1.15 * n + 1.1), squeeze=False
    )
    for row, version in zip(axes, all_versions, strict=True):
        draw_pictures(row[:-1], version)
        draw_covariance(row[-1], version.features)
    axes[0, -1].set_title("covariance", fontsize=10)
    figure.subplots_adjust(0.15, 0.13, 0.98, 0.95, wspace=0.08, hspace=0.08)
    figure.text(0.02, 0.02, CAPTION, fontsize=10, linespacing=1.5)
    return figure


def draw_pictures(row: np.ndarray, version: Version) -> None:
    """Draw some pictures, all with the same greys."""
    low, high = np.nanpercentile(version.pictures, [0.5, 99.5])
    for axis, picture in zip(row, version.pictures, strict=False):
        axis.imshow(picture, cmap="gray", vmin=low, vmax=high)
        hide(axis)
    row[0].set_ylabel(version.title, rotation=0, ha="right", va="center", fontsize=10)


def draw_covariance(axis: Axes, features: np.ndarray) -> None:
    """Draw the covariance of features."""
    covariance = np.cov(features, rowvar=False)
    limit = np.abs(covariance).max()
    axis.imshow(covariance, cmap="RdBu_r", vmin=-limit, vmax=limit)
    hide(axis)


def hide(axis: Axes) -> None:
    """Take ticks and frame away."""
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def main() -> None:
    """Draw, and say how far from white each version is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("whitening.png"))
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    found = versions(load(options.data))
    print(f"{'':42} max |cov - I|")
    for version in found:
        title = version.title.replace("\n", " ")
        print(f"{title:42} {error(version.features):.1e}")
    draw(found).savefig(options.out, dpi=120)
    print(f"Figure: {options.out}")


if __name__ == "__main__":
    main()
