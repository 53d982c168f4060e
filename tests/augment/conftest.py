import numpy as np
import pytest
import torch

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._draws import Draws


@pytest.fixture(scope="session")
def images():
    """Return a function that makes different images (N, C, H, W) in [0, 1]."""

    def make(n=20, n_channels=3, height=12, width=16, dtype=torch.float32):
        source = torch.Generator().manual_seed(0)
        shape = (n, n_channels, height, width)
        return torch.rand(shape, generator=source, dtype=torch.float64).to(dtype)

    return make


@pytest.fixture(scope="session")
def draws():
    """Return a function that makes the draws of so many rows."""
    return lambda n, seed=0: Draws.of(seed, 0, np.arange(n))


@pytest.fixture(scope="session")
def changed(draws):
    """Return a function that lets a transform change images (N, C, H, W), after its checks."""

    def change(transform, x, seed=0):
        layout = ImageLayout("first", *x.shape[1:])
        transform.check(layout)
        return transform.ready(layout, False)(x, draws(len(x), seed))

    return change
