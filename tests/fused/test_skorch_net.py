import signal

import numpy as np
import pytest
import torch
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    LRScheduler,
    TrainEndCheckpoint,
)
from torch import Tensor

from sknn_tricks.fused import Task, train
from sknn_tricks.fused._rows import PREDICT_BATCH
from sknn_tricks.losses import cross_entropy
from sknn_tricks.nets import MLP

RICH = MLP(hidden=(6, 5), batch_norm=True, dropout=0.3)


class OnBatchEnd(Callback):
    def __init__(self):
        self.seen = []

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        self.seen.append((len(batch[0]), training))


class OnGradient(Callback):
    def __init__(self):
        self.seen = []

    def on_grad_computed(self, net, named_parameters=None, **kwargs):
        self.seen.append([parameter.grad is not None for _, parameter in named_parameters])


class Stopper(Callback):
    """Stops after the second epoch, in the way that skorch's documentation gives."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


class Interrupted(Callback):
    """Gets the user's Ctrl-C while it runs: a signal, in the middle of an epoch."""

    def on_batch_end(self, net, **kwargs):
        signal.raise_signal(signal.SIGINT)


def train_one(job):
    [trained] = train([job])
    return trained.net


@pytest.fixture(scope="module")
def net(make_job):
    return train_one(make_job(spec=RICH))


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(PREDICT_BATCH + 5, 3))


def outputs_of(net, X):
    with torch.no_grad():
        return net.module_(torch.from_numpy(X).float())


# --- prediction -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.asarray, lambda X: X.astype(np.float32), torch.from_numpy])
def test_predict_proba_is_the_softmax_of_the_modules_outputs(net, X, kind):
    proba = net.predict_proba(kind(X))
    assert proba.shape == (len(X), 2)
    np.testing.assert_allclose(proba, outputs_of(net, X).softmax(dim=1), rtol=1e-5)


def test_predict_is_the_index_of_the_most_likely_class(net, X):
    predicted = net.predict(X)
    assert predicted.tolist() == outputs_of(net, X).argmax(dim=1).tolist()
    assert set(predicted) == {0, 1}


def test_predict_is_what_predict_proba_gives_where_there_are_no_classes(make_job, X):
    task = Task(cross_entropy, lambda *_: 0.0, Tensor.sigmoid, 1.0)
    net = train_one(make_job(task=task))
    np.testing.assert_array_equal(net.predict(X), net.predict_proba(X))
    np.testing.assert_allclose(net.predict(X), outputs_of(net, X).sigmoid(), rtol=1e-5)


def test_forward_gives_the_outputs_as_they_are(net, X):
    torch.testing.assert_close(net.forward(X), outputs_of(net, X))


def test_a_float64_net_predicts_in_float64(make_job, X):
    net = train_one(make_job(dtype=torch.float64))
    proba = net.predict_proba(X)
    assert proba.dtype == np.float64
    with torch.no_grad():
        np.testing.assert_allclose(proba, net.module_(torch.from_numpy(X)).softmax(dim=1))


def test_weights_can_be_saved_and_loaded(make_job, net, X, tmp_path):
    net.save_params(f_params=tmp_path / "weights.pt")
    other = train_one(make_job(spec=RICH, seed=9))
    assert not np.array_equal(other.predict_proba(X), net.predict_proba(X))
    other.load_params(f_params=tmp_path / "weights.pt")
    np.testing.assert_array_equal(other.predict_proba(X), net.predict_proba(X))


# --- twins ------------------------------------------------------------------------------


def test_a_twin_stays_while_the_training_goes_on(make_job, X):
    shots = []

    def shoot(net):
        twin = net.twin()
        np.testing.assert_allclose(twin.predict_proba(X), net.predict_proba(X), rtol=1e-4)
        shots.append((twin, twin.predict_proba(X)))

    train_one(make_job(spec=RICH, after_epoch=shoot))
    assert len(shots) == 3
    for shot, proba in shots:
        np.testing.assert_array_equal(shot.predict_proba(X), proba)
    assert not np.allclose(shots[0][1], shots[-1][1])


def test_taking_twins_does_not_change_the_training(make_job, same):
    watched = train_one(make_job(spec=RICH, after_epoch=lambda net: net.twin() and None))
    assert same(watched, train_one(make_job(spec=RICH)))


# --- callbacks ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("make_callback", [OnBatchEnd, OnGradient])
def test_a_callback_on_batches_does_not_change_the_weights(make_job, same, make_callback, dtype):
    listener = make_callback()
    heard = train_one(make_job(spec=RICH, dtype=dtype, callbacks=[listener]))
    assert len(listener.seen) == 3 * 3
    assert same(heard, train_one(make_job(spec=RICH, dtype=dtype, callbacks=[Callback()])))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_callback_on_batches_does_not_change_the_losses(make_job, dtype):
    heard = train_one(make_job(dtype=dtype, callbacks=[OnBatchEnd()]))
    unheard = train_one(make_job(dtype=dtype, callbacks=[Callback()]))
    assert heard.history[:, "train_loss"] == unheard.history[:, "train_loss"]


def test_a_callback_hears_of_each_batch_of_training(make_job):
    listener = OnBatchEnd()
    net = train_one(make_job(callbacks=[listener], batch_size=13, max_epochs=2))
    assert listener.seen == [(13, True), (13, True), (14, True)] * 2
    assert len(net.history[-1, "batches"]) == 3


def test_a_callback_on_gradients_sees_them_all(make_job):
    listener = OnGradient()
    train([make_job(callbacks=[listener], batch_size=40, max_epochs=1)])
    assert listener.seen == [[True] * 4]


def test_gradients_can_be_clipped(make_job):
    usual = {"optimizer": "sgd", "lr": 1.0, "batch_size": 40, "max_epochs": 1}
    start = train_one(make_job(**{**usual, "lr": 1e-30})).module_.state_dict()
    clipped = train_one(make_job(**usual, callbacks=[GradientNormClipping(0.01)]))
    moved = [clipped.module_.state_dict()[name] - value for name, value in start.items()]
    length = torch.cat([step.flatten() for step in moved]).norm().item()
    assert length == pytest.approx(0.01, rel=1e-3)


def test_the_learning_rate_can_be_scheduled(make_job):
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.1)
    net = train_one(make_job(callbacks=[schedule], lr=0.01))
    assert net.history[:, "event_lr"] == pytest.approx([1e-2, 1e-3, 1e-4])


def test_an_early_stopping_of_skorchs_ends_the_training(make_job, same):
    stopper = EarlyStopping("train_loss", patience=2, threshold=1e9, threshold_mode="abs", sink=str)
    stopped = train_one(make_job(callbacks=[stopper], max_epochs=9))
    assert len(stopped.history) == 3
    assert same(stopped, train_one(make_job(max_epochs=3, callbacks=[Callback()])))


def test_a_callback_can_stop_the_training_by_an_interrupt_of_its_own(make_job, same):
    stopped = train_one(make_job(callbacks=[Stopper()]))
    assert len(stopped.history) == 2
    assert same(stopped, train_one(make_job(max_epochs=2, callbacks=[Callback()])))


def test_an_interrupt_of_the_users_is_an_interrupt(make_job):
    with pytest.raises(KeyboardInterrupt):
        train([make_job(callbacks=[Interrupted()])])


def test_an_interrupt_while_training_is_an_interrupt(make_job):
    def interrupted(outputs, target, weight):
        raise KeyboardInterrupt

    task = Task(interrupted, lambda *_: 0.0, Tensor.clone, 1.0)
    with pytest.raises(KeyboardInterrupt):
        train([make_job(task=task)])


def test_names_of_callbacks_are_kept(make_job):
    net = train_one(make_job(callbacks=[("ear", OnBatchEnd())]))
    assert [name for name, _ in net.callbacks_] == ["epoch_timer", "ear"]


def test_a_score_of_skorchs_on_the_validation_rows_is_recorded(make_job, make_rows):
    scoring = EpochScoring("accuracy", lower_is_better=False)
    net = train_one(make_job(callbacks=[scoring], valid=make_rows(15, seed=1)))
    assert net.history[:, "accuracy"] == pytest.approx(net.history[:, "valid_score"])


def test_a_score_of_skorchs_on_the_training_rows_is_recorded(make_job):
    scoring = EpochScoring("accuracy", lower_is_better=False, on_train=True, name="train_accuracy")
    net = train_one(make_job(callbacks=[scoring]))
    assert all(0 <= share <= 1 for share in net.history[:, "train_accuracy"])


def test_a_checkpoint_of_skorchs_keeps_the_best_weights(make_job, make_rows, tmp_path, state, same):
    states = []
    valid = make_rows(12, seed=1)
    valid.target = 1 - valid.target  # lies: the loss rises
    job = make_job(
        callbacks=[Checkpoint(dirname=str(tmp_path))],
        valid=valid,
        max_epochs=6,
        after_epoch=lambda net: states.append(state(net)),
    )
    net = train_one(job)
    losses = net.history[:, "valid_loss"]
    best = losses.index(min(losses))
    assert best < 5
    net.load_params(f_params=tmp_path / "params.pt")
    assert same(net, states[best])


def test_a_checkpoint_of_skorchs_at_the_end_keeps_the_last_weights(make_job, tmp_path, state, same):
    net = train_one(make_job(callbacks=[TrainEndCheckpoint(dirname=str(tmp_path))]))
    last = state(net)
    torch.nn.init.zeros_(net.module_.output.weight)
    net.load_params(f_params=tmp_path / "train_end_params.pt")
    assert same(net, last)


class Predicting(Callback):
    """Predicts in the middle of an epoch, which leaves the module in evaluation mode."""

    def on_batch_end(self, net, training, **kwargs):
        if training:
            net.predict(torch.zeros(1, 3))


def test_a_callback_may_predict_between_batches(make_job, same):
    curious = train_one(make_job(spec=RICH, callbacks=[Predicting()]))
    assert same(curious, train_one(make_job(spec=RICH, callbacks=[Callback()])))


class Sleeping(Callback):
    """Gets the user's Ctrl-C after an epoch, while it waits."""

    def on_epoch_end(self, net, **kwargs):
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_of_the_users_within_a_callback_after_an_epoch_is_an_interrupt(make_job):
    with pytest.raises(KeyboardInterrupt):
        train([make_job(callbacks=[Sleeping()])])
