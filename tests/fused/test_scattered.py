"""Rows that lie anywhere, as files do: any order, a window at once, ahead of need."""

import threading
import time
import tracemalloc

import numpy as np
import pytest
import torch
from PIL import Image

from sknn_tricks import ImageFolder, NetClassifier
from sknn_tricks.fused._ahead import ahead
from sknn_tricks.fused._sources import Source
from sknn_tricks.fused._windows import Windows
from sknn_tricks.nets import MLP
from sknn_tricks.on_disk._image_files import ImageFiles

pytestmark = pytest.mark.usefixtures("small_windows")


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Paths of 100 grey images whose pixels are all their number."""
    root = tmp_path_factory.mktemp("numbers")
    found = [str(root / f"{i:03}.png") for i in range(100)]
    for i, path in enumerate(found):
        Image.new("L", (4, 4), i).save(path)
    return found


def windows(paths, seed=0, **settings):
    X = ImageFolder(paths, mode="L", **settings)
    return Windows(Source(X, torch.float32, of_bytes=True), seed)


def epoch(paths, sizes, **settings):
    taken, rows = [], windows(paths, **settings)
    for size in sizes:
        memory = torch.empty(size, 16)
        numbers = rows.take(memory)
        assert torch.equal(memory, (numbers[:, None] / 255).float().expand(size, 16))
        taken += numbers.tolist()
    return taken


@pytest.mark.parametrize("n_workers", [0, 2])
def test_an_epoch_has_each_row_once_in_an_order_of_the_seed(paths, n_workers):
    order = epoch(paths, [7] * 14 + [2], n_workers=n_workers)
    assert sorted(order) == list(range(100))
    assert order == epoch(paths, [100])
    assert order != windows(paths, seed=1).take(torch.empty(100, 16)).tolist()


def test_neighbours_come_apart(paths):
    order = np.array(epoch(paths, [100]))
    # Of rows read by blocks of 8, each window of 32 would have whole blocks.
    assert len({i // 8 for i in order[:32].tolist()}) > 8
    assert np.abs(np.corrcoef(order, np.arange(100))[0, 1]) < 0.3


def test_a_window_is_read_at_once_and_the_next_one_ahead(paths, monkeypatch):
    reads, gather = [], ImageFiles.gather

    def noted(self, numbers):
        reads.append((len(numbers), threading.current_thread().name))
        return gather(self, numbers)

    monkeypatch.setattr(ImageFiles, "gather", noted)
    rows = windows(paths, n_workers=2)
    rows.take(torch.empty(1, 16))
    deadline = time.monotonic() + 5
    while len(reads) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert [size for size, _ in reads] == [32, 32]
    assert all(name.startswith("sknn_tricks_ahead") for _, name in reads)
    reads.clear()
    windows(paths, n_workers=0).take(torch.empty(1, 16))
    assert reads == [(32, threading.current_thread().name)]


def test_memory_is_bounded(tmp_path):
    path = str(tmp_path / "0.png")
    Image.new("RGB", (64, 64), (1, 2, 3)).save(path)
    X, y = ImageFolder([path] * 300), np.arange(300) % 2
    net = NetClassifier(MLP(hidden=(2,)), batch_size=16, max_epochs=1, random_state=0)
    net.fit(X[:9], y[:9]).predict(X[:9])  # what is imported and kept for good is not counted
    tracemalloc.start()
    net.fit(X, y).predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < np.prod(X.shape) / 4


def test_ahead_is_one_call_ahead_and_stops_with_an_error():
    made = []

    def call(i):
        made.append(i)
        if i == 3:
            raise OSError("gone")
        return i

    results = ahead(lambda i=i: call(i) for i in range(9))
    assert [next(results), next(results), next(results)] == [0, 1, 2]
    with pytest.raises(OSError, match="gone"):
        next(results)
    assert made in ([0, 1, 2, 3], [0, 1, 2, 3, 4])
    assert list(ahead([])) == []
    assert list(ahead([int], in_thread=False)) == [0]
