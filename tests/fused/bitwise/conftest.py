"""Jobs that differ in all that they may differ in, and what it means to come out the same."""

import math
from dataclasses import replace
from functools import cache, partial

import pytest
import torch
from torch import nn

from sknn_tricks import losses
from sknn_tricks.fused import Report, Rows, Task, _plan, train
from sknn_tricks.nets import MLP, Dropout, Residual

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


def plain(rate):
    return MLP(hidden=(33,))


def dropping(rate):
    return MLP(hidden=(33,), batch_norm=True, dropout=rate)


class Own:
    """A spec of the net whose layers a function makes."""

    foreign = False

    def __init__(self, make):
        self.make = make

    def build(self, input_shape, n_outputs):
        return nn.Sequential(*self.make(math.prod(input_shape), n_outputs))


def residual_layers(n_features, n_outputs, norm, activation, rate):
    def norms(width):
        return [norm(width)] if norm is not None else []

    def block():
        drop = [activation(), Dropout(rate)]
        return [nn.Linear(37, 64), *norms(64), *drop, nn.Linear(64, 37)]

    first = [nn.Linear(n_features, 37), *norms(37), activation(), Dropout(rate)]
    return [*first, Residual(*block()), Residual(activation(), *block()), nn.Linear(37, n_outputs)]


def _residual(rate, norm=nn.BatchNorm1d, activation=nn.ReLU):
    return Own(partial(residual_layers, norm=norm, activation=activation, rate=rate))


SPECS = {"plain": plain, "dropping": dropping, "residual": _residual}


@pytest.fixture
def make_crowd(make_job):
    """Return a function that makes jobs which differ in all that they may differ in.

    A setting that is a list has its values for the members in turn. `spec` is the name of one
    of `SPECS`, or a function of a rate.
    """

    def make(n, spec="plain", kind="classes", n_features=5, weighted=False, rows=ROWS, **settings):
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
                "spec": SPECS.get(spec, spec)([0.1, 0.5, 0.3][k % 3]),
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


def _assert_all_same(alone, together, jobs):
    for one, other, job in zip(alone, together, jobs, strict=True):
        assert_same(one, other)
        x = job.train.x
        assert one.net.predict_proba(x).tolist() == other.net.predict_proba(x).tolist()


def _train_alone(jobs):
    return [train([job])[0] for job in jobs]


def _train_stacked(jobs, sizes, **settings):
    """Train in stacks of these sizes and no others."""
    report = Report()
    trained = train(jobs, report=report, **settings)
    assert all(batch.alone is None for batch in report.batches)
    assert sorted(batch.n_nets for batch in report.batches) == sorted(sizes)
    return trained


@pytest.fixture
def assert_all_same():
    return _assert_all_same


@pytest.fixture
def train_alone():
    return _train_alone


@pytest.fixture
def train_stacked():
    return _train_stacked


@pytest.fixture
def residual():
    """Return a function of a rate, a norm and an activation: the spec of a net of blocks."""
    return _residual


@pytest.fixture
def with_loss():
    """Return a function that gives the task of a kind another loss."""
    return lambda kind, loss: replace(TASKS[kind][0], loss=loss)


@pytest.fixture
def assert_alone_is_together(monkeypatch):
    """Train seven jobs alone, together in another order, and in small stacks on two cores."""

    def check(jobs):
        alone = _train_alone(jobs)
        order = [3, 0, 6, 1, 5, 2, 4]
        turned = _train_stacked([jobs[k] for k in order], [7])
        _assert_all_same(alone, [turned[order.index(k)] for k in range(7)], jobs)
        with monkeypatch.context() as patch:
            patch.setattr(_plan, "stack_size", lambda *_: 2)
            _assert_all_same(alone, _train_stacked(jobs, [1, 2, 2, 2], n_jobs=2), jobs)
        return alone

    return check
