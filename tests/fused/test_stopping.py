import math
import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from skorch.history import History
from torch import nn

from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.fused import Stopping, train
from sknn_tricks.fused._stopping import BestWeights, check_finite, warnings_if_astray
from sknn_tricks.fused.rendezvous import train_together

REMEDY = "Try a smaller lr, standardised inputs (StandardScaler) or another init."


def exactly(text):
    return f"^{re.escape(text)}$"


def stub_net(train_losses=(), lr=0.1):
    """What the functions need of a net; its one weight is the number of the epoch."""
    net = SimpleNamespace(
        history=History(), module_=nn.Linear(1, 1, bias=False), stop_requested_=False, lr=lr
    )
    for epoch, loss in enumerate(train_losses, start=1):
        net.history.new_epoch()
        net.history.record("epoch", epoch)
        net.history.record("train_loss", loss)
    return net


def play(valid_losses, patience, tol=0.0, best=None):
    """Run BestWeights over scripted losses; return it, the last epoch and the epoch kept."""
    best = best or BestWeights(Stopping(patience, tol))
    net = stub_net()
    best.on_train_begin(net)
    for epoch, loss in enumerate(valid_losses, start=1):
        nn.init.constant_(net.module_.weight, epoch)
        net.history.new_epoch()
        net.history.record("epoch", epoch)
        net.history.record("valid_loss", loss)
        best.on_epoch_end(net)
        if net.stop_requested_:
            break
    best.on_train_end(net)
    return best, len(net.history), net.module_.weight.item()


# --- best weights ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("losses", "patience", "tol", "last", "kept"),
    [
        ([3, 2, 1], 1, 0.0, 3, 3),
        ([3, 2, 1, 1, 1, 1], 2, 0.0, 5, 3),  # as good is not better
        ([3, 1, 2, 0.5, 2, 2, 2], 2, 0.0, 6, 4),  # one bad epoch is forgiven
        ([1, 2, 3], 1, 0.0, 2, 1),
        ([1, 2, 3], 5, 0.0, 3, 1),  # ends before patience does
        ([3, 2.95, 2.9, 2.85], 2, 0.2, 3, 1),  # too little better
        ([3, 2.875, 2.5, 2.375, 2.25], 3, 0.25, 5, 3),  # against the best, not the last
        ([math.inf, 5, 6], 3, 0.0, 3, 2),
        ([2], 1, 0.0, 1, 1),
    ],
)
def test_training_stops_after_patience_and_the_best_weights_come_back(
    losses, patience, tol, last, kept
):
    best, n_epochs, weight = play(losses, patience, tol)
    assert n_epochs == last
    assert best.best_epoch_ == weight == kept


@given(
    losses=st.lists(st.floats(0, 10), min_size=1, max_size=30),
    patience=st.integers(1, 6),
)
def test_without_tol_the_first_least_loss_is_kept_and_patience_is_never_exceeded(losses, patience):
    best, n_epochs, weight = play(losses, patience)
    seen = losses[:n_epochs]
    assert best.best_epoch_ == weight == seen.index(min(seen)) + 1
    assert n_epochs - best.best_epoch_ <= patience
    assert n_epochs == len(losses) or n_epochs - best.best_epoch_ == patience


def test_a_new_training_forgets_the_one_before():
    best, _, _ = play([0.1, 0.2], patience=1)
    best, n_epochs, weight = play([5, 4, 6], patience=1, best=best)
    assert (n_epochs, weight) == (3, 2)
    assert best.best_epoch_ == 2


def test_running_statistics_belong_to_the_weights():
    net = stub_net()
    net.module_ = nn.BatchNorm1d(1)
    best = BestWeights(Stopping(5, 0.0))
    best.on_train_begin(net)
    for epoch, loss in enumerate([1.0, 2.0], start=1):
        net.module_.running_mean.fill_(epoch)
        net.history.new_epoch()
        net.history.record("epoch", epoch)
        net.history.record("valid_loss", loss)
        best.on_epoch_end(net)
    best.on_train_end(net)
    assert net.module_.running_mean.item() == 1


@pytest.fixture(scope="module")
def overfitting(make_job, make_rows):
    """A job whose validation loss rises from some epoch on, as its validation labels lie."""
    liars = make_rows(12, seed=1)
    liars.target = 1 - liars.target

    def make(**settings):
        return make_job(valid=liars, stopping=Stopping(3, 0.0), max_epochs=20, **settings)

    return make


def test_training_returns_the_weights_of_the_best_epoch(overfitting, state, same):
    states = []
    job = overfitting(after_epoch=lambda net: states.append(state(net)))
    [trained] = train([job])
    losses = trained.net.history[:, "valid_loss"]
    assert trained.best_epoch == losses.index(min(losses)) + 1
    assert len(losses) == len(states) == trained.best_epoch + 3 < 20
    assert same(trained.net, states[trained.best_epoch - 1])
    assert not same(trained.net, states[-1])


def test_early_stopping_leaves_no_callback_behind(overfitting):
    [trained] = train([overfitting()])
    assert [name for name, _ in trained.net.callbacks_] == ["epoch_timer"]


def test_without_early_stopping_the_best_epoch_is_the_last(make_job, make_rows):
    [trained] = train([make_job(valid=make_rows(10, seed=1), max_epochs=4)])
    assert trained.best_epoch == len(trained.net.history) == 4


# --- divergence -----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_finite_number_is_an_error(loss):
    text = (
        f"Training diverged in epoch 2. Expected a finite training loss; got {loss} with lr=0.1. "
        f"{REMEDY}"
    )
    with pytest.raises(DivergenceError, match=exactly(text)):
        check_finite(stub_net([1.0, loss]))


def test_a_finite_loss_is_no_error():
    check_finite(stub_net([math.inf, 1e30]))


def test_training_that_diverges_ends_with_an_error(make_job):
    text = (
        "Training diverged in epoch 2. Expected a finite training loss; got nan with lr=1e+30. "
        f"{REMEDY}"
    )
    with pytest.raises(DivergenceError, match=exactly(text)):
        train_together(make_job(optimizer="sgd", lr=1e30, batch_size=40))


def test_a_validation_loss_that_is_no_finite_number_is_an_error_too(make_job, make_rows):
    job = make_job(
        optimizer="sgd", lr=1e38, max_epochs=1, batch_size=40, valid=make_rows(10, seed=1)
    )
    with pytest.raises(DivergenceError):
        train_together(job)


def test_a_net_whose_last_step_broke_its_weights_is_not_handed_back(make_job):
    job = make_job(optimizer="sgd", lr=1e38, l1=10.0, max_epochs=1, batch_size=40)
    with pytest.raises(DivergenceError):
        train_together(job)


# --- far worse than a constant --------------------------------------------------------------


@pytest.mark.parametrize(
    ("losses", "since"),
    [([7.5], 1), ([0.7, 7.5], 2), ([0.7, 7.5, 0.6, 8.0, 7.5], 4), ([9.0, 8.0, 7.5], 1)],
)
def test_a_loss_far_above_a_constant_predictions_is_warned_of(losses, since):
    text = (
        "Training went astray: the loss has been far above a constant prediction's since epoch "
        f"{since}. Expected a training loss below 0.693; got 7.5 with lr=0.1. {REMEDY}"
    )
    [warning] = warnings_if_astray(stub_net(losses), math.log(2))
    assert isinstance(warning, ConvergenceWarning)
    assert str(warning) == text


@pytest.mark.parametrize("losses", [[0.1], [6.9], [100.0, 0.7], [7.0, 6.93]])
def test_a_loss_that_ends_below_ten_times_the_constants_is_not_warned_of(losses):
    assert warnings_if_astray(stub_net(losses), math.log(2)) == ()


def test_after_ten_epochs_twice_a_constant_predictions_loss_is_warned_of():
    [warning] = warnings_if_astray(stub_net([1.5] * 10), math.log(2))
    assert "far above a constant prediction's since epoch 1" in str(warning)


def test_training_that_goes_astray_warns_and_returns_the_net(make_job, make_rows):
    far = make_rows()
    far.x *= 1e3
    job = make_job(train=far, optimizer="sgd", batch_size=4)
    with pytest.warns(ConvergenceWarning, match="far above a constant prediction's since epoch 1"):
        [trained] = train_together(job)
    assert len(trained.net.history) == 3
