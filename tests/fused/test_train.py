import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback
from torch import Tensor, nn

from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.fused import Report, Rows, Stopping, Task, _train, train
from sknn_tricks.fused.rendezvous import train_together
from sknn_tricks.losses import binary_cross_entropy, cross_entropy, squared_error
from sknn_tricks.nets import MLP, ModuleInstance, TorchModule
from sknn_tricks.optim import OPTIMIZERS

NOWHERE = 1e-30  # a learning rate at which float32 weights stay as they are
RICH = MLP(hidden=(6, 5), batch_norm=True, dropout=0.3)


class Foreign(nn.Sequential):
    """A module of the user's own, whose dropout draws from torch's global random state."""

    def __init__(self, n_features, n_outputs):
        super().__init__(
            nn.Linear(n_features, 6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, n_outputs)
        )


class Head(nn.Sequential):
    def __init__(self, backbone, n_outputs):
        super().__init__(backbone, nn.Linear(3, n_outputs))


class Flat(nn.Linear):
    """Forgets the axis of outputs."""

    def forward(self, x):
        return super().forward(x)[:, 0]


class Pair(nn.Linear):
    """Returns two things."""

    def forward(self, x):
        return super().forward(x), x


def exactly(text):
    return f"^{re.escape(text)}$"


def train_one(job):
    [trained] = train([job])
    return trained.net


def losses(net):
    return net.history[:, "train_loss"]


# --- jobs and nets --------------------------------------------------------------------------


def test_no_jobs_make_no_nets():
    assert train([]) == []


def test_nets_come_in_the_order_of_the_jobs(make_job):
    widths = [5, 3, 7]
    trained = train([make_job(spec=MLP(hidden=width)) for width in widths])
    assert [one.net.module_.linear_0.out_features for one in trained] == widths


@pytest.mark.parametrize("spec", [RICH, TorchModule(Foreign)], ids=["own", "foreign"])
def test_a_job_trained_twice_gives_bitwise_the_same_net(make_job, same, spec):
    job = make_job(spec=spec)
    first, second = train_one(job), train_one(job)
    assert same(first, second)
    assert losses(first) == losses(second)


def test_a_job_with_a_module_among_its_parameters_can_be_trained_twice(make_job, same):
    job = make_job(spec=TorchModule(Head, backbone=nn.Linear(3, 3)))
    assert same(train_one(job), train_one(job))


@pytest.mark.parametrize("spec", [RICH, TorchModule(Foreign)], ids=["own", "foreign"])
def test_jobs_trained_together_equal_each_alone(make_job, same, spec):
    first, second = make_job(spec=spec, seed=1), make_job(spec=spec, seed=2, lr=0.05)
    together = [one.net for one in train([first, second])]
    turned = [one.net for one in train([second, first])]
    alone = [train_one(first), train_one(second)]
    assert all(same(a, b) for a, b in zip(together, alone, strict=True))
    assert all(same(a, b) for a, b in zip(turned, reversed(alone), strict=True))


@settings(max_examples=10, deadline=None)
@given(seeds=st.lists(st.integers(0, 2**31 - 1), min_size=2, max_size=3, unique=True))
def test_nets_of_different_seeds_differ(make_job, same, seeds):
    nets = [one.net for one in train([make_job(seed=seed, max_epochs=1) for seed in seeds])]
    assert not any(same(nets[0], net) for net in nets[1:])


@pytest.mark.parametrize("spec", [RICH, TorchModule(Foreign)], ids=["own", "foreign"])
def test_training_neither_reads_nor_changes_the_global_random_state(make_job, same, spec):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = train_one(make_job(spec=spec))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert same(train_one(make_job(spec=spec)), first)


def test_the_net_is_handed_back_in_evaluation(make_job):
    assert not any(part.training for part in train_one(make_job(spec=RICH)).module_.modules())


def test_the_net_learns(make_job):
    net = train_one(make_job(max_epochs=60))
    assert losses(net)[-1] < 0.2 < losses(net)[0]
    assert len(losses(net)) == 60


def test_in_float64_everything_is_float64(make_job):
    net = train_one(make_job(spec=RICH, dtype=torch.float64))
    floating = [value for value in net.module_.state_dict().values() if value.is_floating_point()]
    assert {value.dtype for value in floating} == {torch.float64}


# --- initial weights ------------------------------------------------------------------------


@pytest.mark.parametrize(("init", "value"), [("constant", 0.1), ("zeros", 0.0)])
def test_own_modules_are_initialised_by_the_scheme(make_job, init, value):
    module = train_one(make_job(init=init, lr=NOWHERE)).module_
    torch.testing.assert_close(module.linear_0.weight, torch.full((8, 3), value))


def test_auto_initialises_own_modules_too(make_job):
    module = train_one(make_job(init="auto", lr=NOWHERE)).module_
    assert module.linear_0.bias.abs().max() < 1e-20  # torch's own draw is not 0


def test_auto_leaves_the_weights_of_a_foreign_module_alone(make_job, same):
    own = nn.Linear(3, 2)
    net = train_one(make_job(spec=ModuleInstance(own), init="auto", lr=NOWHERE))
    assert same(net, own.state_dict())


def test_a_named_scheme_is_for_foreign_modules_too(make_job):
    net = train_one(make_job(spec=TorchModule(Foreign), init="constant", lr=NOWHERE))
    assert torch.equal(net.module_[0].weight, torch.full((6, 3), 0.1))


def test_the_users_own_module_stays_as_it_is(make_job, same):
    own = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    before = {name: value.clone() for name, value in own.state_dict().items()}
    net = train_one(make_job(spec=ModuleInstance(own), init="zeros"))
    assert same(before, own.state_dict())
    assert own.training
    assert not same(net, before)


# --- losses and penalties -------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [16, 13, 7, 40, 100])
def test_the_training_loss_is_the_mean_over_rows_whatever_the_batches(
    make_job, make_rows, batch_size
):
    net = train_one(make_job(lr=NOWHERE, batch_size=batch_size, max_epochs=1))
    rows = make_rows()
    expected = cross_entropy(net.module_(rows.x), rows.target).item()
    assert losses(net) == [pytest.approx(expected, rel=1e-5)]


def test_row_weights_count_in_training_and_validation(make_job, make_rows):
    rows = make_rows()
    rows.weight = torch.linspace(0, 2, 40)
    net = train_one(make_job(train=rows, valid=rows, lr=NOWHERE, max_epochs=1))
    expected = cross_entropy(net.module_(rows.x), rows.target, rows.weight).item()
    unweighted = cross_entropy(net.module_(rows.x), rows.target).item()
    assert net.history[-1, "train_loss"] == pytest.approx(expected, rel=1e-5)
    assert net.history[-1, "valid_loss"] == pytest.approx(expected, rel=1e-5)
    assert abs(expected - unweighted) > 1e-3 * unweighted


def test_validation_is_recorded_as_the_net_stands_after_the_epoch(make_job, make_rows):
    valid = make_rows(15, seed=1)
    net = train_one(make_job(spec=RICH, valid=valid))
    outputs = net.module_(valid.x)
    assert net.history[-1, "valid_loss"] == pytest.approx(
        cross_entropy(outputs, valid.target).item()
    )
    share = (outputs.argmax(dim=1) == valid.target).double().mean().item()
    assert net.history[-1, "valid_score"] == pytest.approx(share)


def test_without_validation_rows_nothing_of_them_is_recorded(make_job):
    net = train_one(make_job())
    assert net.history[-1].keys() - {"batches"} == {"epoch", "train_loss", "train_loss_best", "dur"}


@pytest.mark.parametrize("spec", [RICH, TorchModule(Foreign)], ids=["own", "foreign"])
def test_watching_validation_rows_does_not_change_training(make_job, make_rows, same, spec):
    watched = train_one(make_job(spec=spec, valid=make_rows(15, seed=1)))
    assert same(watched, train_one(make_job(spec=spec)))


def one_step(make_job, make_rows, **settings):
    """Return a module with its gradients on all rows, and a net of it after one step of sgd."""
    torch.manual_seed(0)
    module = MLP(hidden=(4,), batch_norm=True).build((3,), 2).double()
    job = make_job(
        spec=ModuleInstance(module),
        optimizer="sgd",
        lr=0.1,
        batch_size=40,
        max_epochs=1,
        dtype=torch.float64,
        **settings,
    )
    net = train_one(job)
    rows = make_rows(dtype=torch.float64)
    cross_entropy(module(rows.x), rows.target).backward()
    return module, net


@pytest.mark.parametrize("callbacks", [[], [Callback()]], ids=["stack", "plain loop"])
@pytest.mark.parametrize("penalty", [{}, {"l1": 0.2}, {"weight_decay": 0.3}])
def test_penalties_are_added_to_the_gradients_of_the_weights_of_layers_only(
    make_job, make_rows, penalty, callbacks
):
    module, net = one_step(make_job, make_rows, callbacks=callbacks, **penalty)
    l1, l2 = penalty.get("l1", 0.0), penalty.get("weight_decay", 0.0)
    for name, before in module.named_parameters():
        is_weight = name in ("linear_0.weight", "output.weight")
        pull = l1 * before.sign() + l2 * before if is_weight else 0
        expected = before - 0.1 * (before.grad + pull)
        torch.testing.assert_close(net.module_.get_parameter(name), expected)


@pytest.mark.parametrize("callbacks", [[], [Callback()]], ids=["stack", "plain loop"])
@pytest.mark.parametrize("penalty", [{"l1": 0.2}, {"weight_decay": 0.3}])
def test_penalties_are_no_part_of_the_loss(make_job, make_rows, penalty, callbacks):
    _, plain = one_step(make_job, make_rows, callbacks=callbacks)
    _, penalised = one_step(make_job, make_rows, callbacks=callbacks, **penalty)
    assert losses(penalised) == losses(plain)


def test_a_frozen_weight_gets_no_penalty(make_job):
    own = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    own[0].requires_grad_(False)
    before = own[0].weight.clone()
    net = train_one(make_job(spec=ModuleInstance(own), l1=0.5, weight_decay=0.5))
    assert torch.equal(net.module_[0].weight, before)
    assert not torch.equal(net.module_[1].weight, own[1].weight)


def test_a_regression_is_trained_by_its_own_loss(make_job):
    x = torch.linspace(-1, 1, 32)[:, None]
    task = Task(squared_error, lambda *_: 0.0, Tensor.clone, 1.0)
    job = make_job(
        spec=MLP(hidden=()), task=task, train=Rows(x, 3 * x), input_shape=(1,), n_outputs=1
    )
    net = train_one(job)
    outputs = net.module_(x)
    torch.testing.assert_close(torch.from_numpy(net.predict_proba(x)), outputs.detach())
    assert losses(net)[-1] < losses(net)[0]


def test_an_optimizer_that_evaluates_the_loss_several_times_can_be_used(make_job):
    net = train_one(make_job(optimizer=torch.optim.LBFGS, lr=0.5, batch_size=40, max_epochs=5))
    assert losses(net)[-1] < 0.1


# --- steps ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("batch_size", "n_steps"), [(40, 1), (16, 3), (13, 3), (100, 1)])
def test_an_epoch_has_a_step_for_each_batch(make_job, batch_size, n_steps):
    net = train_one(make_job(batch_size=batch_size, max_epochs=2))
    [moments, *_] = net.optimizer_.state.values()
    assert moments["step"] == 2 * n_steps


def test_epochs_are_shuffled_anew(make_job, make_rows):
    seen = []

    def watching_loss(outputs, target, weight):
        seen.append(tuple(target.tolist()))
        return cross_entropy(outputs, target, weight)

    task = Task(watching_loss, lambda *_: 0.0, Tensor.clone, math.log(2))
    train([make_job(task=task, batch_size=40)])
    assert len(set(seen)) == 3
    assert {tuple(sorted(targets)) for targets in seen} == {
        tuple(sorted(make_rows().target.tolist()))
    }


def test_dropout_layers_of_a_net_have_masks_of_their_own(make_job):
    job = make_job(spec=MLP(hidden=(6, 6), dropout=0.5), callbacks=[Callback()])
    module = train_one(job).module_.train()
    x = torch.ones(64)
    assert not torch.equal(module.dropout_0(x), module.dropout_1(x))


# --- after each epoch -----------------------------------------------------------------------


def test_each_epoch_is_told(make_job):
    epochs = []
    job = make_job(after_epoch=lambda net: epochs.append(net.history[-1, "epoch"]))
    train([job])
    assert epochs == [1, 2, 3]
    assert job.epochs.n_begun == 3


def test_true_after_an_epoch_stops_the_training(make_job, same):
    stopped = train_one(make_job(max_epochs=9, after_epoch=lambda net: len(net.history) == 2))
    assert len(stopped.history) == 2
    assert same(stopped, train_one(make_job(max_epochs=2)))


def test_an_error_after_an_epoch_ends_the_training(make_job):
    def fail(net):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        train_together(make_job(after_epoch=fail))


def test_epochs_are_printed_only_if_asked_for(make_job, capsys):
    train([make_job()])
    assert capsys.readouterr().out == ""
    train([make_job(verbose=1)])
    assert "train_loss" in capsys.readouterr().out


# --- errors ---------------------------------------------------------------------------------

SHAPE_ERROR = (
    "The module's output has the wrong shape. Expected (N, O) = (2, 2) for 2 rows; got {} from {}. "
    "Let forward return one logit per class (classification) or one value per target (regression)."
)


@pytest.mark.parametrize(
    ("module", "got"),
    [
        (Flat(3, 2), ("(2,)", "Flat")),
        (nn.Linear(3, 5), ("(2, 5)", "Linear")),
        (Pair(3, 2), ("tuple", "Pair")),
    ],
    ids=["one axis", "too wide", "a tuple"],
)
def test_a_module_with_outputs_of_the_wrong_shape_is_refused(make_job, module, got):
    with pytest.raises(ValueError, match=exactly(SHAPE_ERROR.format(*got))):
        train_together(make_job(spec=ModuleInstance(module)))


class Strict(nn.Linear):
    def forward(self, x):
        raise TypeError("no mask")


def test_a_module_that_cannot_take_the_data_is_refused(make_job):
    text = (
        "The module cannot take the data. Expected a forward that takes one tensor such as (2, 3); "
        "got TypeError from Strict: no mask. Build the module for this many features, or flatten "
        "its input."
    )
    with pytest.raises(ValueError, match=exactly(text)) as caught:
        train_together(make_job(spec=ModuleInstance(Strict(3, 2))))
    assert isinstance(caught.value.__cause__, TypeError)


class Picky(nn.Linear):
    def forward(self, x):
        return super().forward(x).transpose(1, 2)


@pytest.mark.parametrize(
    ("spec", "got"),
    [
        (
            MLP((8,), norm=nn.BatchNorm3d),
            "ValueError from Sequential: expected 5D input (got 2D input)",
        ),
        (
            ModuleInstance(Picky(3, 2)),
            "IndexError from Picky: Dimension out of range (expected to be in range of [-2, 1], "
            "but got 2)",
        ),
    ],
    ids=["ValueError", "IndexError"],
)
def test_other_errors_of_a_forward_say_what_was_tried(make_job, spec, got):
    text = (
        "The module cannot take the data. Expected a forward that takes one tensor such as (2, 3); "
        f"got {got}. Build the module for this many features, or flatten its input."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        train_together(make_job(spec=spec))


@pytest.mark.parametrize(("n_rows", "batch_size"), [(1, 16), (5, 1)])
def test_batch_norm_on_one_row_at_a_time_is_refused(make_job, make_rows, n_rows, batch_size):
    text = (
        "BatchNorm cannot train on 1 sample at a time. Expected batches of 2 samples or more; got "
        f"n_samples={n_rows}, batch_size={batch_size}. Give more rows, a larger batch_size, or "
        "a net without BatchNorm."
    )
    spec = MLP(hidden=(4,), batch_norm=True)
    with pytest.raises(ValueError, match=exactly(text)):
        train_together(make_job(spec=spec, train=make_rows(n_rows), batch_size=batch_size))


@pytest.mark.parametrize(("n_rows", "batch_size"), [(2, 16), (9, 4), (17, 16), (3, 2)])
def test_batch_norm_trains_on_any_other_number_of_rows(make_job, make_rows, n_rows, batch_size):
    spec = MLP(hidden=(4,), batch_norm=True)
    net = train_one(make_job(spec=spec, train=make_rows(n_rows), batch_size=batch_size))
    assert len(net.history) == 3


def test_without_batch_norm_a_single_row_is_enough(make_job, make_rows):
    assert len(train_one(make_job(train=make_rows(1))).history) == 3


def test_an_unknown_optimizer_and_init_are_refused(make_job):
    with pytest.raises(ValueError, match="Did you mean 'adam'"):
        train_together(make_job(optimizer="adma"))
    with pytest.raises(ValueError, match="Did you mean 'zeros'"):
        train_together(make_job(init="zeroes"))


# --- what became of it ----------------------------------------------------------------------


@pytest.mark.parametrize("callbacks", [[], [Callback()]], ids=["stack", "plain loop"])
def test_errors_are_handed_back_and_the_others_go_on(make_job, callbacks):
    jobs = [
        make_job(callbacks=callbacks, seed=k, lr=lr, optimizer="sgd")
        for k, lr in enumerate([0.1, 1e38, 0.1])
    ]
    first, broken, last = train(jobs)
    assert isinstance(broken.error, DivergenceError)
    assert broken.net is None
    assert (first.error, last.error) == (None, None)
    assert len(first.net.history) == len(last.net.history) == 3


@pytest.mark.parametrize("callbacks", [[], [Callback()]], ids=["stack", "plain loop"])
def test_warnings_are_handed_back_to_be_issued_by_the_fit(make_job, make_rows, callbacks):
    far = make_rows()
    far.x *= 1e3
    usual = {"optimizer": "sgd", "batch_size": 4, "callbacks": callbacks}
    astray, well = train([make_job(train=far, **usual), make_job(**usual)])
    assert [type(warning) for warning in astray.warnings] == [ConvergenceWarning]
    assert well.warnings == ()


def test_the_report_tells_of_stacks_and_of_nets_alone(make_job):
    report = Report()
    spec = TorchModule(Foreign)
    jobs = [make_job(seed=1), make_job(spec=spec), make_job(seed=2), make_job(spec=RICH)]
    trained = train(jobs, report=report)
    found = sorted((batch.n_nets, batch.alone or "") for batch in report.batches)
    assert found == [(1, ""), (1, "Foreign is no Sequential"), (2, "")]
    assert all(0 < one.seconds <= report.seconds for one in trained)


def test_stacks_and_nets_alone_may_train_on_two_cores(make_job, same):
    specs = [RICH, TorchModule(Foreign), MLP(hidden=())]
    jobs = [make_job(spec=spec, seed=seed) for seed in range(4) for spec in specs]
    on_one, on_two = train(jobs), train(jobs, n_jobs=2)
    assert all(same(a.net, b.net) for a, b in zip(on_one, on_two, strict=True))


# --- the stack and the plain loop -----------------------------------------------------------


def assert_alike(make_job, **settings):
    """Compare a training in float64 in a stack with the one in skorch's loop."""
    job = make_job(**{"dtype": torch.float64, **settings})
    stacked = train_one(job)
    plain = train_one(make_job(**{**vars(job), "callbacks": [Callback()]}))
    for name, tensor in stacked.module_.state_dict().items():
        torch.testing.assert_close(tensor, plain.module_.state_dict()[name], rtol=1e-6, atol=1e-6)
    for key in ("train_loss", "valid_loss", "valid_score"):
        if key in stacked.history[-1]:
            assert stacked.history[:, key] == pytest.approx(plain.history[:, key], rel=1e-6)
    settings = [net.optimizer_.param_groups for net in (stacked, plain)]
    for mine, theirs in zip(*settings, strict=True):
        assert {k: v for k, v in mine.items() if k != "params"} == {
            k: v for k, v in theirs.items() if k != "params"
        }


NORMED = MLP(hidden=(6, 5), batch_norm=True)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_stack_and_the_plain_loop_train_alike(make_job, make_rows, optimizer):
    valid = make_rows(9, dtype=torch.float64)
    settings = {"momentum": 0.5, "betas": (0.8, 0.99), "weight_decay": 0.1}
    assert_alike(make_job, spec=NORMED, optimizer=optimizer, valid=valid, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"l1": 0.01},
        {"clip_norm": 0.01},
        {"label_smoothing": 0.2},
        {"l1": 0.01, "clip_norm": 0.1, "label_smoothing": 0.2, "weight_decay": 0.1},
        {"batch_size": 13},
        {"spec": RICH},
        {"spec": MLP(hidden=(6,), dropout=0.3), "batch_size": 13},
        {"spec": MLP(hidden=(6,), activation="gelu"), "init": "orthogonal"},
    ],
    ids=" ".join,
)
def test_a_stack_and_the_plain_loop_know_the_same_settings(make_job, settings):
    assert_alike(make_job, **{"spec": NORMED, **settings})


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", [binary_cross_entropy, squared_error])
def test_a_stack_and_the_plain_loop_know_the_same_losses(make_job, make_rows, loss, weighted):
    x = make_rows(dtype=torch.float64).x
    weight = torch.linspace(0, 2, 40).double() if weighted else None
    rows = Rows(x, (x[:, :2] > 0).double(), weight)
    task = Task(loss, lambda *_: 0.0, Tensor.clone, 1.0)
    assert_alike(make_job, task=task, train=rows, valid=rows)


def test_a_stack_and_the_plain_loop_stop_early_alike(make_job, make_rows):
    liars = make_rows(12, seed=1, dtype=torch.float64)
    liars.target = 1 - liars.target
    stopping = Stopping(2, 0.0)
    assert_alike(make_job, spec=NORMED, valid=liars, stopping=stopping, max_epochs=20, lr=0.05)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_began_in_a_stack_goes_on_in_the_plain_loop(make_job, optimizer):
    usual = {"dtype": torch.float64, "optimizer": optimizer, "spec": NORMED}
    start = train_one(make_job(**usual))
    assert_alike(make_job, **usual, start=start)
    start = train_one(make_job(**usual, callbacks=[Callback()]))
    start.callbacks_ = start.callbacks_[:1]
    assert_alike(make_job, **usual, start=start)


# --- processes ------------------------------------------------------------------------------


def local_task():
    """A task that pickles by value: other processes do not know this file."""
    loss, softmax = cross_entropy, torch.nn.Softmax(dim=1)
    return Task(loss, lambda *_: 0.5, softmax, math.log(2), n_classes=2)


@pytest.mark.slow
def test_processes_give_bitwise_the_same_nets(make_job, make_rows, same, monkeypatch):
    usual = {
        "task": local_task(),
        "valid": make_rows(9),
        "stopping": Stopping(5, 0.0),
        "weight_decay": 0.1,
        "clip_norm": 0.5,
        "label_smoothing": 0.1,
    }
    specs = [RICH, MLP(hidden=(9,), activation="tanh")]
    jobs = [make_job(spec=spec, seed=seed, **usual) for seed in range(3) for spec in specs]
    jobs.append(make_job(**usual, optimizer="sgd", lr=1e38))
    here = train(jobs)
    monkeypatch.setattr(_train, "is_worth_it", lambda seconds: True)
    report = Report()
    there = train(jobs, n_jobs=2, report=report)
    assert report.n_nets == len(jobs)
    assert str(there[-1].error) == str(here[-1].error)
    assert type(there[-1].error) is DivergenceError
    for first, second in zip(here[:-1], there[:-1], strict=True):
        assert same(first.net, second.net)
        assert losses(first.net) == losses(second.net)
        assert first.best_epoch == second.best_epoch == second.net.kept_epoch_
        for name in ("lr", "max_epochs", "batch_size"):
            assert getattr(first.net, name) == getattr(second.net, name)
        assert first.net.label_smoothing == second.net.label_smoothing
        assert not any(part.training for part in second.net.module_.modules())
        again = [make_job(**{**vars(jobs[0]), "start": one.net}) for one in (first, second)]
        assert same(*(train_one(job) for job in again))


# --- settings at their bounds ---------------------------------------------------------------


@pytest.mark.parametrize("callbacks", [[], [Callback()]], ids=["stack", "plain loop"])
@pytest.mark.parametrize("optimizer", ["momentum", "nesterov"])
def test_a_momentum_of_0_is_plain_descent(make_job, optimizer, callbacks):
    usual = {"dtype": torch.float64, "weight_decay": 0.1, "callbacks": callbacks}
    plain = train_one(make_job(**usual, optimizer="sgd"))
    [none, some] = train([make_job(**usual, optimizer=optimizer, momentum=m) for m in (0.0, 0.9)])
    assert some.error is None
    assert none.error is None
    torch.testing.assert_close(none.net.module_.state_dict(), plain.module_.state_dict())
