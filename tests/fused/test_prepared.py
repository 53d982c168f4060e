"""Batches prepared ahead: in their order, as many as wanted, and errors come through."""

import threading

import pytest
import torch

from sknn_tricks.fused._prepared import prepared_ahead
from sknn_tricks.fused._rows import Batch


def batches(n, asked=None):
    for i in range(n):
        if asked is not None:
            asked.append(i)
        yield Batch(torch.full((2,), float(i)), None, None)


@pytest.mark.parametrize("n_workers", [1, 2, 5])
@pytest.mark.parametrize("n", [0, 1, 7])
def test_order(n, n_workers):
    threads = set()

    def double(batch):
        threads.add(threading.current_thread())
        return batch.changed(2 * batch[0])

    numbers = [batch[0][0].item() for batch in prepared_ahead(batches(n), double, n_workers)]
    assert numbers == [2.0 * i for i in range(n)]
    assert threading.current_thread() not in threads
    assert not any(thread.is_alive() for thread in threads)


def test_as_many_as_there_are_workers_are_ahead():
    asked = []
    prepared = prepared_ahead(batches(10, asked), lambda batch: batch, 2)
    next(prepared)
    assert asked == [0, 1, 2]
    next(prepared)
    assert asked == [0, 1, 2, 3]
    prepared.close()


def test_an_error_comes_when_it_is_the_turn_of_its_batch():
    def fail(batch):
        if batch[0][0] == 2:
            raise ValueError("the third")
        return batch

    prepared = prepared_ahead(batches(5), fail, 2)
    assert [next(prepared)[0][0].item() for _ in range(2)] == [0, 1]
    with pytest.raises(ValueError, match="the third"):
        next(prepared)


def test_denormals_are_0_as_in_training():
    tiny = torch.full((2,), 1e-39)
    [batch] = prepared_ahead(batches(1), lambda batch: batch.changed(tiny * 0.5), 1)
    assert not batch[0].any()
    assert (tiny * 0.5).any()
