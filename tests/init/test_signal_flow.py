"""What the schemes are for: a signal that neither dies nor explodes on its way through a net."""

from itertools import pairwise

import pytest
import torch

from sknn_tricks.init import initialize, normal
from sknn_tricks.nets import ACTIVATIONS, MLP
from sknn_tricks.optim import make_optimizer

WIDTH, DEPTH = 256, 6


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def signal(activation, init, depth=DEPTH):
    """Return the root mean square of the activations of each layer, behind inputs of 1."""
    net = MLP(hidden=(WIDTH,) * depth, activation=activation).build((WIDTH,), 1)
    initialize(net, init, generator(0))
    x, sizes = torch.randn(400, WIDTH, generator=generator(1)), []
    for name, layer in net.named_children():
        x = layer(x)
        if name.startswith("activation"):
            sizes.append(x.square().mean().sqrt().item())
    return sizes


def test_tanh_behind_small_normal_weights_vanishes():
    sizes = signal("tanh", normal(0.01))
    assert all(after < 0.2 * before for before, after in pairwise(sizes))
    assert sizes[-1] < 1e-4


@pytest.mark.parametrize("init", ["xavier_normal", "xavier_uniform"])
def test_tanh_behind_xavier_stays_alive(init):
    sizes = signal("tanh", init)
    assert min(sizes) > 0.25
    assert max(sizes) < 0.7  # nor does it saturate


@pytest.mark.parametrize("init", ["kaiming_normal", "kaiming_uniform", "auto", "orthogonal"])
def test_relu_behind_the_schemes_with_its_gain_stays_steady(init):
    sizes = signal("relu", init)
    assert min(sizes) > 0.7
    assert max(sizes) < 1.4


def test_relu_behind_xavier_loses_a_half_of_the_variance_in_each_layer():
    sizes = signal("relu", "xavier_normal")
    for before, after in pairwise(sizes):
        assert after / before == pytest.approx(0.5**0.5, rel=0.12)


def test_selu_behind_auto_normalises_itself_in_a_deep_net():
    sizes = signal("selu", "auto", depth=20)
    assert min(sizes) > 0.9
    assert max(sizes) < 1.1


# --- symmetry -------------------------------------------------------------------------------


def trained(init, activation):
    """Return a net of two hidden layers after 50 steps on a task that it can learn something of."""
    net = MLP(hidden=(5, 4), activation=activation).build((3,), 1).double()
    initialize(net, init, generator(0))
    x = torch.randn(40, 3, generator=generator(1), dtype=torch.float64)
    target = x[:, :1] - 2 * x[:, 1:2] + 1
    optimizer = make_optimizer("adam", net, lr=0.05)
    for _ in range(50):
        optimizer.zero_grad()
        (net(x) - target).square().mean().backward()
        optimizer.step()
    return net


def hidden_units_are_equal(layer):
    # but for rounding, which depends on a unit's place
    return (layer.weight - layer.weight[:1]).abs().max() < 1e-9


@pytest.mark.parametrize("init", ["zeros", "constant"])
def test_units_that_start_alike_stay_alike(init):
    net = trained(init, "sigmoid")
    assert net.linear_0.weight.abs().max() > 0.01  # it did learn
    assert hidden_units_are_equal(net.linear_0)
    assert hidden_units_are_equal(net.linear_1)


def test_a_net_of_zeros_with_tanh_learns_nothing_but_the_mean():
    net = trained("zeros", "tanh")
    assert net.output.bias.abs() > 0.1
    assert all(not parameter.any() for parameter in net.parameters() if parameter.ndim == 2)


def test_units_that_start_apart_stay_apart():
    net = trained("xavier_uniform", "sigmoid")
    assert not hidden_units_are_equal(net.linear_0)
    assert not hidden_units_are_equal(net.linear_1)


# --- all activations ------------------------------------------------------------------------


@torch.no_grad()
def pre_activations(activation, init, scale):
    """Return the standard deviation in front of each activation, for inputs of that scale."""
    net = MLP(hidden=(64,) * DEPTH, activation=activation).build((64,), 1).eval()
    x, sizes = scale * torch.randn(400, 64, generator=generator(1)), []
    initialize(net, init, generator(0), batch=x)
    for name, layer in net.named_children():
        x = layer(x)
        if name.startswith("linear"):
            sizes.append(x.std().item())
    return sizes


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_lsuv_keeps_any_signal_steady(activation):
    assert pre_activations(activation, "lsuv", scale=30.0) == pytest.approx([1] * DEPTH, abs=0.01)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_auto_neither_dies_nor_explodes_with_any_activation(activation):
    sizes = pre_activations(activation, "auto", scale=1.0)
    assert min(sizes) > 0.2
    assert max(sizes) < 6


def test_identity_passes_the_signal_that_is_above_0():
    net = MLP(hidden=(WIDTH,) * DEPTH).build((WIDTH,), WIDTH)
    initialize(net, "identity", generator(0))
    x = torch.randn(50, WIDTH, generator=generator(1))
    assert torch.equal(net(x), x.relu())
