"""Averages of weights: alone and together the same, bit by bit."""

import pytest
import torch

from sknn_tricks.averaging import ema, snapshots, swa
from sknn_tricks.fused import Stopping, train

AVERAGINGS = {
    "ema": [ema(0.9), ema(0.5, eta=1.0), None],
    "swa": [swa(start=0.5), None, swa(start=0.0, every=2)],
    "snapshots": [snapshots(2), None, snapshots(3)],
    "all": [ema(0.9), swa(start=0.0), snapshots(2), None, swa(start=0.6)],
}


@pytest.mark.parametrize("kind", AVERAGINGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_averages(make_crowd, assert_alone_is_together, kind, dtype):
    settings = {"averaging": AVERAGINGS[kind], "dtype": dtype, "max_epochs": [5, 3, 4, 4]}
    alone = assert_alone_is_together(make_crowd(7, "dropping", **settings))
    assert any(one.net.last_ is not None or one.net.snapshots_ for one in alone)


@pytest.mark.parametrize("kind", AVERAGINGS)
def test_averages_of_some_who_stop_early(make_crowd, assert_alone_is_together, kind):
    stopping = [Stopping(patience, 0.0) for patience in (1, 3, 2)]
    settings = {"averaging": AVERAGINGS[kind], "stopping": stopping, "lr": [0.1, 0.001, 0.03]}
    alone = assert_alone_is_together(make_crowd(7, "dropping", max_epochs=[8], **settings))
    assert len({len(one.net.history) for one in alone}) > 2


@pytest.mark.parametrize("kind", AVERAGINGS)
def test_averages_that_go_on(make_crowd, make_job, assert_alone_is_together, kind):
    first = make_crowd(7, "dropping", averaging=AVERAGINGS[kind])
    turned = [AVERAGINGS[kind][k % 2] for k in range(7)]
    again = [
        make_job(**{**vars(job), "start": one.net, "averaging": averaging})
        for job, one, averaging in zip(first, train(first), turned, strict=True)
    ]
    assert_alone_is_together(again)
