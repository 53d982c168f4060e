"""In a crowd, with other data, beside one that diverges: the same, bit by bit."""

import pytest

from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.fused import Rows, _plan


@pytest.mark.parametrize("spec", ["dropping", "residual"])
def test_in_a_stack_of_64(
    make_crowd, train_alone, train_stacked, assert_all_same, monkeypatch, spec
):
    jobs = make_crowd(64, spec)
    alone = train_alone(jobs)
    monkeypatch.setattr(_plan, "stack_size", lambda *_: 64)
    assert_all_same(alone, train_stacked(jobs[::-1], [64])[::-1], jobs)


def test_data_of_each_members_own(
    make_crowd, make_job, train_alone, train_stacked, assert_all_same
):
    jobs = make_crowd(7, "dropping")
    copies = [
        make_job(**{**vars(job), "train": Rows(job.train.x + k, job.train.target)})
        for k, job in enumerate(jobs)
    ]
    assert_all_same(train_alone(copies), train_stacked(copies, [7]), copies)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_member_that_diverges_leaves_no_trace(
    make_crowd, make_job, train_alone, train_stacked, assert_all_same, optimizer
):
    jobs = make_crowd(7, "dropping", optimizer=optimizer, max_epochs=[4])
    alone = train_alone(jobs)
    jobs[2:2] = [make_job(**{**vars(jobs[k]), "lr": 1e30, "seed": 9}) for k in (0, 3)]
    together = train_stacked(jobs, [9])
    assert {type(one.error) for one in together[2:4]} == {DivergenceError}
    assert {one.net for one in together[2:4]} == {None}
    del jobs[2:4], together[2:4]
    assert_all_same(alone, together, jobs)
