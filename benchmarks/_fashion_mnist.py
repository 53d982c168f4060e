"""Fashion-MNIST: 70,000 grey images of clothes, 28 x 28 pixels, 10 classes."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CLASSES = (
    *("T-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


def fashion_mnist(data: Path) -> tuple[Images, Images]:
    """Return images (N, 28, 28) and labels for training, 60,000, and for test, 10,000.

    Source: github.com/zalandoresearch/fashion-mnist, MIT.
    """
    folder = data / "fashion-mnist"
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not there: give the folder of the data with --data.")
    train, test = (
        (
            _read(folder / f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28),
            _read(folder / f"{part}-labels-idx1-ubyte.gz", 8).astype(np.int64),
        )
        for part in ("train", "t10k")
    )
    return train, test


def _read(file: Path, n_header: int) -> NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=n_header)
