import re
from dataclasses import replace

import pytest
import torch
from skorch.callbacks import Callback, LRScheduler
from torch import nn

from sknn_tricks.fused import Report, Stopping, train
from sknn_tricks.fused._courses import Courses, per_step, unscheduled
from sknn_tricks.fused._make import make_net
from sknn_tricks.nets import MLP, Dropout, as_spec
from sknn_tricks.schedules import SCHEDULES, cosine, factor_at, linear, plateau, step

RICH = MLP(hidden=(6, 5), batch_norm=True, dropout=0.5)
SCHEDULED = {
    "lr_schedule": "one_cycle",
    "warmup": 0.2,
    "weight_decay": 0.1,
    "weight_decay_schedule": "flat_cosine",
    "dropout_schedule": "coslog4",
    "optimizer": "adamw",
}


NAMES = ("lr_schedule", "weight_decay_schedule", "dropout_schedule")


class Idle(Callback):
    """Makes a net train in skorch's loop."""


class Broken:
    """A schedule that breaks in the second epoch."""

    def __call__(self, moment):
        if moment.epoch == 1:
            raise RuntimeError("broken")
        return 1.0


def train_one(job):
    [trained] = train([job])
    if trained.error is not None:
        raise trained.error
    return trained.net


def in_skorchs_loop(job):
    return replace(job, callbacks=[Idle()])


def assert_close(first, second):
    for name, tensor in first.module_.state_dict().items():
        torch.testing.assert_close(tensor, second.module_.state_dict()[name], msg=name)


# --- what is trained ------------------------------------------------------------------------


def by_hand(job):
    """Train a linear net on all rows at once, with rates written out."""
    module = make_net(job).module_
    velocity = {name: torch.zeros_like(p) for name, p in module.named_parameters()}
    for at in range(job.max_epochs):
        loss = job.task.loss(module(job.train.x), job.train.target, None)
        module.zero_grad()
        loss.backward()
        lr = job.lr * factor_at(job.lr_schedule, at, job.max_epochs, 1, job.warmup)
        decay = job.weight_decay * factor_at(job.weight_decay_schedule, at, job.max_epochs, 1)
        with torch.no_grad():
            for name, p in module.named_parameters():
                grad = p.grad + decay * p if p.ndim == 2 else p.grad
                velocity[name] = 0.9 * velocity[name] + grad
                p -= lr * velocity[name]
    return module


@pytest.mark.parametrize("where", [replace, in_skorchs_loop], ids=["stack", "loop"])
def test_each_step_has_its_rates(make_job, where):
    job = make_job(
        spec=MLP(hidden=()),
        optimizer="momentum",
        lr=0.3,
        lr_schedule=cosine(),
        warmup=0.25,
        weight_decay=0.2,
        weight_decay_schedule=linear(),
        batch_size=1000,
        max_epochs=8,
        dtype=torch.float64,
    )
    wanted = by_hand(job)
    seen = train_one(where(job)).module_
    for name, tensor in wanted.named_parameters():
        torch.testing.assert_close(seen.get_parameter(name), tensor)


@pytest.mark.parametrize("optimizer", ["adamw", "momentum", "rmsprop"])
def test_the_stack_and_skorchs_loop_agree(make_job, optimizer):
    settings = {**SCHEDULED, "optimizer": optimizer, "dtype": torch.float64}
    job = make_job(spec=RICH, max_epochs=5, **settings)
    assert_close(train_one(job), train_one(in_skorchs_loop(job)))


def test_the_stack_and_skorchs_loop_agree_on_a_plateau(make_job):
    watching = plateau(factor=0.5, patience=1, tol=0.1)
    job = make_job(spec=RICH, max_epochs=8, lr_schedule=watching, dtype=torch.float64)
    job = replace(job, valid=job.train)
    net = train_one(job)
    assert_close(net, train_one(in_skorchs_loop(job)))
    with pytest.raises(AssertionError):
        assert_close(net, train_one(replace(job, lr_schedule="constant")))


class Watching(Callback):
    """Notes the rates of each step."""

    def __init__(self):
        self.seen = []

    def on_batch_end(self, net, training, **kwargs):
        if training:
            groups = net.optimizer_.param_groups
            dropouts = [e for e in net.module_.modules() if isinstance(e, nn.Dropout)]
            rates = [e.p * getattr(e, "factor", 1.0) for e in dropouts]
            self.seen.append((groups[0]["lr"], groups[0]["weight_decay"], rates))


def watched(make_job, **settings):
    """Return the rates of each step, and the trained net."""
    watching = Watching()
    net = train_one(make_job(callbacks=[watching], **settings))
    [(_, copied)] = [each for each in net.callbacks_ if isinstance(each[1], Watching)]
    return copied.seen, net


def test_rates_in_skorchs_loop(make_job):
    settings = {**SCHEDULED, "lr": 0.1, "warmup": 0.0, "batch_size": 10, "max_epochs": 4}
    seen, _ = watched(make_job, spec=RICH, **settings)
    for i, (lr, decay, rates) in enumerate(seen):
        at = [factor_at(SCHEDULES[settings[name]], i, 16, 4) for name in NAMES]
        assert (lr, decay, rates) == (0.1 * at[0], 0.1 * at[1], [0.5 * at[2]] * 2)
    assert len(seen) == 16


def test_after_the_training_the_rates_are_what_they_were_set_to(make_job):
    for callbacks in ([], [Idle()]):
        net = train_one(make_job(spec=RICH, callbacks=callbacks, lr=0.1, **SCHEDULED))
        decays = [group["weight_decay"] for group in net.optimizer_.param_groups]
        assert [group["lr"] for group in net.optimizer_.param_groups] == [0.1, 0.1]
        assert decays == [0.1, 0.0]
        assert {e.factor for e in net.module_.modules() if isinstance(e, Dropout)} == {1.0}


def test_skorchs_scheduler_still_works_where_we_have_none(make_job):
    halving = LRScheduler("StepLR", step_size=1, gamma=0.5)
    net = train_one(make_job(lr=0.8, callbacks=[halving], max_epochs=3))
    assert net.optimizer_.param_groups[0]["lr"] == 0.1


def test_torchs_own_dropout_and_optimizers_follow_too(make_job):
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.4), nn.Linear(4, 2))
    settings = {"lr": 0.1, "lr_schedule": linear(), "dropout_schedule": linear(), "max_epochs": 2}
    optimizer = torch.optim.NAdam
    seen, trained = watched(
        make_job, spec=as_spec(net), optimizer=optimizer, batch_size=20, **settings
    )
    assert [lr for lr, _, _ in seen] == pytest.approx([0.1, 0.075, 0.05, 0.025])
    assert [rates for _, _, [rates] in seen] == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert trained.module_[1].p == 0.4


def test_a_foreign_module_with_an_optimizer_that_knows_no_weight_decay(make_job):
    lbfgs = torch.optim.LBFGS
    job = make_job(optimizer=lbfgs, lr=0.1, lr_schedule="cosine", batch_size=100)
    first, *_, last = train_one(job).history[:, "train_loss"]
    assert last < first


# --- what does not fit ----------------------------------------------------------------------


def test_a_schedule_that_breaks_is_the_end_of_its_member_only(make_job, same):
    jobs = [make_job(seed=k, lr_schedule=Broken() if k == 1 else "cosine") for k in range(3)]
    report = Report()
    first, broken, last = train(jobs, report=report)
    assert report.n_stacks == 1
    assert isinstance(broken.error, RuntimeError)
    for one, job in ((first, jobs[0]), (last, jobs[2])):
        assert same(one.net, train_one(job).module_.state_dict())


@pytest.mark.parametrize("where", [replace, in_skorchs_loop], ids=["stack", "loop"])
def test_a_schedule_that_breaks_is_the_end_of_the_training(make_job, where):
    with pytest.raises(RuntimeError, match="broken"):
        train_one(where(make_job(lr_schedule=Broken())))


def test_a_schedule_longer_than_the_training(make_job):
    text = "step(every=3, gamma=0.1) is longer than the training. Expected epochs below"
    with pytest.raises(ValueError, match=re.escape(text)):
        train_one(make_job(lr_schedule=step(every=3), max_epochs=3))


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_name_names_the_parameter(make_job, name):
    for fail in (train_one, unscheduled):
        with pytest.raises(ValueError, match=f"{name}='cosin' is not known"):
            fail(make_job(**{name: "cosin"}))


def test_dropout_cannot_rise(make_job):
    with pytest.raises(ValueError, match="dropout_schedule gives something that is no factor"):
        train_one(make_job(dropout_schedule=lambda moment: 1.01))


# --- which schedule -------------------------------------------------------------------------


def test_a_plateau_looks_at_the_validation_loss_where_there_is_one(make_job):
    watching = plateau(factor=0.5, patience=1)
    courses = Courses(make_job(lr_schedule=watching), 2)
    for row in ({"train_loss": 1.0, "valid_loss": 2.0}, {"train_loss": 0.5, "valid_loss": 2.0}):
        courses.begin_epoch()
        courses.end_epoch(row)
    courses.begin_epoch()
    assert courses.lr == (0.5, 0.5)
    courses = Courses(make_job(lr_schedule=watching), 2)
    for row in ({"train_loss": 1.0}, {"train_loss": 0.5}):
        courses.begin_epoch()
        courses.end_epoch(row)
    courses.begin_epoch()
    assert courses.lr == (1.0, 1.0)


def test_each_training_has_the_whole_schedule(make_job):
    job = make_job(optimizer="sgd", lr_schedule=lambda moment: 0.0 if moment.epoch else 1.0)
    first = train_one(job)
    again = train_one(replace(job, start=first))
    losses = again.history[:, "train_loss"]
    assert losses[1] != losses[3]  # the fourth epoch, the first of its training, moved again


def test_without_schedules_rates_stay_what_they_are(make_job, same):
    job = make_job(spec=RICH, **SCHEDULED)
    plain = make_job(spec=RICH, optimizer="adamw", weight_decay=0.1)
    assert same(train_one(unscheduled(job)), train_one(plain).module_.state_dict())


@pytest.mark.parametrize(
    ("scaling", "factor"), [(None, 1.0), ("linear", 0.25), ("sqrt", 0.5)], ids=str
)
def test_rates_grow_with_the_batch(make_job, same, scaling, factor):
    job = make_job(lr=0.1, batch_size=32, lr_scaling=scaling)
    assert job.scaled_lr == 0.1 * factor
    net = train_one(job)
    assert net.lr == net.optimizer_.param_groups[0]["lr"] == 0.1 * factor
    assert same(net, train_one(make_job(lr=0.1 * factor, batch_size=32)).module_.state_dict())


def test_a_batch_has_no_more_rows_than_there_are(make_job):
    assert make_job(lr=0.1, batch_size=10_000, lr_scaling="linear").scaled_lr == 0.1 * 40 / 128


# --- one stack ------------------------------------------------------------------------------


def test_all_schedules_share_a_stack(make_job):
    report = Report()
    train([make_job(spec=RICH, lr_schedule=name) for name in SCHEDULES], report=report)
    assert (report.n_stacks, report.n_alone) == (1, 0)


def test_factors_of_members_with_fewer_steps_are_filled_up():
    seen = per_step([(0.5, 0.25), None, (0.1,)], 2)
    assert seen.squeeze().tolist() == [[0.5, 1.0, 0.1], [0.25, 1.0, 1.0]]
    assert seen.shape == (2, 3, 1, 1)
    assert per_step([None, None], 2) is None


def test_early_stopping_ends_a_schedule_too(make_job):
    job = make_job(lr_schedule="cosine", stopping=Stopping(1, 0.0), max_epochs=50, lr=0.3)
    net = train_one(replace(job, valid=job.train))
    assert len(net.history) < 50
