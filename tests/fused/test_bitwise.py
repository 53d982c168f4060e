"""Whoever trains beside a net, in whatever stack: it comes out the same, bit by bit."""

import math
from dataclasses import replace
from functools import cache, partial

import pytest
import torch
from torch import nn

from sknn_tricks import losses
from sknn_tricks.averaging import ema, snapshots, swa
from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.fused import Report, Rows, Stopping, Task, _plan, train
from sknn_tricks.fused._rows import batch_sizes
from sknn_tricks.fused.stacks._layers import LAYERS
from sknn_tricks.init import SCHEMES
from sknn_tricks.nets import (
    MLP,
    BatchNorm,
    Dropout,
    GroupNorm,
    LayerNorm,
    Residual,
    ResMLP,
    RReLU,
)
from sknn_tricks.optim import OPTIMIZERS
from sknn_tricks.schedules import SCHEDULES, plateau

ACTIVATIONS = [cls for cls in LAYERS if cls.__module__ == "torch.nn.modules.activation"]
BATCH_SIZE = 32
ROWS = [100, 97, 127, 101]  # 97 are 32 + 32 + 33
VALID_ROWS = [20, 37, 20]


def every_bit(outputs, target, weight):
    return outputs.double().sum().item()


TASKS = {
    "classes": (Task(losses.cross_entropy, every_bit, partial(torch.softmax, dim=1), 1.0, 3), 3),
    "labels": (Task(losses.binary_cross_entropy, every_bit, torch.sigmoid, 1.0), 37),
    "numbers": (Task(losses.squared_error, every_bit, torch.Tensor.clone, 1.0), 1),
}


@cache
def make_data(n_rows, n_features, kind, weighted, dtype):
    """Rows whose meaning depends on their number: validation rows teach nothing."""
    source = torch.Generator().manual_seed(n_rows)
    x = torch.randn(n_rows, n_features, generator=source)
    sums = x @ torch.randn(n_features, TASKS[kind][1], generator=source)
    target = {"classes": sums.argmax(dim=1), "labels": (sums > 0).to(dtype), "numbers": sums}[kind]
    weight = torch.rand(n_rows, generator=source).to(dtype) if weighted else None
    return Rows(x.to(dtype), target.to(dtype) if kind == "numbers" else target, weight)


class Own:
    """A spec of the net whose layers a function makes."""

    foreign = False

    def __init__(self, make):
        self.make = make

    def build(self, input_shape, n_outputs):
        return nn.Sequential(*self.make(math.prod(input_shape), n_outputs))


# All at once, and each off for some.
REMEDIES = {
    "clip_value": [None, 0.01],
    "max_norm": [0.5, None, 1.0],
    "input_noise": [0.1, 0.1, 0.0, 0.0],
    "mixup": [0.4, 0.0, 0.0],
    "decay_biases": [True, False],
    "l1": [0.0, 0.001],
}


def plain(rate):
    return MLP(hidden=(33,))


def dropping(rate):
    return MLP(hidden=(33,), batch_norm=True, dropout=rate)


@pytest.fixture
def make_crowd(make_job):
    """Return a function that makes jobs which differ in all that they may differ in.

    A setting that is a list has its values for the members in turn.
    """

    def make(n, spec=plain, kind="classes", n_features=5, weighted=False, rows=ROWS, **settings):
        dtype = settings.get("dtype", torch.float32)
        task, n_outputs = TASKS[kind]
        in_turn = {
            "weighted": weighted if isinstance(weighted, list) else [weighted],
            "lr": [0.02, 0.01, 0.01],
            "weight_decay": [0.0, 0.0, 0.1, 0.1, 0.01, 0.01],
            "momentum": [0.9, 0.5],
            "betas": [(0.9, 0.999), (0.8, 0.99)],
            "max_epochs": [2, 3, 3, 3, 3],
            "seed": [0, 0, 1, 1, 2, 2, 3, 3],
            **{name: value for name, value in settings.items() if isinstance(value, list)},
        }
        fixed = {name: value for name, value in settings.items() if name not in in_turn}
        jobs = []
        for k in range(n):
            mine = {name: values[k % len(values)] for name, values in in_turn.items()}
            data = partial(make_data, n_features=n_features, kind=kind, dtype=dtype)
            weights = mine.pop("weighted")
            usual = {
                "spec": spec([0.1, 0.5, 0.3][k % 3]),
                "input_shape": (n_features,),
                "n_outputs": n_outputs,
                "task": task,
                "train": data(rows[k % len(rows)], weighted=weights),
                "valid": data(VALID_ROWS[k % 3], weighted=weights),
                "batch_size": BATCH_SIZE,
            }
            jobs.append(make_job(**{**usual, **mine, **fixed}))
        return jobs

    return make


# --- sameness -------------------------------------------------------------------------------


def assert_same(first, second):
    assert first.error is None, first.error
    assert second.error is None, second.error
    a, b = first.net, second.net
    assert_same_tensors(a.module_.state_dict(), b.module_.state_dict())
    memory_a, memory_b = a.optimizer_.state_dict(), b.optimizer_.state_dict()
    assert memory_a["param_groups"] == memory_b["param_groups"]
    assert memory_a["state"].keys() == memory_b["state"].keys()
    for number, state in memory_a["state"].items():
        assert_same_tensors(state, memory_b["state"][number])
    assert epochs(a) == epochs(b)
    assert_same_besides(a, b)
    assert first.best_epoch == second.best_epoch
    assert [str(warning) for warning in first.warnings] == [
        str(warning) for warning in second.warnings
    ]


def assert_same_besides(a, b):
    """Compare what nets keep beside their weights."""
    assert a.n_averaged_ == b.n_averaged_
    for one, other in zip((a.last_, *a.snapshots_), (b.last_, *b.snapshots_), strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert_same_tensors(one, other)


def assert_same_tensors(first, second):
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def epochs(net):
    return [{key: value for key, value in row.items() if key != "dur"} for row in net.history]


def assert_all_same(alone, together, jobs):
    for one, other, job in zip(alone, together, jobs, strict=True):
        assert_same(one, other)
        x = job.train.x
        assert one.net.predict_proba(x).tolist() == other.net.predict_proba(x).tolist()


def steps_of(net):
    [state, *_] = net.optimizer_.state.values()
    return state["step"]


def train_alone(jobs):
    return [train([job])[0] for job in jobs]


def train_stacked(jobs, sizes, **settings):
    """Train in stacks of these sizes and no others."""
    report = Report()
    trained = train(jobs, report=report, **settings)
    assert all(batch.alone is None for batch in report.batches)
    assert sorted(batch.n_nets for batch in report.batches) == sorted(sizes)
    return trained


@pytest.fixture
def assert_alone_is_together(monkeypatch):
    """Train seven jobs alone, together in another order, and in small stacks on two cores."""

    def check(jobs):
        alone = train_alone(jobs)
        order = [3, 0, 6, 1, 5, 2, 4]
        turned = train_stacked([jobs[k] for k in order], [7])
        assert_all_same(alone, [turned[order.index(k)] for k in range(7)], jobs)
        with monkeypatch.context() as patch:
            patch.setattr(_plan, "stack_size", lambda *_: 2)
            assert_all_same(alone, train_stacked(jobs, [1, 2, 2, 2], n_jobs=2), jobs)
        return alone

    return check


# --- nets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", [nn.Identity, *ACTIVATIONS], ids=lambda cls: cls.__name__)
def test_activations(make_crowd, assert_alone_is_together, activation):
    spec = MLP(hidden=(33, 7), activation=activation)
    assert_alone_is_together(make_crowd(7, lambda rate: spec))


@pytest.mark.parametrize("n_features", [5, 100])
@pytest.mark.parametrize("hidden", [(), (1,), (33,), (37, 33), (64, 64), (64, 5, 1)], ids=str)
def test_widths(make_crowd, assert_alone_is_together, hidden, n_features):
    spec = MLP(hidden=hidden)
    assert_alone_is_together(make_crowd(7, lambda rate: spec, n_features=n_features))


def residual_layers(n_features, n_outputs, norm, activation, rate):
    def norms(width):
        return [norm(width)] if norm is not None else []

    def block():
        drop = [activation(), Dropout(rate)]
        return [nn.Linear(37, 64), *norms(64), *drop, nn.Linear(64, 37)]

    first = [nn.Linear(n_features, 37), *norms(37), activation(), Dropout(rate)]
    return [*first, Residual(*block()), Residual(activation(), *block()), nn.Linear(37, n_outputs)]


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize(
    ("norm", "kind"),
    [(None, "classes"), (nn.BatchNorm1d, "labels"), (nn.LayerNorm, "numbers")],
    ids=["no norm", "BatchNorm1d", "LayerNorm"],
)
def test_norms_residuals_and_dropout(make_crowd, assert_alone_is_together, norm, kind, activation):
    def spec(rate):
        return Own(partial(residual_layers, norm=norm, activation=activation, rate=rate))

    assert_alone_is_together(make_crowd(7, spec, kind))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_our_own_nets(make_crowd, assert_alone_is_together, batch_norm):
    def spec(rate):
        return MLP(hidden=(64, 33), dropout=rate, batch_norm=batch_norm)

    assert_alone_is_together(make_crowd(7, spec))


@pytest.mark.parametrize(
    ("activation", "dtype"),
    [
        ("prelu_per_feature", torch.float32),
        ("softplus", torch.float32),
        ("rrelu", torch.float32),
        ("rrelu", torch.float64),
    ],
    ids=str,
)
def test_activations_behind_batch_norm(make_crowd, assert_alone_is_together, activation, dtype):
    def spec(rate):
        kind = RReLU(-rate, rate) if activation == "rrelu" else activation
        return MLP(hidden=(64, 33), activation=kind, dropout=rate, batch_norm=True)

    assert_alone_is_together(make_crowd(7, spec, dtype=dtype))


NORMS = {
    "batch": lambda rate: BatchNorm(momentum=rate, eps=rate / 10),
    "batch without scale": lambda rate: BatchNorm(momentum=rate, affine=False),
    "layer": lambda rate: LayerNorm(eps=rate),
    "layer without scale": lambda rate: LayerNorm(eps=rate, affine=False),
    "groups": lambda rate: GroupNorm(eps=rate),
    "3 groups without scale": lambda rate: GroupNorm(3, eps=rate, affine=False),
}


@pytest.mark.parametrize("norm", NORMS)
def test_norms_of_other_settings(make_crowd, assert_alone_is_together, norm):
    def spec(rate):
        last = norm.endswith("scale")
        return MLP(hidden=(33, 66), norm=NORMS[norm](rate), norm_after_activation=last)

    assert_alone_is_together(make_crowd(7, spec))


@pytest.mark.parametrize(
    ("n_features", "batch_norm", "dtype"),
    [(5, False, torch.float32), (64, True, torch.float32), (5, True, torch.float64)],
    ids=str,
)
def test_weights_and_inputs_that_are_dropped(
    make_crowd, assert_alone_is_together, n_features, batch_norm, dtype
):
    def spec(rate):
        dropped = {"input_dropout": rate, "dropout": (0.0, rate), "drop_connect": (rate, rate / 2)}
        return MLP(hidden=(64, 33), batch_norm=batch_norm, **dropped)

    settings = {"n_features": n_features, "dtype": dtype, "l1": [0.0, 0.01]}
    assert_alone_is_together(make_crowd(7, spec, **settings))


@pytest.mark.parametrize(
    ("norm", "mode", "init"),
    [("batch", "row", "auto"), ("layer", "batch", "lsuv"), ("group", "row", "lsuv")],
    ids=str,
)
def test_residual_nets(make_crowd, assert_alone_is_together, norm, mode, init):
    def spec(rate):
        parts = {"norm": norm, "dropout": rate, "drop_path": rate, "drop_path_mode": mode}
        return ResMLP(width=37, n_blocks=2, starts_at_zero=init == "auto", **parts)

    assert_alone_is_together(make_crowd(7, spec, init=init))


@pytest.mark.parametrize("spec", [plain, dropping])
def test_biases_that_start_elsewhere(make_crowd, assert_alone_is_together, spec):
    assert_alone_is_together(make_crowd(7, spec, bias_init=[0.0, 0.1, 0.0, -0.5]))


def test_random_layers_that_go_on_with_early_leavers(
    make_crowd, make_job, assert_alone_is_together
):
    def spec(rate):
        return ResMLP(width=33, activation="rrelu", dropout=rate, drop_path=rate)

    first = make_crowd(7, spec, optimizer="momentum", max_epochs=[1, 3, 2])
    assert_alone_is_together(first)
    again = [
        make_job(**{**vars(job), "start": one.net})
        for job, one in zip(first, train(first), strict=True)
    ]
    assert_alone_is_together(again)


# --- training -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(make_crowd, assert_alone_is_together, optimizer, dtype):
    assert_alone_is_together(make_crowd(7, dropping, optimizer=optimizer, dtype=dtype))


@pytest.mark.parametrize("init", ["auto", *SCHEMES])
def test_inits(make_crowd, assert_alone_is_together, init):
    assert_alone_is_together(make_crowd(7, init=init))


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize(
    "settings",
    [
        {"weighted": True},
        {"clip_norm": [None, 0.01, 0.1]},
        {"l1": [0.0, 0.01, 0.1]},
        {"valid": None},
        {"batch_size": 1000},
        {"batch_size": 64, "spec": dropping},
        {"dtype": torch.float64},
        {"weighted": True, "clip_norm": 0.01, "l1": 0.01, "dtype": torch.float64},
        {"clip_value": [None, 0.001, 0.01]},
        {"max_norm": [None, 0.5, 1.0], "optimizer": "sgd"},
        {"input_noise": [0.0, 0.1, 1.0]},
        {"mixup": [0.0, 0.2, 1.0]},
        {"mixup": [0.2, 0.0], "weighted": [False, True], "dtype": torch.float64},
        {"decay_biases": [False, True], "l1": [0.0, 0.01, 0.1], "optimizer": "rmsprop"},
        {**REMEDIES, "spec": dropping, "max_epochs": [3, 1, 2]},
        {**REMEDIES, "dtype": torch.float64},
    ],
    ids=lambda settings: " ".join(settings),
)
def test_settings(make_crowd, assert_alone_is_together, kind, settings):
    assert_alone_is_together(make_crowd(7, kind=kind, **settings))


SCHEDULED = {
    "lr_schedule": ["one_cycle", "constant", "plateau", "cosine", "cosine"],
    "warmup": [0.0, 0.0, 0.3],
    "weight_decay_schedule": ["constant", "flat_cosine"],
    "dropout_schedule": ["coslog4", "constant", "constant", "linear"],
    "lr_scaling": [None, "linear", "sqrt"],
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_beside_constant_rates(make_crowd, assert_alone_is_together, schedule):
    settings = {
        name: ["constant", schedule, schedule]
        for name in ("lr_schedule", "weight_decay_schedule", "dropout_schedule")
    }
    assert_alone_is_together(make_crowd(7, dropping, **settings))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_schedules_of_all_rates(make_crowd, assert_alone_is_together, optimizer, dtype):
    settings = {**SCHEDULED, "optimizer": optimizer, "dtype": dtype, "max_epochs": [3, 1, 4, 2]}
    assert_alone_is_together(make_crowd(7, dropping, **settings))


def test_schedules_with_members_that_stop_early(make_crowd, assert_alone_is_together):
    watching = plateau(factor=0.5, patience=1, tol=0.01)
    stopping = [Stopping(patience, 0.0) for patience in (1, 3, 2)]
    settings = {**SCHEDULED, "lr_schedule": [watching, "one_cycle", watching], "lr": [0.1, 0.03]}
    jobs = make_crowd(7, dropping, stopping=stopping, max_epochs=[8], **settings)
    alone = assert_alone_is_together(jobs)
    assert len({len(one.net.history) for one in alone}) > 2


def test_continued_training_with_schedules(make_crowd, make_job, assert_alone_is_together):
    starts = train(make_crowd(7, dropping, **SCHEDULED))
    again = [
        make_job(**{**vars(job), "start": start.net})
        for job, start in zip(make_crowd(7, dropping, **SCHEDULED), starts, strict=True)
    ]
    assert_alone_is_together(again)


@pytest.mark.parametrize(
    "losses_",
    [[losses.absolute_error], [losses.huber(0.5), losses.huber(2.0)]],
    ids=["absolute_error", "huber"],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_of_numbers(make_crowd, assert_alone_is_together, losses_, weighted):
    task, _ = TASKS["numbers"]
    tasks = [replace(task, loss=loss) for loss in losses_]
    assert_alone_is_together(make_crowd(7, kind="numbers", weighted=weighted, task=tasks))


@pytest.mark.parametrize("kind", ["classes", "labels"])
@pytest.mark.parametrize("weighted", [False, True])
def test_label_smoothing(make_crowd, assert_alone_is_together, kind, weighted):
    shares = [0.0, 0.1, 0.3]
    jobs = make_crowd(7, kind=kind, weighted=weighted, label_smoothing=shares)
    assert_alone_is_together(jobs)


@pytest.mark.parametrize("kind", TASKS)
def test_row_weights_of_some(make_crowd, assert_alone_is_together, kind):
    assert_alone_is_together(make_crowd(7, kind=kind, weighted=[False, True]))


@pytest.mark.parametrize("rows", [[96], [97, 96], [128, 130, 129], [33, 32]], ids=str)
def test_full_batches_beside_a_last_one_with_a_row_more(make_crowd, rows):
    jobs = make_crowd(7, dropping, rows=rows)
    alone = train_alone(jobs)
    assert_all_same(alone, train_stacked(jobs, [7]), jobs)
    n_steps = [len(batch_sizes(len(job.train), BATCH_SIZE)) * job.max_epochs for job in jobs]
    assert [steps_of(one.net) for one in alone] == n_steps


@pytest.mark.parametrize("spec", [plain, dropping])
def test_early_stopping_which_lets_the_others_go_on(make_crowd, assert_alone_is_together, spec):
    stopping = [Stopping(patience, 0.0) for patience in (1, 3, 2)]
    lr = [0.1, 0.001, 0.03]
    jobs = make_crowd(7, spec, stopping=stopping, lr=lr, max_epochs=[8])
    alone = assert_alone_is_together(jobs)
    assert len({len(one.net.history) for one in alone}) > 2
    assert any(one.best_epoch < len(one.net.history) for one in alone)


@pytest.mark.parametrize("max_epochs", [[1, 2, 3, 4], [4, 1, 1, 1], [1, 1, 4]], ids=str)
def test_numbers_of_epochs(make_crowd, assert_alone_is_together, max_epochs):
    jobs = make_crowd(7, dropping, max_epochs=max_epochs)
    alone = assert_alone_is_together(jobs)
    assert [len(one.net.history) for one in alone] == [job.max_epochs for job in jobs]


AVERAGINGS = {
    "ema": [ema(0.9), ema(0.5, eta=1.0), None],
    "swa": [swa(start=0.5), None, swa(start=0.0, every=2)],
    "snapshots": [snapshots(2), None, snapshots(3)],
    "all": [ema(0.9), swa(start=0.0), snapshots(2), None, swa(start=0.6)],
}


@pytest.mark.parametrize("kind", AVERAGINGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_averages(make_crowd, assert_alone_is_together, kind, dtype):
    settings = {"averaging": AVERAGINGS[kind], "dtype": dtype, "max_epochs": [5, 3, 4, 4]}
    alone = assert_alone_is_together(make_crowd(7, dropping, **settings))
    assert any(one.net.last_ is not None or one.net.snapshots_ for one in alone)


@pytest.mark.parametrize("kind", AVERAGINGS)
def test_averages_of_some_who_stop_early(make_crowd, assert_alone_is_together, kind):
    stopping = [Stopping(patience, 0.0) for patience in (1, 3, 2)]
    settings = {"averaging": AVERAGINGS[kind], "stopping": stopping, "lr": [0.1, 0.001, 0.03]}
    alone = assert_alone_is_together(make_crowd(7, dropping, max_epochs=[8], **settings))
    assert len({len(one.net.history) for one in alone}) > 2


@pytest.mark.parametrize("kind", AVERAGINGS)
def test_averages_that_go_on(make_crowd, make_job, assert_alone_is_together, kind):
    first = make_crowd(7, dropping, averaging=AVERAGINGS[kind])
    turned = [AVERAGINGS[kind][k % 2] for k in range(7)]
    again = [
        make_job(**{**vars(job), "start": one.net, "averaging": averaging})
        for job, one, averaging in zip(first, train(first), turned, strict=True)
    ]
    assert_alone_is_together(again)


# --- in other company -----------------------------------------------------------------------


def residual_spec(rate):
    return Own(partial(residual_layers, norm=nn.BatchNorm1d, activation=nn.ReLU, rate=rate))


@pytest.mark.parametrize("spec", [dropping, residual_spec], ids=["mlp", "residual"])
def test_in_a_stack_of_64(make_crowd, monkeypatch, spec):
    jobs = make_crowd(64, spec)
    alone = train_alone(jobs)
    monkeypatch.setattr(_plan, "stack_size", lambda *_: 64)
    assert_all_same(alone, train_stacked(jobs[::-1], [64])[::-1], jobs)


def test_data_of_each_members_own(make_crowd, make_job):
    jobs = make_crowd(7, dropping)
    copies = [
        make_job(**{**vars(job), "train": Rows(job.train.x + k, job.train.target)})
        for k, job in enumerate(jobs)
    ]
    assert_all_same(train_alone(copies), train_stacked(copies, [7]), copies)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_member_that_diverges_leaves_no_trace(make_crowd, make_job, optimizer):
    jobs = make_crowd(7, dropping, optimizer=optimizer, max_epochs=[4])
    alone = train_alone(jobs)
    jobs[2:2] = [make_job(**{**vars(jobs[k]), "lr": 1e30, "seed": 9}) for k in (0, 3)]
    together = train_stacked(jobs, [9])
    assert {type(one.error) for one in together[2:4]} == {DivergenceError}
    assert {one.net for one in together[2:4]} == {None}
    del jobs[2:4], together[2:4]
    assert_all_same(alone, together, jobs)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_continued_training(make_crowd, make_job, assert_alone_is_together, optimizer):
    first = make_crowd(7, dropping, optimizer=optimizer, max_epochs=[2, 2, 3])
    starts = [one.net for one in train(first)]
    again = [
        make_job(**{**vars(job), "start": start, "lr": 0.003})
        for job, start in zip(first, starts, strict=True)
    ]
    alone = assert_alone_is_together(again)
    assert [len(one.net.history) for one in alone] == [4, 4, 6, 4, 4, 6, 4]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_continued_with_other_remedies(
    make_crowd, make_job, assert_alone_is_together, optimizer
):
    first = make_crowd(7, dropping, optimizer=optimizer, decay_biases=[True, False, False])
    again = [
        make_job(**{**vars(job), "start": one.net})
        for job, one in zip(
            make_crowd(7, dropping, optimizer=optimizer, **REMEDIES), train(first), strict=True
        )
    ]
    assert_alone_is_together(again)


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


def test_nets_that_were_trained_together_go_on_alone_as_those_who_were_not(make_crowd, make_job):
    jobs = make_crowd(7, dropping)
    ends = []
    for starts in (train_alone(jobs), train_stacked(jobs, [7])):
        again = [
            make_job(**{**vars(job), "start": start.net})
            for job, start in zip(jobs, starts, strict=True)
        ]
        ends.append(train_alone(again))
    assert_all_same(*ends, jobs)
