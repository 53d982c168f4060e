import copy

import pytest
import torch
from torch import nn

from sknn_tricks._padding import WIDTH, padded
from sknn_tricks.fused.stacks._layers import LAYERS, Flatten, Linear, sum_rows
from sknn_tricks.nets import ACTIVATIONS as NAMED

WIDTHS = [1, 5, 32, 33]
ACTIVATIONS = [cls for cls in LAYERS if cls.__module__ == "torch.nn.modules.activation"]
WITH_SETTINGS = [
    nn.CELU(0.5),
    nn.ELU(2.0),
    nn.GELU("tanh"),
    nn.Hardshrink(0.2),
    nn.Hardtanh(0.5, 2.0),
    nn.LeakyReLU(0.3),
    nn.PReLU(init=-0.5),
    nn.ReLU(inplace=True),
    nn.SELU(inplace=True),
    nn.Softplus(2.0, 1.0),
    nn.Softshrink(0.1),
]


def linears(n_members, width, width_out, bias=True):
    return [nn.Linear(width, width_out, bias).double() for _ in range(n_members)]


# --- against plain layers -------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("width_out", WIDTHS)
@pytest.mark.parametrize("width", WIDTHS)
def test_linear_layers_are_the_plain_ones(assert_alike, width, width_out, bias):
    assert_alike(linears(3, width, width_out, bias), width)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("activation", [nn.Identity, *ACTIVATIONS])
def test_activations_are_the_plain_ones(assert_alike, activation, width, training):
    assert_alike([activation().double() for _ in range(3)], width, training)


@pytest.mark.parametrize("activation", WITH_SETTINGS, ids=repr)
def test_activations_with_settings_are_the_plain_ones(assert_alike, activation):
    assert_alike([copy.deepcopy(activation).double() for _ in range(3)], 5)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_slope_of_each_feature_is_the_plain_one(assert_alike, width):
    torch.manual_seed(1)
    layers = [nn.PReLU(width).double() for _ in range(3)]
    for layer in layers:
        nn.init.normal_(layer.weight)
    assert_alike(layers, width)


def test_all_activations_that_have_names_are_known():
    assert set(NAMED.values()) <= set(LAYERS)


def test_one_member_alone_is_a_stack_as_well(assert_alike):
    assert_alike(linears(1, 5, 33), 5)


def test_flatten_has_nothing_to_do(padded_rows):
    x = padded_rows(2, 3, 5)
    layer = Flatten([nn.Flatten()] * 2, 5)
    assert layer.forward(x, True) is x
    assert layer.backward(x) is x


# --- parts of it ----------------------------------------------------------------------------


@pytest.fixture
def plain():
    torch.manual_seed(3)
    return linears(4, 5, 7)


@pytest.fixture
def x(padded_rows):
    torch.manual_seed(4)
    return padded_rows(4, 6, 5)


def test_some_members_are_computed_as_among_all(plain, x):
    layer = Linear(plain, 5)
    some = layer.of(slice(1, 3))
    assert torch.equal(some.forward(x[1:3], True), layer.forward(x, True)[1:3])


def test_some_members_write_their_gradients_among_all(plain, x):
    layer = Linear(plain, 5)
    some = layer.of(slice(1, 3))
    some.forward(x[1:3], True)
    some.backward(torch.ones(2, 6, WIDTH, dtype=torch.float64))
    touched = [grad.abs().sum() > 0 for grad in layer.grads["weight"]]
    assert touched == [False, True, True, False]


def test_those_who_stay_are_computed_as_before(plain, x):
    layer = Linear(plain, 5)
    before = layer.forward(x, True).clone()
    index = torch.tensor([3, 1])
    layer.keep(index)
    assert torch.equal(layer.forward(x[index], True), before[index])
    layer.backward(torch.ones(2, 6, WIDTH, dtype=torch.float64))
    assert layer.grads["weight"].shape == (2, WIDTH, WIDTH)


def test_a_plain_layer_can_show_the_members_tensors(plain, x):
    layer = Linear(plain, 5)
    shown = nn.Linear(5, 7).double()
    layer.point(shown, 2)
    assert torch.equal(shown.weight, plain[2].weight)
    for tensor in layer.tensors.values():
        tensor.mul_(2)
    torch.testing.assert_close(shown(x[2, :, :5]), 2 * plain[2](x[2, :, :5]))


def test_the_plain_layers_are_copied(plain):
    layer = Linear(plain, 5)
    before = plain[0].weight.clone()
    layer.tensors["weight"].zero_()
    assert torch.equal(plain[0].weight, before)


# --- padding --------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "wide"), [(1, 32), (31, 32), (32, 32), (33, 64), (100, 128)])
def test_features_are_padded_to_whole_vectors(width, wide):
    assert padded(width) == wide


def test_rows_are_summed_member_by_member():
    x = torch.randn(3, 5, WIDTH, dtype=torch.float64)
    torch.testing.assert_close(sum_rows(x), x.sum(dim=1, keepdim=True))
