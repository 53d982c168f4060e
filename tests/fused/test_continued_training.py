import copy

import pytest
import torch
from skorch.callbacks import Callback

from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.fused import Stopping, Task, train
from sknn_tricks.fused.rendezvous import train_together
from sknn_tricks.losses import cross_entropy
from sknn_tricks.nets import MLP

RICH = MLP(hidden=(6, 5), batch_norm=True, dropout=0.3)


def train_one(job):
    [trained] = train([job])
    return trained.net


class Failing(Callback):
    def __init__(self, error):
        self.error = error

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 5:
            raise self.error


def moments(net):
    """Return the optimiser's state as a flat dict of copies."""
    held = copy.deepcopy(net.optimizer_.state_dict())
    flat = {f"{i} {key}": value for i, row in held["state"].items() for key, value in row.items()}
    return flat, held["param_groups"]


def assert_same_moments(first, second):
    assert first[0].keys() == second[0].keys()
    assert all(torch.equal(first[0][key], second[0][key]) for key in first[0])
    assert first[1] == second[1]


# --- going on -------------------------------------------------------------------------------


def test_the_history_grows(make_job):
    net = train_one(make_job(max_epochs=3))
    before = list(net.history)
    [again] = train([make_job(start=net, max_epochs=2)])
    assert again.net.history[:, "epoch"] == [1, 2, 3, 4, 5]
    assert again.net.history[:3] == before
    assert again.best_epoch == 5


def test_weights_and_moments_go_on_from_where_they_stood(make_job, state, same):
    net = train_one(make_job(max_epochs=3, batch_size=16))
    weights = state(net)
    again = train_one(make_job(start=net, max_epochs=1, lr=1e-30))
    assert same(again, weights)
    [first, *_] = again.optimizer_.state.values()
    assert first["step"] == 4 * 3


def test_continuing_is_as_reproducible_as_starting(make_job, same):
    def fit_twice():
        net = train_one(make_job(spec=RICH))
        return train_one(make_job(spec=RICH, start=net))

    first, second = fit_twice(), fit_twice()
    assert same(first, second)
    assert not same(first, train_one(make_job(spec=RICH)))


def test_the_continued_training_has_orders_of_its_own(make_job):
    seen = []

    def watching_loss(outputs, target, weight):
        seen.append(target.tolist())
        return cross_entropy(outputs, target, weight)

    task = Task(watching_loss, lambda *_: 0.0, torch.Tensor.clone, 1.0)
    job = make_job(task=task, batch_size=40, max_epochs=1)
    train([make_job(**{**vars(job), "start": train_one(job)})])
    first, second = seen
    assert first != second


@pytest.mark.parametrize("callbacks", [[], [Callback()]], ids=["stack", "plain loop"])
def test_the_continued_training_has_masks_of_its_own(make_job, callbacks):
    def losses(**settings):
        spec = MLP(hidden=(64,), **settings)
        usual = {"spec": spec, "callbacks": callbacks, "lr": 1e-30, "batch_size": 40}
        net = train_one(make_job(**usual, max_epochs=1))
        again = train_one(make_job(**usual, max_epochs=1, start=net))
        return again.history[:, "train_loss"]

    first, second = losses(dropout=0.5)
    assert abs(first - second) > 1e-3
    first, second = losses()
    assert first == pytest.approx(second, rel=1e-5)


def test_learning_rate_and_batch_size_are_the_new_ones(make_job):
    net = train_one(make_job(weight_decay=0.1, lr=0.01))
    again = train_one(make_job(weight_decay=0.1, start=net, lr=0.5, batch_size=40, max_epochs=1))
    assert [group["lr"] for group in again.optimizer_.param_groups] == [0.5, 0.5]
    [first, *_] = again.optimizer_.state.values()
    assert first["step"] == 3 * 3 + 1


@pytest.mark.parametrize("penalty", [{"l1": 0.5}, {"weight_decay": 0.9}])
def test_penalties_are_the_new_ones(make_job, same, penalty):
    first, second = (train_one(make_job(weight_decay=0.1)) for _ in range(2))
    settings = {"weight_decay": 0.1, **penalty}
    unchanged = train_one(make_job(start=first, weight_decay=0.1))
    assert not same(train_one(make_job(start=second, **settings)), unchanged)


def test_early_stopping_keeps_the_weights_it_started_from_if_they_are_best(
    make_job, make_rows, same
):
    liars = make_rows(12, seed=1)
    liars.target = 1 - liars.target
    job = make_job(valid=liars, stopping=Stopping(2, 0.0), max_epochs=20)
    net = train_one(make_job(max_epochs=4, valid=liars))
    [again] = train([make_job(**{**vars(job), "start": net})])
    assert again.best_epoch == 4  # it gets worse from there on, and was better before
    assert len(again.net.history) == 6
    assert same(again.net, net)
    assert [name for name, _ in again.net.callbacks_] == ["epoch_timer"]


def test_the_continued_training_may_have_other_rows(make_job, make_rows):
    net = train_one(make_job())
    again = train_one(make_job(start=net, train=make_rows(7, seed=5), batch_size=3, max_epochs=1))
    [first, *_] = again.optimizer_.state.values()
    assert first["step"] == 3 * 3 + 2


# --- failing on the way ---------------------------------------------------------------------


def diverging(make_job, net, **settings):
    return make_job(start=net, optimizer="momentum", lr=1e30, **settings)


def test_a_net_whose_continued_training_diverges_is_restored_bitwise(make_job, state, same):
    net = train_one(make_job(spec=RICH, optimizer="momentum"))
    weights, before, history = state(net), moments(net), copy.deepcopy(list(net.history))
    with pytest.raises(DivergenceError, match=r"^Training diverged in epoch \d+\."):
        train_together(diverging(make_job, net, spec=RICH))
    assert same(net, weights)
    assert_same_moments(moments(net), before)
    assert list(net.history) == history


def test_settings_and_mode_are_restored_too(make_job):
    net = train_one(make_job(spec=RICH, optimizer="momentum", lr=0.01))
    with pytest.raises(DivergenceError):
        train_together(diverging(make_job, net, spec=RICH, batch_size=7, max_epochs=9))
    assert (net.lr, net.batch_size, net.max_epochs) == (0.01, 16, 3)
    assert not net.module_.training


def test_a_restored_net_goes_on_as_if_nothing_had_happened(make_job, same):
    first, second = (train_one(make_job(spec=RICH, optimizer="momentum")) for _ in range(2))
    with pytest.raises(DivergenceError):
        train_together(diverging(make_job, first, spec=RICH))
    go_on = {"spec": RICH, "optimizer": "momentum"}
    assert same(
        train_one(make_job(start=first, **go_on)), train_one(make_job(start=second, **go_on))
    )


def test_early_stopping_is_gone_after_a_failure(make_job, make_rows):
    net = train_one(make_job(optimizer="momentum"))
    with pytest.raises(DivergenceError):
        train_together(diverging(make_job, net, valid=make_rows(9), stopping=Stopping(9, 0.0)))
    assert [name for name, _ in net.callbacks_] == ["epoch_timer"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_any_error_in_the_middle_restores_the_net(make_job, state, same, error):
    net = train_one(make_job(callbacks=[Failing(error)]))
    weights, before, history = state(net), moments(net), copy.deepcopy(list(net.history))
    with pytest.raises(type(error)):
        train_together(make_job(start=net, max_epochs=9))
    assert same(net, weights)
    assert_same_moments(moments(net), before)
    assert list(net.history) == history
