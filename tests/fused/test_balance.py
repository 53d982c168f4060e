"""The orders of epochs in which each class has as many rows, and the weights of classes."""

import dataclasses
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skorch.callbacks import Callback

from sknn_tricks import losses
from sknn_tricks.fused import Rows, train
from sknn_tricks.fused._balance import NO_BALANCE, Balance, Orders
from sknn_tricks.fused.stacks._balance import class_factors


def orders(counts, balance, seed=0):
    target = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    rows = Rows(torch.zeros(len(target), 1), target)
    return Orders(rows, balance, torch.Generator().manual_seed(seed)), target


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_balanced_classes_come_as_often_and_each_row_as_evenly_as_can_be(counts, seed):
    drawn, target = orders(counts, Balance(batches=True), seed)
    for epoch in range(2):
        order = drawn.draw(epoch)
        assert len(order) == len(target)
        of_class = Counter(target[order].tolist())
        assert max(of_class.values()) - min(of_class.values(), default=0) <= 1
        for c in range(len(counts)):
            of_row = [(order == row).sum().item() for row in (target == c).nonzero()[:, 0]]
            assert max(of_row) - min(of_row) <= 1


def test_rows_come_in_any_order():
    drawn, target = orders([30, 30], Balance(batches=True))
    first_half = target[drawn.draw(0)][:30].float().mean()
    assert 0.2 < first_half < 0.8


def test_before_its_start_each_row_comes_once():
    drawn, target = orders([20, 2], Balance(batches=True, start=2))
    assert drawn.draw(0).sort().values.tolist() == list(range(22))
    assert drawn.draw(1).sort().values.tolist() == list(range(22))
    assert target[drawn.draw(2)].sum() == 11


def test_without_balance_the_order_is_torchs_permutation():
    drawn, target = orders([20, 2], NO_BALANCE, seed=3)
    wanted = torch.randperm(len(target), generator=torch.Generator().manual_seed(3))
    assert torch.equal(drawn.draw(0), wanted)


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_each_time_that_a_row_comes_has_a_number_of_its_own(counts, seed):
    balance = Balance(batches=True)
    (drawn, target), (other, _) = orders(counts, balance, seed), orders(counts, balance, seed)
    order, numbers = drawn.draw_numbered(0)
    assert torch.equal(order, other.draw(0))
    assert torch.equal(order, numbers % len(target))
    for row, times in Counter(order.tolist()).items():
        mine = numbers[order == row] // len(target)
        assert sorted(mine.tolist()) == list(range(times))


def test_rows_that_come_once_have_their_own_number():
    for balance in (NO_BALANCE, Balance(batches=True, start=1)):
        drawn, _ = orders([20, 2], balance)
        order, numbers = drawn.draw_numbered(0)
        assert torch.equal(numbers, order)
        assert torch.equal(order.sort().values, torch.arange(22))


def test_a_class_that_has_no_rows_is_left_out():
    rows = Rows(torch.zeros(5, 1), torch.tensor([0, 0, 0, 0, 3]))
    drawn = Orders(rows, Balance(batches=True), torch.Generator())
    assert sorted(rows.target[drawn.draw(0)].tolist()) in ([0, 0, 0, 3, 3], [0, 0, 3, 3, 3])


# --- weights of the classes in a stack ------------------------------------------------------


def test_each_members_factors_set_in_with_its_own_epoch(make_job):
    balances = [Balance((2.0, 0.5)), NO_BALANCE, Balance((3.0, 0.1), start=2)]
    factors = class_factors([make_job(balance=balance) for balance in balances])
    factors.begin_epoch(1)
    torch.testing.assert_close(factors.now, torch.tensor([[2, 0.5], [1, 1], [1, 1]]))
    factors.keep(torch.tensor([2]))
    factors.begin_epoch(2)
    torch.testing.assert_close(factors.now, torch.tensor([[3, 0.1]]))


def test_without_factors_there_are_none(make_job):
    assert class_factors([make_job(), make_job(balance=Balance(batches=True))]) is None


# --- alone and together ---------------------------------------------------------------------

BALANCES = [
    NO_BALANCE,
    Balance((0.7, 1.6)),
    Balance(batches=True),
    Balance((0.7, 1.6), batches=True, start=3),
    Balance((1.3, 0.1), start=1),
]
LOSSES = {
    "adjusted": [
        losses.cross_entropy,
        losses.logit_adjusted(1.0, (0.8, 0.2)),
        losses.logit_adjusted(2.0, (0.3, 0.7)),
    ],
    "focal": [losses.focal(gamma) for gamma in (0.0, 0.5, 2.0)],
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("kind", LOSSES)
def test_members_are_the_same_alone_and_together(make_job, make_rows, kind, smoothing, dtype):
    task = make_job().task
    jobs = [
        make_job(
            task=dataclasses.replace(task, loss=loss),
            balance=balance,
            train=make_rows(41 if balance.start else 40, dtype=dtype),
            max_epochs=5,
            seed=i,
            dtype=dtype,
            label_smoothing=smoothing,
        )
        for i, balance in enumerate(BALANCES)
        for loss in LOSSES[kind]
    ]
    together = train(jobs)
    for job, other in zip(jobs, together, strict=True):
        [alone] = train([job])
        assert bits(alone) == bits(other)


class Idle(Callback):
    """Does nothing, but keeps a net out of the stacks."""


def bits(trained):
    assert trained.error is None
    weights = [value.numpy().tobytes() for value in trained.net.module_.state_dict().values()]
    return weights, [row["train_loss"] for row in trained.net.history]


@pytest.mark.parametrize("balance", BALANCES)
@pytest.mark.parametrize("loss", [loss for kind in LOSSES.values() for loss in kind])
def test_skorchs_loop_trains_the_same_net(make_job, loss, balance):
    """A job with callbacks trains outside of the stacks."""
    task = dataclasses.replace(make_job().task, loss=loss)
    settings = {"task": task, "balance": balance, "max_epochs": 4, "dtype": torch.float64}
    [stacked] = train([make_job(**settings)])
    [plain] = train([make_job(**settings, callbacks=[Idle()])])
    for a, b in zip(stacked.net.module_.parameters(), plain.net.module_.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-9)
    losses_ = [trained.net.history[:, "train_loss"] for trained in (stacked, plain)]
    assert losses_[0] == pytest.approx(losses_[1], rel=1e-6)
