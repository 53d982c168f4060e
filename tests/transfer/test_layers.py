"""Modules taken apart."""

import math
import re

import numpy as np
import pytest
import torch
from torch import nn

from sknn_tricks.nets import Layered
from sknn_tricks.transfer import FeatureExtractor
from sknn_tricks.transfer._layers import take_apart


class InARow(nn.Module):
    """As torchvision and timm write residual nets: parts in a row, flattened before the last."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.stage = nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU(inplace=True))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(self.pool(self.stage(self.conv(x))).flatten(1))


class Crossed(InARow):
    """Another way through the parts than in a row."""

    def forward(self, x):
        x = self.conv(x).relu()
        return self.fc(self.pool(self.stage(x)).flatten(1) * 2)


class NoHead(InARow):
    """Its output is made by no linear layer."""

    def forward(self, x):
        return super().forward(x).square()


X = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_parts_in_a_row_are_found():
    layers = take_apart(InARow().eval(), X)

    assert layers.names == ["conv", "stage.0", "stage.1", "pool", "flatten", "fc"]
    assert layers.n_body == 5
    assert layers.earlier_cuts() == [1]
    assert layers.depths(5) == [2, 1, 1, 1, 1]
    assert layers.place("stage") == 3
    assert layers.place(-2) == 4
    assert layers.place("conv") == 1


def test_another_forward_gives_up_its_head_only():
    module = Crossed().eval()
    layers = take_apart(module, X)

    assert layers.names == ["body", "head"]
    assert layers.n_body == 1
    with torch.no_grad():
        torch.testing.assert_close(module.fc(layers.by_name["body"](X)), module(X))
    assert isinstance(module.fc, nn.Linear)


class HeadFirst(nn.Module):
    """Its head is registered before the layers in front of it."""

    def __init__(self, n_outputs=3):
        super().__init__()
        self.head = nn.Linear(8, n_outputs)
        self.hidden = nn.Linear(5, 8)

    def forward(self, x):
        return self.head(self.hidden(x).relu())


@pytest.mark.parametrize("n_outputs", [3, 8])
def test_a_head_is_found_by_what_it_makes(n_outputs):
    x, module = torch.randn(4, 5), HeadFirst(n_outputs).eval()
    layers = take_apart(module, x)

    assert layers.names == ["body", "head"]
    assert layers.by_name["head"] is module.head
    with torch.no_grad():
        assert torch.equal(layers.by_name["body"](x), module.hidden(x).relu())


def test_a_module_that_looks_into_its_linear_layers_is_left_alone():
    module = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)
    layers = take_apart(module.eval(), torch.randn(4, 6, 8))

    assert layers.n_body == len(layers.names)


class Wrapped(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.norm = nn.BatchNorm1d(5)
        self.model = model

    def forward(self, x):
        return self.model(self.norm(x))


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (nn.Sequential(HeadFirst()), ["0.body", "0.head"]),
        (nn.Sequential(nn.Identity(), HeadFirst()), ["0", "1.body", "1.head"]),
        (Wrapped(HeadFirst()), ["norm", "model.body", "model.head"]),
        (Wrapped(Wrapped(HeadFirst())), ["norm", "model.norm", "model.model.body"]),
    ],
)
def test_a_net_behind_what_prepares_its_rows_is_taken_apart(module, names):
    x = torch.randn(4, 5)
    layers = take_apart(module.eval(), x)

    assert layers.names[: len(names)] == names
    assert layers.n_body == len(layers.names) - 1
    with torch.no_grad():
        assert torch.equal(nn.Sequential(*layers.by_name.values())(x), module(x))


def test_a_net_without_a_hidden_layer_has_nothing_to_transfer():
    text = (
        "The backbone has no layer in front of its head. Expected a net with a hidden layer, whose "
        "output is made by a linear layer at its end; got the layers 0. A net without hidden "
        "layers knows nothing that another one could use: train anew."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        FeatureExtractor(nn.Sequential(nn.Linear(3, 2))).fit(np.zeros((2, 3)))


def test_a_net_without_a_head_is_all_features():
    layers = take_apart(NoHead().eval(), X)

    assert layers.n_body == len(layers.names) == 1


@pytest.mark.parametrize(
    ("last", "n_body"),
    [([], 2), ([nn.LogSoftmax(1)], 2), ([nn.ReLU()], 4), ([nn.Linear(2, 2), nn.Softmax(1)], 3)],
)
def test_the_head_is_the_linear_layer_at_the_end(last, n_body):
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), *last)

    assert take_apart(module.eval(), torch.zeros(2, 3)).n_body == n_body


def test_layers_before_the_first_weights_are_as_deep_as_these():
    module = nn.Sequential(nn.Flatten(), nn.Linear(9, 4), nn.ReLU(), nn.Linear(4, 2))

    assert take_apart(module.eval(), torch.zeros(2, 3, 3)).depths(3) == [1, 1, 1]


def test_maps_are_averaged_down_to_what_is_usual():
    maps = FeatureExtractor(nn.Conv2d(1, 32, 1)).fit(np.zeros((2, 1, 16, 16), np.float32))

    assert maps.feature_shape_ == (32, 16, 16)
    assert maps.transform(np.zeros((5, 1, 16, 16))).shape == (5, 32 * 8 * 8)


class Complains(nn.Module):
    def forward(self, x):
        raise KeyError("no")


class ReturnsList(nn.Module):
    def forward(self, x):
        return [x]


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (
            Complains(),
            "The backbone cannot take the rows. Expected a forward that takes one tensor such as "
            "(2, 3); got KeyError from Complains: 'no'. Give rows of the shape that it was trained "
            "on.",
        ),
        (
            ReturnsList(),
            "The backbone returns no tensor with a row for each row. Expected a tensor of shape "
            "(N, ...); got list from ReturnsList. Wrap it in a torch.nn.Module whose forward "
            "returns its features.",
        ),
    ],
)
def test_modules_that_give_no_features_are_refused(module, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        FeatureExtractor(module).fit(np.zeros((5, 3)))


def test_frozen_layers_are_in_evaluation_mode_and_get_no_gradient():
    layers = {
        "first": nn.Dropout(0.5),
        "norm": nn.BatchNorm1d(3),
        "scale": nn.BatchNorm1d(3),
        "head": nn.Linear(3, 2),
    }
    net = Layered(layers, (1.0, 0.5, 1.0, 1.0), (2, 1, math.inf, 0))

    def learning(epoch):
        net.begin_epoch(epoch).train()
        assert {layer.training for layer in (net, net.head)} == {True}
        return [n for n, p in net.named_children() if p.training and n != "head"]

    assert [learning(epoch) for epoch in range(4)] == [[], ["norm"], *[["first", "norm"]] * 2]
    assert net.changes
    assert not any(p.requires_grad for p in net.scale.parameters())
    net.begin_epoch(0)
    assert not net.norm.weight.requires_grad
    net.thaw()
    assert net.norm.weight.requires_grad
    assert not net.scale.weight.requires_grad
    assert not net.eval().head.training


class Twice(nn.Sequential):
    """One layer that is used twice."""

    def __init__(self):
        layer = nn.Linear(3, 3)
        super().__init__(layer, nn.ReLU(), layer, nn.Linear(3, 2))


def test_a_layer_that_is_used_twice_is_there_twice():
    module = Twice().eval()
    layers = take_apart(module, torch.zeros(2, 3))

    assert layers.names == ["0", "1", "2", "3"]
    assert layers.by_name["0"] is layers.by_name["2"]
