"""What tricks are told: the numbers of the rows of a step, and of the epoch."""

from dataclasses import replace

import pytest
import torch

from sknn_tricks import OnDisk
from sknn_tricks.fused import Rows, train, tricks
from sknn_tricks.fused._hooks import StackedTrick, Trick
from sknn_tricks.fused._rows import Batch, Blend
from sknn_tricks.fused._sources import Source
from sknn_tricks.nets import MLP


class Seen(Trick):
    """Keeps what it is told."""

    told = None

    @classmethod
    def of(cls, job, module, stream):
        return cls()

    def on_epoch_begin(self, epoch):
        self.told.append((epoch, []))

    def on_batch(self, batch):
        self.told[-1][1].append((batch.index.clone(), batch[0][:, 0].clone()))
        return batch


class StackedSeen(StackedTrick):
    told = None

    @classmethod
    def of(cls, jobs, stack, streams):
        return cls()

    def on_epoch_begin(self, stack, epoch):
        self.told.append((epoch, []))

    def on_batch(self, batch):
        self.told[-1][1].append((batch.index.clone(), batch.x[..., 0].clone()))
        return batch


@pytest.fixture
def told(monkeypatch):
    """Return the list of (epoch, [(index, first feature), ...]) that a training fills."""
    kept = []
    monkeypatch.setattr(Seen, "told", kept)
    monkeypatch.setattr(StackedSeen, "told", kept)
    monkeypatch.setattr(tricks, "TRICKS", (Seen, *tricks.TRICKS))
    monkeypatch.setattr(tricks, "STACKED", (StackedSeen, *tricks.STACKED))
    return kept


def numbered(n_rows):
    """Rows that hold their own number."""
    x = torch.arange(n_rows, dtype=torch.float32)[:, None].repeat(1, 3)
    return Rows(x, torch.arange(n_rows) % 2)


def alone(job):
    """Return the job so that it trains in skorch's loop: no stack knows of SGD as a class."""
    return replace(job, optimizer=lambda params, lr: torch.optim.SGD(params, lr))


@pytest.fixture(params=["stack", "alone"])
def jobs(request, make_job):
    made = [make_job(spec=MLP(hidden=(8,)), train=numbered(37), seed=seed) for seed in (0, 1)]
    return [alone(made[0])] if request.param == "alone" else made


def test_the_numbers_are_those_of_the_rows(told, jobs):
    train(jobs)
    assert [epoch for epoch, _ in told] == [0, 1, 2]
    for _, steps in told:
        for index, first in steps:
            assert index.dtype == torch.int64
            assert torch.equal(index, first.long())
        each = torch.cat([index for index, _ in steps], dim=-1)
        assert torch.equal(each.sort(dim=-1).values, torch.arange(37).expand_as(each))


@pytest.mark.parametrize("alike", [True, False])
def test_the_numbers_of_rows_on_the_disk_too(told, make_job, small_windows, mapped, alike):
    rows = numbered(100)
    source = Source(OnDisk(mapped(rows.x.numpy())), torch.float32)
    jobs = [make_job(train=Rows(source, rows.target), seed=seed) for seed in (0, 1)]
    train(jobs if alike else [alone(jobs[0])])
    assert len(told) == 3
    for _, steps in told:
        assert all(torch.equal(index, first.long()) for index, first in steps)


def test_a_training_that_goes_on_counts_its_own_epochs(told, make_job):
    [first] = train([make_job(train=numbered(37))])
    train([make_job(train=numbered(37), start=first.net)])
    assert [epoch for epoch, _ in told] == [0, 1, 2, 0, 1, 2]
    assert not torch.equal(told[0][1][0][0], told[3][1][0][0])  # yet its streams are others


def test_a_changed_batch_keeps_what_belongs_to_its_rows():
    blend = Blend(torch.zeros(2), None, 0.5)
    batch = Batch(torch.ones(2, 3), torch.ones(2), torch.ones(2), None, torch.tensor([4, 7]))
    changed = batch.changed(torch.zeros(2, 3), blend)
    x, target = changed
    assert not x.any()
    assert target is batch[1]
    assert (changed.weight is batch.weight, changed.index is batch.index) == (True, True)
    assert changed.blend is blend
    assert changed.changed(x).blend is blend
