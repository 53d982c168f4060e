import math

import pytest
import torch

from sknn_tricks.fused import Job, Rows, Task
from sknn_tricks.fused._net import softmax
from sknn_tricks.losses import cross_entropy
from sknn_tricks.nets import MLP


def _accuracy(outputs, target, weight):
    return (outputs.argmax(dim=1) == target).double().mean().item()


CLASSIFICATION = Task(cross_entropy, _accuracy, softmax, math.log(2), n_classes=2)


def _make_rows(n_rows=40, dtype=torch.float32, seed=0):
    """Two classes in three dimensions that a net can tell apart."""
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(n_rows, 3, generator=source)
    return Rows(x.to(dtype), (x[:, 0] - x[:, 1] > 0).long())


class AfterEpoch:
    """Calls a function after each epoch, and counts those that began."""

    def __init__(self, function):
        self.function = function
        self.n_begun = 0

    def begin(self):
        self.n_begun += 1

    def end(self, net):
        return self.function(net)


def _make_job(after_epoch=None, **settings):
    dtype = settings.get("dtype", torch.float32)
    usual = {
        "spec": MLP(hidden=(8,)),
        "input_shape": (3,),
        "n_outputs": 2,
        "train": _make_rows(dtype=dtype),
        "valid": None,
        "task": CLASSIFICATION,
        "init": "auto",
        "optimizer": "adam",
        "lr": 0.01,
        "weight_decay": 0.0,
        "l1": 0.0,
        "batch_size": 16,
        "max_epochs": 3,
        "stopping": None,
        "seed": 0,
        "device": torch.device("cpu"),
        "dtype": dtype,
    }
    if after_epoch is not None:
        usual["epochs"] = AfterEpoch(after_epoch)
    return Job(**{**usual, **settings})


def _state(net):
    return {name: value.clone() for name, value in net.module_.state_dict().items()}


def _same(first, second):
    """Say whether two nets, or two states, are bitwise the same."""
    a, b = (item if isinstance(item, dict) else _state(item) for item in (first, second))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="session")
def make_rows():
    return _make_rows


@pytest.fixture(scope="session")
def make_job():
    return _make_job


@pytest.fixture(scope="session")
def state():
    return _state


@pytest.fixture(scope="session")
def same():
    return _same
