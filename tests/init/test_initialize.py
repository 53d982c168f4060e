import math

import pytest
import torch
from torch import nn

from sknn_tricks.init import initialize
from sknn_tricks.init._initialize import layers_with_activation
from sknn_tricks.nets import ACTIVATIONS, MLP, Dropout

SQUARED_GAINS = {
    "elu": 2,
    "gelu": 2,
    "leaky_relu": 2 / (1 + 0.01**2),
    "mish": 2,
    "prelu": 2 / (1 + 0.25**2),
    "prelu_per_feature": 2 / (1 + 0.25**2),
    "relu": 2,
    "rrelu": 2 / (1 + (1 / 64 + 1 / 24 + 1 / 9) / 3),
    "selu": 1,
    "sigmoid": 1,
    "silu": 2,
    "softplus": 2,
    "swish": 2,
    "tanh": 25 / 9,
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def squared_gain(layer):
    """Return the gain of kaiming_normal that a layer was drawn with, squared."""
    return (layer.weight.var() * layer.weight[0].numel()).item()


def close_to(value, n_weights):
    return pytest.approx(value, rel=5 * math.sqrt(2 / n_weights))


def states_equal(first, second):
    a, b = first.state_dict(), second.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class Block(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.linear = nn.Linear(200, 200)
        self.norm = nn.LayerNorm(200)
        self.after = nn.Sequential(nn.Dropout(0.1), activation)


# --- the gain -------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", SQUARED_GAINS)
def test_kaiming_takes_the_gain_of_the_activation_behind_the_layer(activation):
    net = MLP(hidden=(200,), activation=activation).build((200,), 1)
    initialize(net, "kaiming_normal", generator())
    assert squared_gain(net.linear_0) == close_to(SQUARED_GAINS[activation], 200 * 200)


def test_every_activation_by_name_has_a_gain():
    assert SQUARED_GAINS.keys() == ACTIVATIONS.keys()


def test_without_an_activation_behind_it_the_gain_is_1():
    net = nn.Sequential(nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 200))
    initialize(net, "kaiming_normal", generator())
    assert squared_gain(net[0]) == close_to(2, 200 * 200)
    assert squared_gain(net[2]) == close_to(1, 200 * 200)


def test_an_activation_in_front_of_a_layer_is_not_behind_it():
    net = nn.Sequential(nn.ReLU(), nn.Linear(200, 200))
    initialize(net, "kaiming_normal", generator())
    assert squared_gain(net[1]) == close_to(1, 200 * 200)


def test_norm_and_dropout_between_layer_and_activation_do_not_hide_it():
    net = nn.Sequential(Block(nn.Tanh()), Block(nn.ReLU()))
    initialize(net, "kaiming_normal", generator())
    assert squared_gain(net[0].linear) == close_to(25 / 9, 200 * 200)
    assert squared_gain(net[1].linear) == close_to(2, 200 * 200)


def test_the_first_of_several_activations_counts():
    net = nn.Sequential(nn.Linear(200, 200), nn.Tanh(), nn.ReLU(), nn.Linear(200, 1))
    initialize(net, "kaiming_normal", generator())
    assert squared_gain(net[0]) == close_to(25 / 9, 200 * 200)


def test_one_activation_module_used_twice_counts_behind_both_layers():
    relu = nn.ReLU()
    net = nn.Sequential(nn.Linear(200, 200), relu, nn.Linear(200, 200), relu, nn.Linear(200, 1))
    initialize(net, "kaiming_normal", generator())
    assert squared_gain(net[0]) == close_to(2, 200 * 200)
    assert squared_gain(net[2]) == close_to(2, 200 * 200)


def test_the_gain_of_leaky_relu_is_that_of_its_slope():
    net = nn.Sequential(nn.Linear(200, 200), nn.LeakyReLU(0.5))
    initialize(net, "kaiming_normal", generator())
    assert squared_gain(net[0]) == close_to(2 / (1 + 0.5**2), 200 * 200)


@pytest.mark.parametrize("name", ["xavier_normal", "xavier_uniform", "lecun_normal", "normal"])
def test_xavier_lecun_and_normal_do_not_look_at_the_activation(name):
    nets = [nn.Sequential(nn.Linear(5, 4), activation) for activation in (nn.ReLU(), nn.Tanh())]
    for net in nets:
        initialize(net, name, generator())
    assert torch.equal(nets[0][0].weight, nets[1][0].weight)


def test_layers_come_with_the_activation_behind_them_in_order():
    net = MLP(hidden=(4, 3), activation="tanh", batch_norm=True, dropout=0.1).build((2,), 2)
    assert list(layers_with_activation(net)) == [
        (net.linear_0, net.activation_0),
        (net.linear_1, net.activation_1),
        (net.output, None),
    ]


def test_a_module_without_layers_has_none():
    assert list(layers_with_activation(nn.Sequential(nn.ReLU(), nn.BatchNorm1d(3)))) == []


def test_a_bare_layer_is_a_module_too():
    layer = nn.Linear(3, 2)
    assert list(layers_with_activation(layer)) == [(layer, None)]


# --- auto -----------------------------------------------------------------------------------


def test_auto_is_lecun_normal_in_front_of_a_selu():
    net = nn.Sequential(nn.Linear(300, 100), nn.SELU())
    initialize(net, "auto", generator())
    weight = net[0].weight
    assert (weight.var() * 300).item() == close_to(1, 300 * 100)
    assert weight.abs().max() > 3.5 * weight.std()


@pytest.mark.parametrize("activation", [name for name in SQUARED_GAINS if name != "selu"])
def test_auto_is_uniform_by_the_mean_of_both_fans_with_the_gain(activation):
    net = MLP(hidden=(100,), activation=activation).build((300,), 1)
    initialize(net, "auto", generator())
    weight = net.linear_0.weight
    variance = SQUARED_GAINS[activation] * 2 / (300 + 100)
    assert weight.var().item() == close_to(variance, 300 * 100)
    assert weight.abs().max() < 1.75 * weight.std()


def test_auto_chooses_for_each_layer():
    net = nn.Sequential(nn.Linear(300, 100), nn.SELU(), nn.Linear(100, 300))
    initialize(net, "auto", generator())
    assert (net[0].weight.var() * 300).item() == close_to(1, 300 * 100)
    assert (net[2].weight.var() * 200).item() == close_to(1, 300 * 100)


# --- what is changed and what is not --------------------------------------------------------


@pytest.mark.parametrize("init", ["auto", "zeros", "orthogonal", "kaiming_normal"])
@pytest.mark.parametrize(
    "layer",
    [nn.Linear(4, 3), nn.Conv1d(4, 3, 2), nn.Conv2d(4, 3, 2), nn.ConvTranspose2d(4, 3, 2)],
    ids=lambda layer: type(layer).__name__,
)
def test_biases_become_0(layer, init):
    nn.init.constant_(layer.bias, 7)
    initialize(layer, init, generator())
    assert torch.equal(layer.bias, torch.zeros(3))


def test_layers_without_a_bias_are_drawn_too():
    layer = nn.Linear(3, 2, bias=False)
    initialize(layer, "constant", generator())
    assert torch.equal(layer.weight, torch.full((2, 3), 0.1))


def test_everything_but_linear_and_convolutional_layers_stays():
    net = nn.Sequential(
        *(nn.BatchNorm1d(3), nn.LayerNorm(3), nn.GroupNorm(1, 3)),
        *(nn.Embedding(4, 3), nn.PReLU(), nn.Bilinear(3, 3, 2)),
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.uniform_(1, 2, generator=generator())
    before = {name: value.clone() for name, value in net.state_dict().items()}
    initialize(net, "zeros", generator())
    assert all(torch.equal(net.state_dict()[name], value) for name, value in before.items())


def test_weights_stay_leaves_that_require_gradients():
    layer = nn.ConvTranspose1d(3, 2, 2)
    weight = layer.weight
    initialize(layer, "auto", generator())
    assert layer.weight is weight
    assert weight.is_leaf
    assert weight.requires_grad
    assert weight.grad_fn is None


@pytest.mark.parametrize("bias", [0.01, -1.0])
def test_biases_can_become_something_else(bias):
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Conv1d(4, 3, 2))
    initialize(net, "auto", generator(), bias=bias)
    for layer in (net[0], net[2]):
        assert torch.equal(layer.bias, torch.full((3,), bias))


def test_an_unknown_name_changes_nothing():
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    with pytest.raises(ValueError, match="Did you mean 'xavier_normal'"):
        initialize(layer, "xavier_nrmal", generator())
    assert torch.equal(layer.weight, before)


# --- random numbers -------------------------------------------------------------------------

RANDOM = [
    *("auto", "kaiming_normal", "kaiming_uniform", "lecun_normal", "lecun_uniform"),
    *("normal", "orthogonal", "xavier_normal", "xavier_uniform"),
]


def build():
    spec = MLP(hidden=(6, 5), batch_norm=True, dropout=0.1)
    return nn.Sequential(spec.build((4,), 3), nn.Linear(3, 3), nn.SELU(), Dropout(0.1))


@pytest.mark.parametrize("init", RANDOM)
def test_the_same_seed_gives_the_same_weights_and_another_others(init):
    first, same, other = build(), build(), build()
    initialize(first, init, generator(1))
    initialize(same, init, generator(1))
    initialize(other, init, generator(2))
    assert states_equal(first, same)
    assert not torch.equal(first[0].linear_0.weight, other[0].linear_0.weight)


@pytest.mark.parametrize("init", RANDOM)
def test_the_global_random_state_is_left_alone(init):
    net = build()
    before = torch.get_rng_state()
    initialize(net, init, generator())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("init", RANDOM)
def test_layers_of_a_net_are_drawn_differently(init):
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    initialize(net, init, generator())
    assert not torch.equal(net[0].weight, net[1].weight)


# --- a scheme of the user's own -------------------------------------------------------------


def test_a_callable_is_given_each_weight_its_gain_and_the_generator():
    calls = []

    def scheme(weight, gain, source):
        calls.append((tuple(weight.shape), gain, source))
        weight.copy_(torch.arange(weight.numel()).view_as(weight))

    net = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 4))
    source = generator()
    initialize(net, scheme, source)
    assert calls == [((2, 3), 5 / 3, source), ((4, 2), 1.0, source)]
    assert net[0].weight.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert net[2].weight.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_a_callable_sees_the_outputs_axis_first_also_in_a_transposed_convolution():
    def scheme(weight, gain, source):
        weight.copy_(torch.arange(6.0).view(2, 3, 1))

    layer = nn.ConvTranspose1d(3, 2, 1)
    initialize(layer, scheme, generator())
    assert layer.weight[:, :, 0].tolist() == [[0, 3], [1, 4], [2, 5]]
