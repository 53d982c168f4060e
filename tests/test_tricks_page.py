"""The page of tricks has all there are, and nothing else."""

import importlib
import re
from pathlib import Path

import pytest

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.averaging import AVERAGES
from sknn_tricks.estimators._class_weights import BY_NAME
from sknn_tricks.init import SCHEMES
from sknn_tricks.losses import LOSSES, REGRESSION_LOSSES
from sknn_tricks.nets import ACTIVATIONS, MLP, NORMS, ConvNet, ResMLP, ResNet
from sknn_tricks.nets._pools import HEADS, POOLS
from sknn_tricks.optim import OPTIMIZERS
from sknn_tricks.schedules import SCHEDULES

SPECS = (MLP, ResMLP, ConvNet, ResNet)
ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tricks.md").read_text()
TABLES = {
    "init": {"auto", *SCHEMES},
    "activation": ACTIVATIONS,
    "norm": NORMS,
    "optimizer": OPTIMIZERS,
    "lr_schedule": SCHEDULES,
    "loss": {*LOSSES, *REGRESSION_LOSSES},
    "class_weight": BY_NAME,
    "averaging": AVERAGES,
    "pool": POOLS,
    "head": HEADS,
    "tta": {"flip", "five_crop", "ten_crop"},
}
OURS = {name for table in TABLES.values() for name in table}


def parameters(*holders):
    return {name for holder in holders for name in holder().get_params(deep=False)}


def rows():
    """Return the cells of the tables of tricks; there are others, of figures."""
    tables = re.findall(r"\| trick \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE)
    lines = [line for table in tables for line in table.splitlines()]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def in_code(text):
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize("table", TABLES)
def test_every_name_is_there(table):
    # Names that tests registered are not the library's.
    missing = [name for name in TABLES[table] if f'`"{name}"`' not in PAGE and name != "tiny"]
    assert not missing


@pytest.mark.parametrize("holder", [NetClassifier, NetRegressor, *SPECS])
def test_every_parameter_is_there(holder):
    known = {name.removeprefix("module__") for name in in_code(PAGE)}
    assert parameters(holder) <= known


def test_what_is_named_exists():
    estimators, nets = parameters(NetClassifier, NetRegressor), parameters(*SPECS)
    others = {*(spec.__name__ for spec in SPECS), "TorchModule", *nets}
    for _, parameter, *_ in rows():
        for name in in_code(parameter):
            if name.startswith('"'):
                assert name.strip('"') in OURS, name
            elif name.startswith("module__"):
                assert name.removeprefix("module__") in nets, name
            elif "." not in name:
                assert name in estimators | others, name


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+\.[\w.]+)`", PAGE))))
def test_what_is_referred_to_can_be_had(name):
    if not name.startswith("sknn_tricks"):
        name = f"sknn_tricks.{name}"
    module, _, last = name.rpartition(".")
    try:
        owner = importlib.import_module(module)
    except ModuleNotFoundError:  # a method
        module, _, kind = module.rpartition(".")
        owner = getattr(importlib.import_module(module), kind)
    assert hasattr(owner, last) or importlib.import_module(name)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(\w+/\w+\.py)`", PAGE))))
def test_scripts_exist(path):
    assert (ROOT / path).exists()


def test_each_trick_says_whether_it_fuses_and_when_to_use_it():
    tricks = rows()
    assert len(tricks) > 50
    for trick, _, _, fuses, advice in tricks:
        assert fuses, trick
        assert len(advice) > 5, trick
