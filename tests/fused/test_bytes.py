"""Rows of bytes: shares of 255 in each batch, bytes wherever else they go."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sknn_tricks import OnDisk
from sknn_tricks.fused import Rows, train
from sknn_tricks.fused._balance import NO_BALANCE, Orders
from sknn_tricks.fused._bytes import check_shares, shares
from sknn_tricks.fused._freight import Loader, unload
from sknn_tricks.fused._plan import shared_data
from sknn_tricks.fused._rows import OrderedBatches, ShuffledBatches, in_order, predict_batch
from sknn_tricks.fused._sources import Source
from sknn_tricks.fused.cache._digest import digest
from sknn_tricks.fused.stacks._batches import flat, flat_x
from sknn_tricks.nets import MLP

EVERY = np.arange(256, dtype=np.uint8)


@pytest.fixture
def rows():
    x = torch.from_numpy(EVERY[:240].reshape(40, 2, 3).copy())
    return Rows(x, torch.arange(40) % 2, dtype=torch.float32)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_byte_is_its_share_to_the_bit(dtype):
    found = shares(torch.from_numpy(EVERY.copy()), getattr(torch, dtype)).numpy()
    np.testing.assert_array_equal(found, EVERY.astype(dtype) / 255)
    np.testing.assert_array_equal(found, (EVERY / 255).astype(dtype))


def test_every_batch_is_of_floats(rows):
    orders = Orders(rows, NO_BALANCE, torch.Generator().manual_seed(0))
    expected = rows.x.float() / 255
    for batch in ShuffledBatches(rows, 16, orders):
        assert torch.equal(batch[0], expected[batch.index])
    assert torch.equal(torch.cat([x for x, _ in OrderedBatches(rows, 16)]), expected)
    assert torch.equal(torch.cat(list(in_order(rows, 16))), expected)
    assert torch.equal(flat(rows).x[:, :6], expected.reshape(40, 6))
    assert torch.equal(flat_x(rows)[:, :6], expected.reshape(40, 6))
    assert rows.x.dtype == torch.uint8


def test_bytes_travel_as_bytes(rows, make_job):
    jobs = [make_job(train=rows, valid=rows, input_shape=(2, 3), seed=seed) for seed in (0, 1)]
    load = Loader().load(jobs)
    assert [array.dtype for array in load.arrays] == [np.uint8, np.int64]
    there = unload(load.jobs, load.train, load.valid, load.arrays)
    assert there[0].train is there[1].train
    x, _ = there[1].train.take(slice(0, 40))
    assert torch.equal(x, rows.x.float() / 255)


def test_a_stack_of_bytes_is_one_of_floats_and_each_net_that_of_its_own(rows, make_job, same):
    floats = Rows(rows.x.float() / 255, rows.target)
    spec = MLP(hidden=(8,), dropout=0.2)
    jobs = [
        make_job(spec=spec, train=each, valid=each, input_shape=(2, 3), seed=seed)
        for each in (rows, floats)
        for seed in (0, 1)
    ]
    nets = [trained.net for trained in train(jobs)]
    assert same(nets[0], nets[2])
    assert same(nets[1], nets[3])
    assert same(nets[0], train(jobs[:1])[0].net)


def test_equal_bytes_are_shared_and_other_precisions_are_not(rows, make_job):
    copies = [replace(rows, x=rows.x.clone()), rows, replace(rows, dtype=torch.float64)]
    found = shared_data([make_job(train=each) for each in copies])
    assert found[0] is found[1]
    assert found[2] is not found[0]


def test_the_address_of_bytes_is_that_of_equal_bytes(rows, make_job):
    def address(train):
        return digest(make_job(train=train), {})

    assert address(rows) == address(replace(rows, x=rows.x.clone()))
    others = [replace(rows, x=rows.x + 1), Rows(rows.x.float(), rows.target)]
    assert len({address(each) for each in (rows, *others)}) == 3


def test_bytes_on_the_disk_are_other_rows_than_plain_numbers_there(mapped):
    rows = OnDisk(mapped(EVERY.reshape(32, 2, 4)))
    plain, of_bytes = Source(rows, torch.float32), Source(rows, torch.float32, of_bytes=True)
    assert torch.equal(of_bytes[:], plain[:] / 255)
    assert not of_bytes.is_same(plain)
    assert of_bytes.is_same(Source(rows, torch.float32, of_bytes=True))
    assert of_bytes.identity() != plain.identity()


@pytest.mark.parametrize("dtype", ["bool", "float16", "float32"])
def test_other_numbers_on_the_disk_are_shares_already(mapped, dtype):
    source = Source(OnDisk(mapped(np.ones((4, 2, 2), dtype))), torch.float32, of_bytes=True)
    assert source[:].eq(1).all()


@pytest.mark.parametrize(
    "x", [[-0.6, 0.0], [0.0, 1.6], [-1, 0], [0, 256]], ids=["low", "high", "negative", "large"]
)
def test_what_is_no_share_is_refused(x):
    with pytest.raises(ValueError, match="The net was fitted on images of bytes"):
        check_shares(np.array(x))
    check_shares(np.array(x)[:0])


@pytest.mark.parametrize(
    ("shape", "n_rows"),
    [((3,), 2048), ((10**6,), 2048), ((5, 5), 2048), ((28, 28), 83), ((3, 512, 512), 16)],
)
def test_batches_without_gradients_are_of_so_many_rows(shape, n_rows):
    assert predict_batch(shape) == n_rows
