"""The address of a net: other settings, another address; the same ones, the same."""

import functools
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from sknn_tricks import init
from sknn_tricks.fused import Rows, Stopping
from sknn_tricks.fused._sources import Source
from sknn_tricks.fused.cache._digest import NoAddress, describe, digest
from sknn_tricks.nets import MLP, TorchModule
from sknn_tricks.nets._torch_module import ModuleInstance
from sknn_tricks.on_disk._readers import reader


class Leaky(nn.Module):
    def __init__(self, n_features=3, n_classes=2, slope=0.1):
        super().__init__()
        self.slope = slope
        self.linear = nn.Linear(n_features, n_classes)

    def forward(self, x):
        return nn.functional.leaky_relu(self.linear(x), self.slope)


def own_scheme(weight, gain, generator):
    return weight.fill_(gain)


@pytest.fixture
def address(make_job):
    return lambda **settings: digest(make_job(**settings), {})


def seeded(make):
    torch.manual_seed(0)
    return make()


OTHERS = {
    "seed": 1,
    "lr": 0.02,
    "weight_decay": 0.1,
    "l1": 0.1,
    "momentum": 0.5,
    "betas": (0.8, 0.999),
    "label_smoothing": 0.1,
    "clip_norm": 1.0,
    "batch_size": 8,
    "max_epochs": 4,
    "optimizer": "adamw",
    "init": "zeros",
    "dtype": torch.float64,
    "stopping": Stopping(3, 0.0),
    "spec": MLP(hidden=(9,)),
    "n_outputs": 3,
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_setting_is_another_address(address, name):
    assert address(**{name: OTHERS[name]}) != address()


def test_equal_settings_and_data_have_one_address(address, make_rows):
    one, other = (address(train=make_rows(), spec=MLP(hidden=(8,))) for _ in range(2))
    assert one == other
    assert len(one) == 64


@pytest.mark.parametrize("part", ["x", "target", "weight"])
def test_other_data_another_address(address, make_rows, part):
    rows = make_rows()
    rows.weight = torch.ones(len(rows))
    changed = Rows(rows.x.clone(), rows.target.clone(), rows.weight.clone())
    getattr(changed, part)[3] += 1
    assert address(train=changed) != address(train=rows)
    assert address(valid=changed) != address(valid=rows) != address()


def test_who_listens_does_not_matter(address, make_job):
    told = make_job(after_epoch=lambda net: False, verbose=1)
    assert digest(told, {}) == address()


SPECS = {
    "class": (lambda: TorchModule(Leaky), lambda: TorchModule(Leaky, slope=0.2)),
    "instance": (
        lambda: ModuleInstance(seeded(Leaky)),
        lambda: ModuleInstance(seeded(lambda: Leaky(slope=0.2))),
    ),
    "weights": (
        lambda: ModuleInstance(seeded(Leaky)),
        lambda: ModuleInstance(Leaky()),
    ),
    "parts": (
        lambda: ModuleInstance(nn.Sequential(nn.Flatten(), nn.ReLU())),
        lambda: ModuleInstance(nn.Sequential(nn.Flatten(), nn.ELU())),
    ),
    "spec": (lambda: MLP(activation=nn.ELU), lambda: MLP(activation=nn.CELU)),
    "parameters": (lambda: MLP(dropout=(0.1, 0.2)), lambda: MLP(dropout=[0.1, 0.3])),
}


@pytest.mark.parametrize("kind", SPECS)
def test_specs(address, kind):
    make, make_other = SPECS[kind]
    assert address(spec=make()) == address(spec=make())
    assert address(spec=make()) != address(spec=make_other())


@pytest.mark.parametrize(
    ("scheme", "other"),
    [
        (init.normal(0.1), init.normal(0.2)),
        (own_scheme, init.normal(0.1)),
        (functools.partial(own_scheme, gain=1), functools.partial(own_scheme, gain=2)),
    ],
)
def test_schemes(address, scheme, other):
    assert address(init=scheme) == address(init=scheme) != address(init=other)


def test_what_a_function_has_closed_over_is_part_of_it():
    def make(gain):
        def scheme(weight, _, generator):
            return weight.fill_(gain)

        return scheme

    assert describe(make(1)) == describe(make(1)) != describe(make(2))


@pytest.mark.parametrize(
    "value",
    [object(), eval("lambda w, g, r: w"), np.array([object()])],
    ids=["object", "no source", "objects"],
)
def test_what_cannot_be_told_has_no_address(value):
    with pytest.raises(NoAddress):
        describe(value)


def test_nets_that_depend_on_more_have_no_address(make_job):
    for settings in ({"callbacks": [object()]}, {"start": object()}):
        with pytest.raises(NoAddress):
            digest(make_job(**settings), {})


def test_the_same_in_another_process(make_job):
    code = (
        "import torch; from sknn_tricks.fused.cache._digest import describe;"
        "from sknn_tricks.nets import MLP;"
        "print(describe([MLP((3,)), torch.arange(4), {'b': 1.5, 'a': torch.float32}]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = describe([MLP((3,)), torch.arange(4), {"a": torch.float32, "b": 1.5}])
    assert out.stdout.strip() == str(here)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        ("1", 1),
        ((1,), [1]),
        (0.0, -0.0),
        (True, "True"),
        (None, "None"),
        ([[1], 2], [[1, 2]]),
    ],
)
def test_values_of_different_kinds_are_different(one, other):
    assert describe(one) != describe(other)


def test_rows_in_a_file_are_told_by_the_file(address, tmp_path):
    def rows_of(name, seed):
        path = tmp_path / name
        numbers = np.random.default_rng(seed).normal(size=(40, 3)).astype(np.float32)
        np.save(path, numbers)
        source = Source(reader(np.load(path, mmap_mode="r")), torch.float32)
        return Rows(source, torch.zeros(40, dtype=torch.int64))

    one, other = rows_of("one.npy", 0), rows_of("other.npy", 1)
    assert address(train=one) == address(train=one) != address(train=other)


def test_rows_of_an_object_have_no_address(make_job):
    class Sliced:
        shape, dtype = (40, 3), np.dtype("float32")

        def __len__(self):
            return 40

        def __getitem__(self, key):
            return np.zeros((40, 3), dtype="float32")[key]

    rows = Rows(Source(reader(Sliced()), torch.float32), torch.zeros(40, dtype=torch.int64))
    with pytest.raises(NoAddress):
        digest(make_job(train=rows), {})
