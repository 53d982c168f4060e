"""Training that goes on from an earlier one: alone and together the same, bit by bit."""

import pytest

from sknn_tricks.fused import train
from sknn_tricks.optim import OPTIMIZERS


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_continued_training(make_crowd, make_job, assert_alone_is_together, optimizer):
    first = make_crowd(7, "dropping", optimizer=optimizer, max_epochs=[2, 2, 3])
    starts = [one.net for one in train(first)]
    again = [
        make_job(**{**vars(job), "start": start, "lr": 0.003})
        for job, start in zip(first, starts, strict=True)
    ]
    alone = assert_alone_is_together(again)
    assert [len(one.net.history) for one in alone] == [4, 4, 6, 4, 4, 6, 4]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_continued_after_other_numbers_of_steps(
    make_crowd, make_job, assert_alone_is_together, optimizer
):
    first = make_crowd(7, optimizer=optimizer, batch_size=[32, 8, 16], max_epochs=2)
    starts = [one.net for one in train(first)]
    usual = {"batch_size": 32, "lr": 0.01, "weight_decay": 0.0, "train": first[0].train}
    again = [
        make_job(**{**vars(job), **usual, "start": start, "momentum": 0.9, "betas": (0.9, 0.99)})
        for job, start in zip(first, starts, strict=True)
    ]
    assert_alone_is_together(again)


def test_nets_that_were_trained_together_go_on_alone_as_those_who_were_not(
    make_crowd, make_job, train_alone, train_stacked, assert_all_same
):
    jobs = make_crowd(7, "dropping")
    ends = []
    for starts in (train_alone(jobs), train_stacked(jobs, [7])):
        again = [
            make_job(**{**vars(job), "start": start.net})
            for job, start in zip(jobs, starts, strict=True)
        ]
        ends.append(train_alone(again))
    assert_all_same(*ends, jobs)
