"""Gradual unfreezing over several trainings that go on from each other."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from sknn_tricks import NetClassifier
from sknn_tricks.nets import Layered

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(int)


def layered():
    torch.manual_seed(0)
    layers = {"first": nn.Linear(3, 4), "second": nn.Linear(4, 4), "head": nn.Linear(4, 2)}
    return Layered(layers, (1.0, 1.0, 1.0), (3, 1, 0))


def learnt(states):
    """Return the names of the layers that learnt something between each two states."""
    return [
        [name for name in ("first", "second", "head") if not torch.equal(a[name], b[name])]
        for a, b in pairwise(states)
    ]


def weights(module):
    return {name: layer.weight.detach().clone() for name, layer in module.named_children()}


@pytest.fixture
def net():
    settings = {"optimizer": "sgd", "lr": 0.1, "batch_size": 20, "random_state": 0}
    return NetClassifier(layered(), max_epochs=1, **settings)


EPOCHS = [["head"], ["second", "head"], ["second", "head"], ["first", "second", "head"]]


def test_partial_fit_counts_the_epochs_before(net):
    states = [weights(net.module)]
    for _ in range(4):
        states.append(weights(net.partial_fit(X, Y, classes=[0, 1]).net_.module_))
    assert learnt(states) == EPOCHS


def test_a_warm_start_freezes_nothing_again(net):
    net.set_params(warm_start=True, max_epochs=3)
    states = [weights(net.module)]
    for _ in range(2):
        states.append(weights(net.fit(X, Y).net_.module_))
    assert learnt(states) == [["second", "head"], ["first", "second", "head"]]


def test_one_training_thaws_as_several_do(net):
    states = [weights(net.module)]
    for n_epochs in (1, 2, 3, 4):
        states.append(weights(net.set_params(max_epochs=n_epochs).fit(X, Y).net_.module_))
    seen = [
        [name for name in states[0] if not torch.equal(states[0][name], state[name])]
        for state in states[1:]
    ]
    assert [sorted(each) for each in seen] == [sorted(each) for each in EPOCHS]


def test_a_fit_from_the_start_counts_from_the_start(net):
    before = weights(net.module)
    for _ in range(2):
        assert learnt([before, weights(net.fit(X, Y).net_.module_)]) == [["head"]]
