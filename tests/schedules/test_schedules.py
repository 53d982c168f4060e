import copy
import itertools
import pickle
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from sknn_tricks.schedules import (
    SCHEDULES,
    Moment,
    as_torch,
    constant,
    cosine,
    cosine_restarts,
    coslog,
    cyclic,
    exponential,
    factor_at,
    flat_cosine,
    inverse_sqrt,
    linear,
    make_schedule,
    multi_step,
    one_cycle,
    plateau,
    step,
)

PACE, N_EPOCHS = 5, 12
N_STEPS = PACE * N_EPOCHS
every = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)


def factors(schedule, pace=PACE, n_epochs=N_EPOCHS, warmup=0.0):
    n_steps = pace * n_epochs
    return [factor_at(schedule, at, n_steps, pace, warmup) for at in range(n_steps)]


def optimizer(lr=1.0):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def rates(scheduler, n_steps, pace=1):
    """Return the rates of torch's scheduler, which is stepped after so many steps each."""
    seen = []
    for at in range(n_steps):
        seen += scheduler.get_last_lr()
        scheduler.optimizer.step()
        if (at + 1) % pace == 0:
            scheduler.step()
    return seen


# --- against torch's and the definitions ----------------------------------------------------


def test_step_is_that_of_torch():
    wanted = lr_scheduler.StepLR(optimizer(), 5, 0.3)
    assert factors(step(every=5, gamma=0.3)) == pytest.approx(rates(wanted, N_STEPS, PACE))


def test_multi_step_is_that_of_torch():
    wanted = lr_scheduler.MultiStepLR(optimizer(), [3, 7], 0.3)
    assert factors(multi_step((3, 7), gamma=0.3)) == pytest.approx(rates(wanted, N_STEPS, PACE))


def test_exponential_is_that_of_torch():
    wanted = rates(lr_scheduler.ExponentialLR(optimizer(), 0.9), N_STEPS, PACE)
    assert factors(exponential(gamma=0.9, by="epoch")) == pytest.approx(wanted)
    assert factors(exponential(gamma=0.9))[::PACE] == pytest.approx(wanted[::PACE])


@pytest.mark.parametrize(("by", "pace"), [("step", 1), ("epoch", PACE)])
def test_cosine_is_that_of_torch(by, pace):
    torchs = lr_scheduler.CosineAnnealingLR(optimizer(), N_STEPS // pace, eta_min=0.1)
    assert factors(cosine(final=0.1, by=by)) == pytest.approx(rates(torchs, N_STEPS, pace))


def test_linear_is_that_of_torch():
    torchs = lr_scheduler.LinearLR(optimizer(), 1.0, 0.2, total_iters=N_STEPS)
    assert factors(linear(final=0.2)) == pytest.approx(rates(torchs, N_STEPS))


def test_restarts_are_those_of_torch():
    torchs = lr_scheduler.CosineAnnealingWarmRestarts(optimizer(), 4, T_mult=2)
    n_epochs = 4 + 8 + 16
    seen = factors(cosine_restarts(n_cycles=3, growth=2), pace=1, n_epochs=n_epochs)
    assert seen == pytest.approx(rates(torchs, n_epochs))


@pytest.mark.parametrize(("shrink", "mode"), [(1.0, "triangular"), (0.5, "triangular2")])
def test_cyclic_is_that_of_torch(shrink, mode):
    n_up = N_STEPS // 6
    torchs = lr_scheduler.CyclicLR(optimizer(0.2), 0.2, 1.0, n_up, mode=mode, cycle_momentum=False)
    wanted = rates(torchs, N_STEPS)
    assert factors(cyclic(n_cycles=3, low=0.2, shrink=shrink)) == pytest.approx(wanted)


@pytest.mark.parametrize(("shape", "anneal"), [("cosine", "cos"), ("linear", "linear")])
def test_one_cycle_is_that_of_torch_up_to_a_step(shape, anneal):
    n = 1000
    torchs = lr_scheduler.OneCycleLR(
        optimizer(), 1.0, n, anneal_strategy=anneal, cycle_momentum=False
    )
    wanted = np.array(rates(torchs, n - 1))
    seen = np.array(factors(one_cycle(shape=shape), pace=1, n_epochs=n))[:-1]
    assert abs(seen - wanted).max() < 0.01
    assert abs(seen.argmax() - wanted.argmax()) <= 1


def test_flat_cosine_is_flat_and_then_a_cosine():
    seen = factors(flat_cosine(flat=0.4))
    n_flat = round(0.4 * N_STEPS)
    assert set(seen[:n_flat]) == {1.0}
    assert seen[n_flat:] == pytest.approx(factors(cosine(), pace=1, n_epochs=N_STEPS - n_flat))


def test_inverse_sqrt_after_its_warm_up_is_that_of_the_transformer():
    n_warm, n = 100, 1000
    seen = factors(inverse_sqrt(period=n_warm), pace=1, n_epochs=n, warmup=n_warm / n)
    at = np.arange(n) + 1
    wanted = np.sqrt(n_warm) * np.minimum(at**-0.5, at * n_warm**-1.5)
    assert abs(np.array(seen) - wanted).max() < 0.011
    assert seen[n_warm * 4] == pytest.approx(0.5)


def test_coslog_is_its_formula_and_has_so_many_waves():
    seen = np.array(factors(coslog(4), pace=1, n_epochs=1000))
    share = np.arange(1000) / 1000
    assert seen == pytest.approx((1 - np.cos(2 * np.pi * np.log2(1 + 15 * share))) / 2)
    assert ((seen[1:-1] > seen[:-2]) & (seen[1:-1] >= seen[2:])).sum() == 4


def test_falls_by_shares_are_those_by_epochs():
    assert factors(step(every=0.25)) == factors(step(every=3))
    assert factors(step(every=1 / 3), n_epochs=30) == factors(step(every=10), n_epochs=30)
    assert factors(multi_step((0.5, 0.75))) == factors(multi_step((6, 9)))


# --- what holds for all ---------------------------------------------------------------------


@every
@settings(max_examples=30, deadline=None)
@given(pace=st.integers(1, 7), n_epochs=st.integers(1, 40), warmup=st.floats(0, 0.99))
def test_factors_are_from_0_to_1_however_long_the_training(schedule, pace, n_epochs, warmup):
    seen = factors(schedule, pace, n_epochs, warmup)
    assert all(0 <= factor <= 1 for factor in seen)
    assert any(factor > 0 for factor in seen) or isinstance(schedule, coslog)


FALLING = [linear(), cosine(), flat_cosine(), inverse_sqrt(), exponential(), step(), multi_step()]


@pytest.mark.parametrize("schedule", FALLING, ids=str)
@settings(max_examples=30, deadline=None)
@given(pace=st.integers(1, 7), n_epochs=st.integers(1, 40))
def test_these_begin_with_1_and_never_rise(schedule, pace, n_epochs):
    seen = factors(schedule, pace, n_epochs)
    assert seen[0] == 1.0
    assert all(a >= b for a, b in itertools.pairwise(seen))


@pytest.mark.parametrize("cls", [linear, cosine, flat_cosine, inverse_sqrt, cosine_restarts])
def test_by_epoch_means_that_an_epoch_has_the_factor_of_its_first_step(cls):
    by_step, by_epoch = factors(cls()), factors(cls(by="epoch"))
    assert by_epoch[::PACE] == pytest.approx(by_step[::PACE])
    assert all(len(set(by_epoch[i : i + PACE])) == 1 for i in range(0, N_STEPS, PACE))


@every
def test_schedules_are_equal_by_value_and_travel(schedule):
    for twin in (copy.deepcopy(schedule), pickle.loads(pickle.dumps(schedule))):
        assert twin == schedule
        assert hash(twin) == hash(schedule)
        assert repr(twin) == repr(schedule)


# --- names and ranges -----------------------------------------------------------------------


def test_a_schedule_may_be_given_by_name_or_as_it_is():
    assert make_schedule("cosine") == cosine()
    own = lambda moment: 0.5  # noqa: E731
    assert make_schedule(own) is own


def test_a_wrong_name():
    text = (
        "lr_schedule='cosin' is not known. Expected one of 'constant', 'cosine', "
        "'cosine_restarts', 'coslog4', 'cyclic', 'exponential', 'flat_cosine', 'inverse_sqrt', "
        "'linear', 'multi_step', 'one_cycle', 'plateau', 'step'; got 'cosin'. "
        "Did you mean 'cosine'?"
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        make_schedule("cosin", "lr_schedule")


def test_a_class_is_no_schedule_yet():
    text = (
        "lr_schedule is a class. Expected a name, or a schedule with its settings; got cosine. "
        "Write cosine()."
    )
    with pytest.raises(TypeError, match=re.escape(text)):
        make_schedule(cosine, "lr_schedule")


@pytest.mark.parametrize(
    "make",
    [
        lambda: step(every=0),
        lambda: step(every=1.5),
        lambda: step(every=True),
        lambda: step(gamma=0),
        lambda: step(gamma=1.1),
        lambda: multi_step((3, 0.0)),
        lambda: exponential(gamma=-1),
        lambda: linear(final=2),
        lambda: cosine(final=-0.1),
        lambda: flat_cosine(flat=1.0),
        lambda: inverse_sqrt(period=0),
        lambda: one_cycle(peak=0),
        lambda: one_cycle(first=2),
        lambda: cyclic(n_cycles=0),
        lambda: cyclic(low=2),
        lambda: cyclic(shrink=0),
        lambda: cosine_restarts(growth=0.5),
        lambda: coslog(n_cycles=2.5),
        lambda: plateau(factor=1.0),
        lambda: plateau(patience=0),
        lambda: plateau(tol=-1),
    ],
)
def test_settings_out_of_range_are_refused(make):
    with pytest.raises(ValueError, match=r"out of its range\. Expected .*; got .*\. Try"):
        make()


def test_the_text_of_a_setting_out_of_range():
    text = (
        "every is out of its range. Expected epochs (a whole number from 1 on) or a share in "
        "(0, 1); got every=0. Try every=10."
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        step(every=0)


@pytest.mark.parametrize("make", [lambda: cosine(by="batch"), lambda: one_cycle(shape="cos")])
def test_wrong_words_are_refused(make):
    with pytest.raises(ValueError, match="is not known"):
        make()


@pytest.mark.parametrize(
    ("schedule", "got"),
    [(step(every=12), "every=12"), (multi_step((3, 20)), "milestones=(3, 20)")],
)
def test_a_schedule_longer_than_the_training_is_refused(schedule, got):
    text = (
        f"{schedule} is longer than the training. Expected epochs below max_epochs=12; got {got}. "
        "Give fewer epochs, or shares of the training such as 0.5."
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        schedule.check(12)
    schedule.check(21)


def test_numbers_of_numpy_are_numbers():
    assert factors(step(every=np.int64(4))) == factors(step(every=4))
    assert factors(step(every=np.float64(0.25))) == factors(step(every=0.25))


# --- plateau --------------------------------------------------------------------------------


def falls(losses, **settings):
    watch, seen = plateau(**settings).begin(), []
    for loss in losses:
        watch.end_epoch(loss)
        seen.append(watch(Moment(0, 10, 1)))
    return seen


def test_a_plateau_falls_as_torchs_does():
    losses = [5, 4, 4, 4, 3.9999, 4, 3, 3, 3, 3, 3, 3, 3, 2]
    ours = falls(losses, factor=0.5, patience=3, tol=1e-4)
    sgd = optimizer()
    # torch waits for one epoch more than its patience.
    torchs = lr_scheduler.ReduceLROnPlateau(sgd, factor=0.5, patience=2, threshold=1e-4)
    wanted = []
    for loss in losses:
        torchs.step(loss)
        wanted.append(sgd.param_groups[0]["lr"])
    assert ours == wanted
    assert ours[-1] == 0.125


def test_a_plateau_falls_no_further_than_told():
    assert falls([1.0] * 5, factor=0.1, patience=1, final=0.05) == [1.0, 0.1, 0.05, 0.05, 0.05]


def test_each_training_has_a_memory_of_its_own():
    schedule = plateau(patience=1)
    first, second = schedule.begin(), schedule.begin()
    for _ in range(3):
        first.end_epoch(1.0)
    moment = Moment(0, 10, 1)
    assert first(moment) < second(moment) == schedule(moment) == 1.0


def test_losses_below_0_can_get_better():
    assert falls([-1.0, -1.1, -1.2], patience=1) == [1.0, 1.0, 1.0]


# --- with plain torch -----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"plateau"}))
@pytest.mark.parametrize("warmup", [0.0, 0.2])
def test_torchs_scheduler_has_the_same_rates(name, warmup):
    scheduler = as_torch(name, optimizer(0.1), N_STEPS, PACE, warmup)
    wanted = [0.1 * factor for factor in factors(SCHEDULES[name], warmup=warmup)]
    assert rates(scheduler, N_STEPS) == pytest.approx(wanted, abs=1e-15)


def test_after_the_last_step_torchs_rate_remains():
    scheduler = as_torch(linear(final=0.5), optimizer(), 4)
    assert rates(scheduler, 6)[3:] == [0.625] * 3


def test_torch_has_a_plateau_itself():
    text = (
        "The schedule wants to hear of losses. Expected a schedule that depends on the step only; "
        "got plateau(factor=0.2, patience=5, tol=0.0001, final=0.0). "
        "Use torch.optim.lr_scheduler.ReduceLROnPlateau."
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        as_torch("plateau", optimizer(), 10)


# --- warm-up --------------------------------------------------------------------------------


def test_a_warm_up_is_a_straight_line_up_to_1():
    seen = factors(constant(), warmup=0.25)
    n_warm = N_STEPS // 4
    assert np.diff(seen[: n_warm + 1]) == pytest.approx(1 / (n_warm + 1))
    assert seen[0] > 0
    assert set(seen[n_warm:]) == {1.0}


def test_the_schedule_runs_over_what_follows_the_warm_up():
    seen = factors(cosine(), warmup=0.25)
    n_warm = N_STEPS // 4
    assert seen[n_warm:] == pytest.approx(factors(cosine(), pace=1, n_epochs=N_STEPS - n_warm))


def test_milestones_are_epochs_of_the_training_warm_up_or_not():
    seen, plain = factors(multi_step((6, 9)), warmup=0.3), factors(multi_step((6, 9)))
    assert seen[4 * PACE :] == plain[4 * PACE :]


def test_something_remains_after_the_longest_warm_up():
    assert factors(constant(), pace=1, n_epochs=1, warmup=0.99) == [1.0]
