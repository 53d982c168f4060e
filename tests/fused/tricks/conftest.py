import pytest
import torch

from sknn_tricks.fused import Rows, tricks
from sknn_tricks.fused._hooks import StackedTrick, Trick


class Seen(Trick):
    """Keeps the batches of a step as the net gets them; `kept` are they."""

    @classmethod
    def of(cls, job, module, stream):
        return cls()

    def on_epoch_begin(self, epoch):
        self.kept.append([])

    def on_batch(self, batch):
        self.kept[-1].append((batch.index.clone(), batch[0].flatten(1).clone(), batch.blend))
        return batch


class StackedSeen(StackedTrick):
    @classmethod
    def of(cls, jobs, stack, streams):
        return cls()

    def on_epoch_begin(self, stack, epoch):
        self.kept.append([])

    def on_batch(self, batch):
        self.kept[-1].append((batch.index.clone(), batch.x.clone(), batch.blend))
        return batch


@pytest.fixture
def seen(monkeypatch):
    """Return the list that a training fills: for each epoch (index, x, blend) of each step."""
    kept = []
    monkeypatch.setattr(Seen, "kept", kept, raising=False)
    monkeypatch.setattr(StackedSeen, "kept", kept, raising=False)
    monkeypatch.setattr(tricks, "TRICKS", (*tricks.TRICKS, Seen))
    monkeypatch.setattr(tricks, "STACKED", (*tricks.STACKED, StackedSeen))
    return kept


@pytest.fixture(scope="session")
def image_rows():
    """Return a function that makes rows of images of two classes."""

    def make(n=50, shape=(6, 7), seed=0, of_bytes=False):
        source = torch.Generator().manual_seed(seed)
        numbers = torch.randint(256, (n, *shape), generator=source, dtype=torch.uint8)
        target = torch.arange(n) % 2
        if of_bytes:
            return Rows(numbers, target, dtype=torch.float32)
        return Rows(numbers.float() / 255, target)

    return make


@pytest.fixture(scope="session")
def image_job(make_job, image_rows):
    """Return a function that makes jobs of small nets on images."""

    def make(shape=(6, 7), n=50, of_bytes=False, **settings):
        rows = image_rows(n, shape, of_bytes=of_bytes)
        return make_job(**{"train": rows, "input_shape": shape, **settings})

    return make
