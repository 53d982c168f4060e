import re
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sknn_tricks.nets import MLP
from sknn_tricks.optim import OPTIMIZERS, decayed, make_optimizer, set_rates

LR, DECAY = 0.1, 0.3
WEIGHT = np.array([[1.0, -2.0, 3.0], [-0.5, 0.25, 4.0]])
GRADIENT = np.array([[0.3, 0.2, -0.1], [-2.0, 1.0, 0.5]])
BIAS = np.array([1.0, -1.0])

SETTINGS = {
    "adagrad": (torch.optim.Adagrad, {}),
    "adam": (torch.optim.Adam, {"betas": (0.9, 0.999), "amsgrad": False}),
    "adamw": (torch.optim.AdamW, {"betas": (0.9, 0.999), "amsgrad": False}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9, "nesterov": False, "dampening": 0}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "dampening": 0}),
    "rmsprop": (torch.optim.RMSprop, {"momentum": 0, "centered": False}),
    "sgd": (torch.optim.SGD, {"momentum": 0, "nesterov": False}),
}


class Plain(torch.optim.Optimizer):
    """Knows no weight decay."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        """Do nothing."""


def exactly(text):
    return f"^{re.escape(text)}$"


def layer():
    """Return a linear layer in float64 with fixed weights."""
    linear = nn.Linear(3, 2).double()
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(WEIGHT))
        linear.bias.copy_(torch.from_numpy(BIAS))
    return linear


def stepped(optimizer, weight_decay=0.0, n_steps=1):
    """Return weights and bias after steps along GRADIENT, the bias along 0."""
    linear = layer()
    made = make_optimizer(optimizer, linear, lr=LR, weight_decay=weight_decay)
    for _ in range(n_steps):
        linear.weight.grad = torch.from_numpy(GRADIENT.copy())
        linear.bias.grad = torch.zeros(2, dtype=torch.float64)
        made.step()
    return linear.weight.detach().numpy(), linear.bias.detach().numpy()


def decay_of(net, optimizer="adamw", weight_decay=DECAY):
    """Return the weight decay of each parameter by its name."""
    groups = make_optimizer(optimizer, net, lr=LR, weight_decay=weight_decay).param_groups
    by_id = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    return {name: by_id.get(id(p)) for name, p in net.named_parameters()}


# --- names ----------------------------------------------------------------------------------


def test_the_names_of_the_optimizers():
    assert OPTIMIZERS.keys() == SETTINGS.keys()


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("weight_decay", [0.0, DECAY])
def test_a_name_is_a_class_with_settings(name, weight_decay):
    cls, expected = SETTINGS[name]
    made = make_optimizer(name, layer(), lr=LR, weight_decay=weight_decay)
    assert type(made) is cls
    for group in made.param_groups:
        assert group["lr"] == LR
        assert {key: group[key] for key in expected} == expected


def test_an_unknown_name_is_refused():
    text = (
        "optimizer='adammw' is not known. Expected one of 'adagrad', 'adam', 'adamw', "
        "'momentum', 'nesterov', 'rmsprop', 'sgd'; got 'adammw'. Did you mean 'adamw'?"
    )
    with pytest.raises(ValueError, match=exactly(text)):
        make_optimizer("adammw", layer(), lr=LR)


@pytest.mark.parametrize(
    "optimizer", [torch.optim.NAdam, partial(torch.optim.NAdam, betas=(0.5, 0.6))]
)
def test_a_class_and_a_partial_of_it_are_taken(optimizer):
    made = make_optimizer(optimizer, layer(), lr=LR, weight_decay=DECAY)
    assert type(made) is torch.optim.NAdam
    assert [group["lr"] for group in made.param_groups] == [LR, LR]
    assert [group["weight_decay"] for group in made.param_groups] == [DECAY, 0]
    betas = (0.9, 0.999) if optimizer is torch.optim.NAdam else (0.5, 0.6)
    assert made.param_groups[0]["betas"] == betas


# --- steps ----------------------------------------------------------------------------------


def expected_first_step(name, gradient):
    """Return the first step that each optimiser takes along a gradient, divided by -lr."""
    if name in ("adam", "adamw", "adagrad"):
        return gradient / (np.abs(gradient) + (1e-10 if name == "adagrad" else 1e-8))
    if name == "rmsprop":
        return gradient / (np.abs(gradient) * np.sqrt(0.01) + 1e-8)
    return gradient * (1.9 if name == "nesterov" else 1)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_first_step_is_the_formulas(name):
    weight, bias = stepped(name)
    expected = WEIGHT - LR * expected_first_step(name, GRADIENT)
    np.testing.assert_allclose(weight, expected, atol=1e-12)
    np.testing.assert_array_equal(bias, BIAS)


@pytest.mark.parametrize("name", ["adam", "adagrad", "momentum", "nesterov", "rmsprop", "sgd"])
def test_weight_decay_is_added_to_the_gradient(name):
    weight, bias = stepped(name, DECAY)
    expected = WEIGHT - LR * expected_first_step(name, GRADIENT + DECAY * WEIGHT)
    np.testing.assert_allclose(weight, expected, atol=1e-12)
    np.testing.assert_array_equal(bias, BIAS)


def test_weight_decay_of_adamw_is_decoupled_from_the_gradient():
    weight, bias = stepped("adamw", DECAY)
    expected = WEIGHT * (1 - LR * DECAY) - LR * expected_first_step("adamw", GRADIENT)
    np.testing.assert_allclose(weight, expected, atol=1e-12)
    np.testing.assert_array_equal(bias, BIAS)


@pytest.mark.parametrize(("name", "factor"), [("momentum", 1 + 1.9), ("nesterov", 1.9 + 2.71)])
def test_momentum_gathers_over_two_steps(name, factor):
    weight, _ = stepped(name, n_steps=2)
    np.testing.assert_allclose(weight, WEIGHT - LR * factor * GRADIENT, atol=1e-12)


# --- who decays -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETTINGS)
def test_weights_decay_and_biases_do_not(name):
    assert decay_of(layer(), name) == {"weight": DECAY, "bias": 0.0}


@pytest.mark.parametrize("optimizer", [*SETTINGS, torch.optim.AdamW])
def test_without_weight_decay_nothing_decays(optimizer):
    assert decay_of(layer(), optimizer, 0.0) == {"weight": 0, "bias": 0}


def test_parameters_of_batch_norm_do_not_decay():
    net = MLP(hidden=(4,), batch_norm=True).build((3,), 2)
    assert decay_of(net) == {
        "linear_0.weight": DECAY,
        "linear_0.bias": 0.0,
        "norm_0.weight": 0.0,
        "norm_0.bias": 0.0,
        "output.weight": DECAY,
        "output.bias": 0.0,
    }


def test_filters_of_convolutions_decay():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2))
    assert decay_of(net) == {"0.weight": DECAY, "0.bias": 0.0, "1.weight": 0.0, "1.bias": 0.0}


def test_parameters_of_a_layer_norm_over_several_axes_do_not_decay():
    assert decay_of(nn.LayerNorm((3, 4))) == {"weight": 0.0, "bias": 0.0}


@pytest.mark.parametrize("weight_decay", [0.0, DECAY])
def test_frozen_parameters_are_left_out(weight_decay):
    net = MLP(hidden=(4,)).build((3,), 2)
    net.linear_0.requires_grad_(False)
    decays = decay_of(net, "adam", weight_decay)
    assert decays == {
        "linear_0.weight": None,
        "linear_0.bias": None,
        "output.weight": weight_decay,
        "output.bias": 0.0,
    }


@pytest.mark.parametrize(
    ("frozen", "decays"),
    [("weight", {"weight": None, "bias": 0.0}), ("bias", {"weight": DECAY, "bias": None})],
)
def test_a_net_of_only_one_kind_of_parameters_has_one_group(frozen, decays):
    net = layer()
    getattr(net, frozen).requires_grad_(False)
    assert len(make_optimizer("sgd", net, lr=LR, weight_decay=DECAY).param_groups) == 1
    assert decay_of(net, "sgd") == decays


@settings(max_examples=30, deadline=None)
@given(
    hidden=st.lists(st.integers(1, 4), max_size=3),
    batch_norm=st.booleans(),
    weight_decay=st.sampled_from([0.0, 0.1]),
    name=st.sampled_from(sorted(SETTINGS)),
)
def test_every_parameter_is_in_exactly_one_group(hidden, batch_norm, weight_decay, name):
    net = MLP(tuple(hidden), batch_norm=batch_norm).build((3,), 2)
    groups = make_optimizer(name, net, lr=LR, weight_decay=weight_decay).param_groups
    held = [id(p) for group in groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in net.parameters())


# --- classes without weight decay -----------------------------------------------------------


def test_a_class_without_weight_decay_is_taken_where_none_is_asked_for():
    made = make_optimizer(Plain, layer(), lr=LR)
    assert type(made) is Plain
    assert len(made.param_groups[0]["params"]) == 2


def test_a_class_without_weight_decay_is_refused_where_some_is_asked_for():
    text = (
        f"{Plain} knows no weight decay. Expected weight_decay=0; got weight_decay=0.3. "
        "Choose another optimizer, such as 'adamw'."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        make_optimizer(Plain, layer(), lr=LR, weight_decay=DECAY)


def test_a_factory_that_passes_settings_on_is_taken():
    def make(parameters, **settings):
        return torch.optim.SGD(parameters, **settings)

    optimizer = make_optimizer(make, nn.Linear(2, 1), lr=0.1, weight_decay=0.5)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5, 0.0]


@pytest.mark.parametrize("decay_biases", [False, True])
def test_biases_decay_where_they_are_asked_to(decay_biases):
    linear = layer()
    made = make_optimizer("sgd", linear, lr=LR, weight_decay=DECAY, decay_biases=decay_biases)
    linear.weight.grad = torch.zeros(2, 3, dtype=torch.float64)
    linear.bias.grad = torch.zeros(2, dtype=torch.float64)
    made.step()
    np.testing.assert_allclose(linear.weight.detach(), WEIGHT * (1 - LR * DECAY))
    factor = 1 - LR * DECAY if decay_biases else 1.0
    np.testing.assert_allclose(linear.bias.detach(), BIAS * factor)


def test_what_decays_can_be_changed_in_between():
    made = make_optimizer("adam", layer(), lr=LR, weight_decay=DECAY)
    for decay_biases, wanted in ((True, [0.5, 0.5]), (False, [0.5, 0.0])):
        set_rates(made, lr=0.2, weight_decay=0.5, decay_biases=decay_biases)
        assert [group["weight_decay"] for group in made.param_groups] == wanted
        assert [group["lr"] for group in made.param_groups] == [0.2, 0.2]


def test_penalties_are_for_weights_or_for_everything():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    net[0].bias.requires_grad_(False)
    assert [p.shape for p in decayed(net)] == [(2, 3)]
    assert [p.shape for p in decayed(net, biases=True)] == [(2, 3), (2,), (2,)]
