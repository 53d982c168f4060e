"""Rows that are not in memory, for the tests of several packages."""

import os

import numpy as np
import pytest

from sknn_tricks.fused import _sources


class Sliceable:
    """What h5py's and zarr's arrays have in common; notes what was read."""

    def __init__(self, rows):
        self._rows, self.reads = rows, []
        self.shape, self.dtype = rows.shape, rows.dtype

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, key):
        assert isinstance(key, slice)
        assert key.step is None
        self.reads.append((key.start, key.stop))
        return self._rows[key].copy()


@pytest.fixture(scope="session")
def sliceable():
    return Sliceable


@pytest.fixture
def mapped(tmp_path):
    """Return a function from an array to a memmap of it."""

    def make(array, mode="r"):
        path = tmp_path / f"{len(os.listdir(tmp_path))}.bin"
        array.tofile(path)
        return np.memmap(path, array.dtype, mode, shape=array.shape)

    return make


@pytest.fixture
def small_windows(monkeypatch):
    """Let a window be four blocks of 8 rows, for rows of up to 32 numbers."""
    monkeypatch.setattr(_sources, "BLOCK_NUMBERS", 8 * 32)
    monkeypatch.setattr(_sources, "WINDOW_BLOCKS", 4)
