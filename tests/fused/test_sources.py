"""Rows that are not in memory: read by blocks, in an order of each member's own."""

import dataclasses
import os
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from skorch.callbacks import Callback

from sknn_tricks import OnDisk, losses
from sknn_tricks.fused import Report, Rows, Stopping, Task, _plan, _train, train
from sknn_tricks.fused._balance import NO_BALANCE, Orders
from sknn_tricks.fused._elsewhere import can_travel
from sknn_tricks.fused._member import Member
from sknn_tricks.fused._memory import COPIES, job_bytes
from sknn_tricks.fused._rows import ShuffledBatches
from sknn_tricks.fused._sources import FlatSource, Source, block_rows, window_rows
from sknn_tricks.fused._windows import Windows, draw_order
from sknn_tricks.fused.stacks._from_disk import DiskBatches
from sknn_tricks.nets import MLP

DROPPING = MLP(hidden=(9,), batch_norm=True, dropout=0.3)


@pytest.fixture
def numbered(sliceable):
    """Return a maker of rows that hold their own number, and know their reads."""

    def make(n_rows, n_features=3):
        x = np.repeat(np.arange(n_rows, dtype=np.float32)[:, None], n_features, axis=1)
        return Source(OnDisk(sliceable(x)), torch.float32)

    return make


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# --- a source -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", "float16", "float64", ">f4"])
def test_a_source_gives_any_numbers_in_the_precision_of_the_net(mapped, dtype):
    array = np.random.default_rng(0).integers(0, 2, size=(40, 2, 3)).astype(dtype)
    source = Source(OnDisk(mapped(array)), torch.float64)
    assert source.shape == (40, 2, 3)
    assert len(source) == 40
    assert source[3:9].dtype == torch.float64
    assert source[3:9].tolist() == array[3:9].tolist()
    assert source[35:99].tolist() == array[35:].tolist()


def test_a_flat_source_is_padded(mapped):
    array = np.arange(40, dtype=np.float32).reshape(5, 2, 4)
    flat = FlatSource(Source(OnDisk(mapped(array)), torch.float32))
    assert flat[1:3].shape == (2, 32)
    assert flat[1:3][:, :8].tolist() == array[1:3].reshape(2, 8).tolist()
    assert not flat[:][:, 8:].any()


@pytest.mark.parametrize(
    ("value", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (1e300, "inf")]
)
def test_a_number_that_is_not_finite_is_refused_with_its_row(mapped, value, shown):
    array = np.zeros((40, 3))
    array[[17, 20], 1] = value
    rows = OnDisk(mapped(array))[::-1]
    with pytest.raises(ValueError, match=rf"Row 20 of the data on the disk .*; got {shown}\."):
        Source(rows, torch.float32)[:]


def test_what_is_too_large_for_one_precision_is_not_for_another(mapped):
    rows = OnDisk(mapped(np.full((40, 3), 1e300)))
    assert Source(rows, torch.float64)[:].min() == 1e300


def test_numbers_whose_sum_is_infinite_may_be_finite(mapped):
    array = np.full((40, 3), 3e38, np.float32)
    assert Source(OnDisk(mapped(array)), torch.float32)[:].isfinite().all()


# --- an epoch -----------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n_rows=st.integers(1, 300), batch_size=st.integers(1, 50), seed=st.integers(0, 99))
def test_an_epoch_has_each_row_exactly_once(small_windows, numbered, n_rows, batch_size, seed):
    rows = Rows(numbered(n_rows), torch.arange(n_rows), torch.arange(n_rows) / 2)
    batches = ShuffledBatches(rows, batch_size, Orders(rows, NO_BALANCE, generator(seed)))
    for _ in range(2):
        seen = []
        for size, batch in zip(batches.sizes, batches, strict=True):
            x, target = batch
            assert len(x) == size
            assert (x == target[:, None]).all()
            assert batch.weight.tolist() == (target / 2).tolist()
            seen += target.tolist()
        assert sorted(seen) == list(range(n_rows))


def epoch(source, sizes, seed=0):
    windows = Windows(source, seed)
    memory = [torch.empty(size, 3) for size in sizes]
    return torch.cat([windows.take(each) for each in memory]).tolist()


def test_the_order_depends_on_the_seed_and_not_on_the_batches(small_windows, numbered):
    source = numbered(100)
    assert epoch(source, [100]) == epoch(source, [7] * 14 + [2])
    assert epoch(source, [100]) != epoch(source, [100], seed=1)


def test_a_window_mixes_blocks_from_anywhere(small_windows, numbered):
    order = np.array(epoch(numbered(320), [320]))
    blocks = [set((order[i : i + 32] // 8).tolist()) for i in range(0, 320, 32)]
    assert [len(each) for each in blocks] == [4] * 10
    assert sorted(n for each in blocks for n in each) == list(range(40))
    assert max(max(each) - min(each) for each in blocks) > 20
    assert all(order[i : i + 32].tolist() != sorted(order[i : i + 32]) for i in range(0, 320, 32))


def test_no_read_is_larger_than_a_block(small_windows, numbered):
    source = numbered(333)
    epoch(source, [333])
    reads = source.rows._rows.data.reads
    assert max(stop - start for start, stop in reads) == 8
    assert sum(stop - start for start, stop in reads) == 333


def test_blocks_and_windows_depend_on_the_shape_of_rows_alone():
    assert block_rows((60,)) == block_rows((4, 16)) == 1024
    assert window_rows((60,)) == 65_536
    assert block_rows((3, 224, 224)) == 1
    assert window_rows((1,)) == window_rows(()) == window_rows((32,)) == 131_072


def test_each_epoch_has_an_order_of_its_own():
    source = generator()
    assert draw_order(source) != draw_order(source)
    assert draw_order(generator()) == draw_order(generator())


# --- alone and together -------------------------------------------------------------------------


def every_bit(outputs, target, weight):
    return outputs.double().sum().item()


TASKS = {
    "classes": Task(losses.cross_entropy, every_bit, partial(torch.softmax, dim=1), 1.0, 3),
    "labels": Task(losses.binary_cross_entropy, every_bit, torch.sigmoid, 1.0),
    "numbers": Task(losses.squared_error, every_bit, torch.Tensor.clone, 1.0),
}


@pytest.fixture
def make_data(mapped):
    """Return a maker of rows in a file; the same arguments make the same object."""
    known = {}

    def make(n_rows, kind="classes", weighted=False, dtype=torch.float32, of_file="float32"):
        if (key := (n_rows, kind, weighted, dtype, of_file)) in known:
            return known[key]
        x = torch.randn(n_rows, 5, generator=generator(n_rows))
        sums = x @ torch.randn(5, 3, generator=generator())
        target = {
            "classes": sums.argmax(dim=1),
            "labels": (sums > 0).to(dtype),
            "numbers": sums.to(dtype),
        }[kind]
        weight = torch.rand(n_rows, generator=generator(1)).to(dtype) if weighted else None
        source = Source(OnDisk(mapped(x.numpy().astype(of_file))), dtype)
        known[key] = Rows(source, target, weight)
        return known[key]

    return make


@pytest.fixture
def make_crowd(make_job, make_data):
    """Return a maker of seven jobs that differ in all that they may differ in."""

    def make(kind="classes", weighted=(False,), valid=(17, 40), **fixed):
        jobs = []
        dtype = fixed.get("dtype", torch.float32)
        for k in range(7):
            data = partial(make_data, kind=kind, weighted=weighted[k % len(weighted)], dtype=dtype)
            usual = {
                "spec": DROPPING,
                "input_shape": (5,),
                "n_outputs": 3,
                "task": TASKS[kind],
                "train": data([129, 130, 97, 130, 129][k % 5]),
                "valid": data(valid[k % len(valid)]) if valid else None,
                "batch_size": 32,
                "lr": [0.01, 0.02][k % 2],
                "max_epochs": [2, 3, 3][k % 3],
                "seed": [0, 0, 1, 0][k % 4],
            }
            jobs.append(make_job(**{**usual, **fixed}))
        return jobs

    return make


def epochs(net):
    return [{key: value for key, value in row.items() if key != "dur"} for row in net.history]


def assert_all_same(first, second, same):
    for a, b in zip(first, second, strict=True):
        assert a.error is None, a.error
        assert same(a.net, b.net)
        assert epochs(a.net) == epochs(b.net)
        assert a.best_epoch == b.best_epoch


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"weighted": (False, True)},
        {"valid": None},
        {"stopping": Stopping(1, 0.0), "lr": 0.1, "max_epochs": 6},
        {"dtype": torch.float64, "optimizer": "sgd", "weighted": (True,)},
        {"batch_size": 1000},
        {"batch_size": 33},
    ],
    ids=lambda settings: " ".join(settings),
)
def test_alone_is_together(small_windows, make_crowd, same, monkeypatch, kind, settings):
    jobs = make_crowd(kind, **settings)
    alone = [train([job])[0] for job in jobs]
    order, report = [3, 0, 6, 1, 5, 2, 4], Report()
    together = train([jobs[k] for k in order], report=report)
    assert all(batch.alone is None for batch in report.batches)
    assert_all_same(alone, [together[order.index(k)] for k in range(7)], same)
    monkeypatch.setattr(_plan, "stack_size", lambda *_: 2)
    assert_all_same(alone, train(jobs, n_jobs=2), same)


def test_another_dtype_in_the_file_is_nothing_to_the_net(small_windows, make_job, make_data, same):
    usual = {"input_shape": (5,), "n_outputs": 3, "task": TASKS["classes"]}
    jobs = [make_job(train=make_data(100, of_file=f), **usual) for f in ("float32", "float64")]
    first, second = train(jobs)
    assert same(first.net, second.net)


def test_the_mean_loss_is_that_of_all_rows(small_windows, make_crowd):
    for job in make_crowd(lr=1e-9, max_epochs=1, spec=MLP(hidden=(9,)), valid=None):
        [trained] = train([job])
        outputs = trained.net.module_(job.train.x[:]).detach()
        loss = losses.cross_entropy(outputs, job.train.target, None).item()
        assert trained.net.history[-1, "train_loss"] == pytest.approx(loss, abs=1e-5)


def test_validation_is_that_of_rows_in_memory(small_windows, make_crowd, same):
    jobs = make_crowd(stopping=Stopping(2, 0.0), weighted=(True,))
    in_memory = [
        dataclasses.replace(job, valid=dataclasses.replace(job.valid, x=job.valid.x[:]))
        for job in jobs
    ]
    assert_all_same(train(jobs), train(in_memory), same)


def test_nets_outside_of_stacks_have_the_same_order(small_windows, make_crowd):
    seen = []

    class Noting(Callback):
        def on_batch_begin(self, net, batch=None, training=None, **kwargs):
            if training:
                seen.append(batch[0].clone())

    [job, *_] = make_crowd(valid=None, max_epochs=1, callbacks=[Noting()])
    [trained] = train([job])
    assert trained.error is None
    assert [len(each) for each in seen] == [32, 32, 32, 33]
    member = Member(dataclasses.replace(job, callbacks=[]))
    member.begin()
    [(_, full), (_, last)] = DiskBatches([member], 32).epoch(0)
    in_stack = [batch.x[0, :, :5].clone() for part in (full, last) for batch in part]
    assert all(map(torch.equal, seen, in_stack))


def test_continued_training(small_windows, make_crowd, same):
    starts = train(make_crowd())
    jobs = [
        dataclasses.replace(job, start=start.net)
        for job, start in zip(make_crowd(), starts, strict=True)
    ]
    assert_all_same([train([job])[0] for job in jobs], train(jobs), same)


# --- reading together ---------------------------------------------------------------------------


@pytest.fixture
def watched_job(make_job, numbered):
    """Return a maker of jobs whose reads can be counted."""

    def make(rows=None, n_rows=333, **settings):
        target = torch.arange(n_rows) % 2
        rows = Rows(numbered(n_rows), target) if rows is None else rows
        return make_job(train=rows, max_epochs=1, spec=MLP(hidden=(4,)), **settings)

    return make


def n_read(job):
    return sum(stop - start for start, stop in job.train.x.rows._rows.data.reads)


def test_members_with_the_same_rows_and_order_share_what_is_read(small_windows, watched_job):
    first = watched_job()
    others = [watched_job(first.train, lr=lr) for lr in (0.1, 0.2, 0.3)]
    train([first, *others])
    assert n_read(first) == 333 + 2  # the first rows are tried
    train([watched_job(first.train, seed=1), first])
    assert n_read(first) == 3 * 333 + 4


def test_stacks_are_small_and_of_neighbours(watched_job):
    rows = [watched_job(n_rows=333).train for _ in range(2)]
    jobs = [watched_job(each, lr=lr) for lr in np.linspace(0.01, 0.1, 20) for each in rows]
    chunks, _ = _plan.plan(jobs, 1)
    assert max(len(chunk.jobs) for chunk in chunks) <= 16
    assert sum(len({id(jobs[i].train) for i in chunk.jobs}) for chunk in chunks) == 4


def test_no_stack_has_rows_of_both_kinds(watched_job, make_job, make_rows):
    jobs = [watched_job(), make_job(train=make_rows(333), max_epochs=1, spec=MLP(hidden=(4,)))]
    chunks, _ = _plan.plan(jobs, 1)
    assert len(chunks) == 2


def test_the_same_rows_are_one_object_for_all_who_have_them(mapped):
    X = mapped(np.ones((40, 3), np.float32))
    target = torch.arange(40)

    def make(index, dtype=torch.float32):
        return Rows(Source(OnDisk(X)[index], dtype), target.clone())

    all_rows = [make(np.arange(40)) for _ in range(3)]
    all_rows += [make(np.arange(40)[::-1]), make(np.arange(40), torch.float64)]
    all_rows += [Rows(torch.ones(40, 3), target.clone())]
    jobs = [dataclasses.make_dataclass("Holder", ["train"])(rows) for rows in all_rows]
    first, *shared = _plan.shared_data(jobs)
    assert [rows is first for rows in shared] == [True, True, False, False, False]


def test_a_fit_that_waits_holds_its_index_and_targets(watched_job):
    job = watched_job(n_rows=10)
    assert job_bytes(job) == COPIES * job.train.target.nbytes
    part = Rows(Source(job.train.x.rows[[1, 2, 3]], torch.float32), torch.ones(3))
    assert job_bytes(dataclasses.replace(job, train=part)) == COPIES * (3 * 8 + 3 * 4)


# --- failure ------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["train", "valid"])
def test_rows_that_cannot_be_read_are_the_end_of_their_members_alone(
    small_windows, make_crowd, make_job, mapped, same, where
):
    jobs = make_crowd()
    alone = [train([job])[0] for job in jobs]
    x = np.zeros((130, 5), np.float32)
    x[128, 2] = np.nan
    bad = Rows(Source(OnDisk(mapped(x)), torch.float32), torch.zeros(130, dtype=torch.int64))
    for k in (2, 5):
        jobs.insert(k, dataclasses.replace(jobs[k], **{where: bad}))
    together = train(jobs)
    for k in (5, 2):
        assert "Row 128 of the data on the disk" in str(together.pop(k).error)
    assert_all_same(alone, together, same)


def test_a_training_ends_where_nobody_is_left(small_windows, watched_job, sliceable):
    x = np.full((333, 3), np.inf, np.float32)
    x[:2] = 0  # the module is tried on them
    data = sliceable(x)
    rows = Rows(Source(OnDisk(data), torch.float32), torch.arange(333) % 2)
    [trained] = train([watched_job(rows)])
    assert "of the data on the disk" in str(trained.error)
    assert len(data.reads) == 2


def test_a_file_that_vanishes(small_windows, make_crowd):
    [job, *_] = make_crowd(valid=None)
    os.unlink(job.train.x.rows._rows.path)
    [trained] = train([job])
    assert isinstance(trained.error, FileNotFoundError)


# --- processes ----------------------------------------------------------------------------------


def test_files_can_travel_and_objects_cannot(make_crowd, watched_job, make_rows):
    [job, *_] = make_crowd()
    assert can_travel([job])
    assert not can_travel([watched_job()])
    assert not can_travel([dataclasses.replace(job, valid=watched_job().train)])
    assert can_travel([dataclasses.replace(job, valid=make_rows(9))])


@pytest.mark.slow
def test_processes_give_bitwise_the_same_nets(make_crowd, same, monkeypatch):
    # By value: other processes do not know this file.
    jobs = make_crowd(task=dataclasses.replace(TASKS["classes"], score=lambda *_: 0.5))
    here = train(jobs)
    monkeypatch.setattr(_train, "is_worth_it", lambda seconds: True)
    assert_all_same(here, train(jobs, n_jobs=2), same)
