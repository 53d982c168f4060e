import math
import re

import pytest
import torch
from torch import nn

from sknn_tricks.nets import ACTIVATIONS, RReLU, make_activation

X = [-2.0, -0.5, 0.0, 0.5, 2.0]


def phi(x):
    return (1 + math.erf(x / 2**0.5)) / 2


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def softplus(x):
    return math.log(1 + math.exp(x))


SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
DEFINITIONS = {
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "gelu": lambda x: x * phi(x),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "mish": lambda x: x * math.tanh(softplus(x)),
    "prelu": lambda x: x if x > 0 else 0.25 * x,
    "prelu_per_feature": lambda x: x if x > 0 else 0.25 * x,
    "relu": lambda x: max(x, 0.0),
    "rrelu": lambda x: x if x > 0 else (1 / 8 + 1 / 3) / 2 * x,
    "selu": lambda x: SCALE * (x if x > 0 else ALPHA * (math.exp(x) - 1)),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "softplus": softplus,
    "swish": lambda x: x * sigmoid(x),
    "tanh": math.tanh,
}


def test_each_has_a_definition():
    assert DEFINITIONS.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("name", DEFINITIONS)
def test_an_activation_is_what_its_name_says(name):
    layer = make_activation(name).double().eval()
    values = layer(torch.tensor([X], dtype=torch.float64).T)[:, 0].tolist()
    assert values == pytest.approx([DEFINITIONS[name](x) for x in X], abs=1e-12)


def test_one_slope_for_the_layer_or_one_for_each_feature():
    assert make_activation("prelu", 5).num_parameters == 1
    assert make_activation("prelu_per_feature", 5).num_parameters == 5


@pytest.mark.parametrize("activation", ["relu", nn.ReLU, nn.LeakyReLU(0.3)])
def test_each_call_makes_a_module_of_its_own(activation):
    first, second = make_activation(activation), make_activation(activation)
    assert first is not second
    assert activation not in (first, second)


def test_a_module_keeps_its_settings():
    assert make_activation(nn.LeakyReLU(0.3)).negative_slope == 0.3
    assert make_activation(RReLU(0.1, 0.2)).upper == 0.2


def test_an_unknown_name_is_refused():
    known = ", ".join(repr(name) for name in sorted(ACTIVATIONS))
    text = (
        f"activation='mihs' is not known. Expected one of {known}; got 'mihs'. Did you mean 'mish'?"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        make_activation("mihs")
