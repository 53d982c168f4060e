import dataclasses
from itertools import pairwise

import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from sknn_tricks.fused import Report, Rows, _plan, train
from sknn_tricks.fused._member import Member
from sknn_tricks.fused._plan import plan, shared_data
from sknn_tricks.losses import cross_entropy, squared_error
from sknn_tricks.nets import MLP, ModuleInstance, TorchModule

RICH = MLP(hidden=(6, 5), batch_norm=True, dropout=0.3)


@pytest.fixture
def make_jobs(make_job):
    def make(*settings):
        return [make_job(**each) for each in settings]

    return make


def stacks(jobs, n_jobs=1):
    """Return the places of the jobs that share a stack."""
    chunks, errors = plan(jobs, n_jobs)
    assert not errors
    assert all(chunk.alone is None for chunk in chunks)
    return sorted(chunk.jobs for chunk in chunks)


def why_alone(job):
    [chunk], _ = plan([job], 1)
    assert chunk.jobs == (0,)
    return chunk.alone


def own_loss(outputs, target, weight, label_smoothing=0.0):
    return cross_entropy(outputs, target, weight)


class Scale(nn.Linear):
    """A layer of the user's own with weights, which one might take for a plain one."""

    def forward(self, x):
        return 2 * super().forward(x)


class Foreign(nn.Sequential):
    def __init__(self, n_features, n_outputs):
        super().__init__(nn.Linear(n_features, n_outputs))


def train_one(job):
    [trained] = train([job])
    return trained.net


def with_task(job, loss):
    return dataclasses.replace(job, task=dataclasses.replace(job.task, loss=loss))


# --- alone ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"callbacks": [Callback()]}, "it has skorch callbacks"),
        ({"optimizer": torch.optim.Adam}, "its optimizer is a class"),
        ({"spec": TorchModule(Foreign)}, "Foreign is no Sequential"),
        ({"spec": ModuleInstance(nn.Linear(3, 2))}, "Linear is no Sequential"),
        (
            {"spec": ModuleInstance(nn.Sequential(Scale(3, 2)))},
            "there is no stacked Scale",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_net_that_fits_no_stack_trains_alone_and_the_report_says_why(make_job, settings, reason):
    job = make_job(**settings)
    assert why_alone(job) == reason
    report = Report()
    trained = train([job, make_job(), make_job(seed=1)], report=report)
    assert all(one.error is None for one in trained)
    assert sorted((batch.n_nets, batch.alone) for batch in report.batches if batch.alone) == [
        (1, reason)
    ]
    assert [batch.n_nets for batch in report.batches if batch.alone is None] == [2]


def test_a_loss_of_the_users_own_trains_alone(make_job):
    job = with_task(make_job(), own_loss)
    assert why_alone(job) == "there is no stacked form of its loss"


def test_parameters_of_another_dtype_train_alone(make_job):
    trained = train_one(make_job())
    trained.module_.double()
    reason = "its parameters are of another dtype"
    assert why_alone(make_job(start=trained)) == reason


def test_another_device_trains_alone(make_job):
    job = make_job(spec=ModuleInstance(nn.Sequential(nn.Linear(3, 2))))
    start = train_one(job)
    assert why_alone(make_job(device=torch.device("meta"), start=start)) == "it trains on meta"


@pytest.mark.parametrize("spec", [MLP(hidden=()), RICH], ids=["linear", "rich"])
def test_our_own_nets_fit_a_stack(make_job, spec):
    assert why_alone(make_job(spec=spec)) is None


def test_a_job_that_cannot_be_built_does_not_hold_up_the_others(make_job):
    jobs = [make_job(), make_job(spec=MLP(hidden=(0,))), make_job(seed=1)]
    report = Report()
    first, broken, last = train(jobs, report=report)
    assert first.error is None
    assert last.error is None
    assert "hidden has a width that no layer can have" in str(broken.error)
    assert [batch.n_nets for batch in report.batches] == [2]


def test_a_layer_of_the_users_own_is_never_shared(make_job, same):
    def jobs():
        for seed in (1, 2):
            torch.manual_seed(seed)
            module = nn.Sequential(Scale(3, 4), nn.ReLU(), nn.Linear(4, 2))
            yield make_job(spec=ModuleInstance(module), seed=seed)

    first, second = jobs()
    together = [trained.net for trained in train([first, second])]
    assert same(together[0], train([first])[0].net)
    assert same(together[1], train([second])[0].net)
    assert not torch.equal(together[0].module_[0].weight, together[1].module_[0].weight)


# --- rows of several axes -------------------------------------------------------------------


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Linear(4, 2), nn.Flatten(), nn.Linear(6, 2)],
        [nn.BatchNorm1d(3), nn.Flatten(), nn.Linear(12, 2)],
        [nn.LayerNorm(4), nn.Flatten(), nn.Linear(12, 2)],
        [nn.PReLU(3), nn.Flatten(), nn.Linear(12, 2)],
        [nn.Tanh(), nn.Flatten(), nn.Linear(12, 2)],
        [nn.Flatten(), nn.Linear(12, 2)],
    ],
    ids=lambda layers: type(layers[0]).__name__,
)
def test_layers_before_the_rows_are_flat_see_all_their_axes(make_job, layers):
    x = torch.randn(20, 3, 4, generator=torch.Generator().manual_seed(0))
    rows = Rows(x, (x.sum(dim=(1, 2)) > 0).long())
    module = nn.Sequential(*layers)
    usual = {"train": rows, "input_shape": (3, 4), "batch_size": 20, "lr": 1e-30, "max_epochs": 1}
    [trained] = train([make_job(spec=ModuleInstance(module), **usual)])
    expected = cross_entropy(module.train()(x), rows.target).item()
    assert trained.net.history[-1, "train_loss"] == pytest.approx(expected, rel=1e-5)


class Image(nn.Module):
    def __init__(self, n_outputs):
        super().__init__()
        self.conv = nn.Conv1d(3, n_outputs, 4)

    def forward(self, x):
        return self.conv(x)[..., 0]


def test_a_module_that_takes_rows_of_several_axes_trains_alone(make_job):
    rows = Rows(torch.randn(20, 3, 4), torch.zeros(20).long())
    job = make_job(spec=TorchModule(Image), train=rows, input_shape=(3, 4))
    assert why_alone(job) == "Image is no Sequential"


# --- groups ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"spec": MLP(hidden=(9,))},
        {"spec": MLP(hidden=(8, 8))},
        {"spec": MLP(hidden=(8,), activation="tanh")},
        {"spec": MLP(hidden=(8,), batch_norm=True)},
        {"spec": MLP(hidden=(8,), dropout=0.5)},
        {"optimizer": "sgd"},
        {"batch_size": 8},
        {"dtype": torch.float64},
    ],
    ids=str,
)
def test_what_steps_differ_in_makes_groups(make_jobs, settings):
    assert stacks(make_jobs({}, settings)) == [(0,), (1,)]


@pytest.mark.parametrize(
    "settings",
    [
        {"lr": 0.5},
        {"weight_decay": 0.5},
        {"l1": 0.5},
        {"momentum": 0.5},
        {"betas": (0.5, 0.5)},
        {"clip_norm": 0.5},
        {"label_smoothing": 0.5},
        {"max_epochs": 1},
        {"init": "orthogonal"},
        {"seed": 5},
    ],
    ids=str,
)
def test_settings_of_each_member_make_no_groups(make_jobs, settings):
    assert [sorted(each) for each in stacks(make_jobs({}, settings))] == [[0, 1]]


def test_rates_of_dropout_make_no_groups(make_jobs):
    jobs = make_jobs(*({"spec": MLP(hidden=(8,), dropout=rate)} for rate in (0.1, 0.5)))
    assert stacks(jobs) == [(0, 1)]


def test_outputs_inputs_and_losses_make_groups(make_job):
    x = torch.randn(40, 3)
    number = with_task(make_job(train=Rows(x, torch.zeros(40, 2))), squared_error)
    wide = make_job(train=Rows(torch.randn(40, 4), torch.zeros(40).long()), input_shape=(4,))
    jobs = [make_job(), make_job(n_outputs=3), number, wide]
    assert stacks(jobs) == [(0,), (1,), (2,), (3,)]


def test_groups_are_cut_only_as_far_as_cores_lack_work(make_jobs):
    two_groups = [{} for _ in range(6)] + [{"spec": MLP(hidden=(9,))} for _ in range(6)]
    assert [len(stack) for stack in stacks(make_jobs(*two_groups), n_jobs=2)] == [6, 6]
    assert sorted(map(len, stacks(make_jobs(*two_groups), n_jobs=3))) == [3, 3, 6]
    assert sorted(map(len, stacks(make_jobs(*two_groups), n_jobs=4))) == [3, 3, 3, 3]


def test_the_longest_stacks_come_first(make_jobs):
    chunks, _ = plan(make_jobs({}, {"spec": MLP(hidden=(99,))}, {"spec": MLP(hidden=(50,))}), 1)
    assert [chunk.jobs for chunk in chunks] == [(1,), (2,), (0,)]


def test_validation_rows_make_groups(make_jobs, make_rows):
    assert stacks(make_jobs({}, {"valid": make_rows(9)})) == [(0,), (1,)]


# --- stacks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_members", "n_jobs", "sizes"),
    [(1, 1, [1]), (5, 1, [5]), (7, 1, [3, 4]), (5, 2, [2, 3]), (1, 2, [1]), (13, 2, [3, 3, 3, 4])],
)
def test_stacks_are_of_even_size_and_as_many_as_keep_all_cores_at_work(
    make_jobs, monkeypatch, n_members, n_jobs, sizes
):
    monkeypatch.setattr(_plan, "stack_size", lambda *_: 6)
    found = stacks(make_jobs(*({"seed": seed} for seed in range(n_members))), n_jobs)
    assert sorted(len(each) for each in found) == sizes
    assert sorted(place for each in found for place in each) == list(range(n_members))


def test_members_on_the_same_data_with_the_same_settings_are_neighbours(make_jobs, make_rows):
    data = make_rows(), make_rows(seed=1)
    settings = [{"train": rows, "lr": lr} for lr in (0.1, 0.2) for rows in data]
    jobs = make_jobs(*settings, *settings)
    [members] = stacks(jobs)
    places = [(id(jobs[i].train), jobs[i].lr) for i in members]
    assert sum(first != second for first, second in pairwise(places)) == 3


def test_wide_nets_have_small_stacks(make_jobs):
    def largest(width):
        spec = MLP(hidden=(width, width))
        jobs = make_jobs(*({"spec": spec, "batch_size": 512, "seed": i} for i in range(70)))
        return max(len(each) for each in stacks(jobs))

    sizes = [largest(width) for width in (1, 64, 512)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0] <= 64


# --- data that is the same ------------------------------------------------------------------


def copied(rows):
    return Rows(*(None if tensor is None else tensor.clone() for tensor in rows.parts))


def weighted(rows, weight):
    return dataclasses.replace(copied(rows), weight=weight)


def test_the_same_numbers_are_held_once(make_job, make_rows):
    rows = make_rows()
    jobs = [make_job(train=each) for each in (rows, copied(rows), rows, copied(rows))]
    assert all(each is rows for each in shared_data(jobs))


def test_other_numbers_are_held_apart(make_job, make_rows):
    rows = make_rows()
    other_x, other_target = copied(rows), copied(rows)
    other_x.x[17, 2] += 1
    other_target.target[17] = 1 - other_target.target[17]
    others = [
        other_x,
        other_target,
        weighted(rows, torch.ones(40)),
        weighted(rows, torch.zeros(40)),
    ]
    jobs = [make_job(train=each) for each in (rows, *others)]
    assert [id(each) for each in shared_data(jobs)] == [id(each) for each in (rows, *others)]


def test_targets_of_other_kinds_are_held_apart(make_job, make_rows):
    rows = make_rows()
    others = [
        dataclasses.replace(rows, target=rows.target[:, None].float()),
        dataclasses.replace(rows, target=rows.target.float()),
        dataclasses.replace(rows, x=rows.x.double()),
    ]
    shared = shared_data([make_job(train=each) for each in (rows, *others)])
    assert [id(each) for each in shared] == [id(each) for each in (rows, *others)]


def test_weights_of_the_same_numbers_are_held_once(make_job, make_rows):
    rows = weighted(make_rows(), torch.linspace(0, 2, 40))
    first, second = shared_data([make_job(train=rows), make_job(train=copied(rows))])
    assert first is second


def test_jobs_on_equal_data_train_on_the_same_memory(make_job, make_rows, monkeypatch):
    seen = []
    monkeypatch.setattr(Member, "begin", lambda self: seen.append(self.job.train))
    train([make_job(train=make_rows()), make_job(train=make_rows(), seed=1)])
    assert seen[0] is seen[1]
