import math
import re

import pytest
import torch
from torch import nn

from sknn_tricks.init import SCHEMES, constant, initialize, make_scheme, normal

# layer, its fan_in (terms summed in one output) and fan_out (outputs that one input reaches)
LAYERS = {
    "linear": (lambda: nn.Linear(300, 200), 300, 200),
    "conv": (lambda: nn.Conv2d(20, 40, (5, 3)), 300, 600),
    "conv_of_groups": (lambda: nn.Conv1d(120, 240, 5, groups=2), 300, None),
    "transposed_conv": (lambda: nn.ConvTranspose2d(40, 20, (5, 3)), 600, 300),
    "transposed_conv_of_groups": (lambda: nn.ConvTranspose1d(240, 120, 5, groups=2), 600, None),
}
GAIN = 5 / 3  # tanh's

# the schemes' variances as functions of fan_in, fan_out
VARIANCES = {
    "kaiming_normal": lambda fan_in, fan_out: GAIN**2 / fan_in,
    "kaiming_uniform": lambda fan_in, fan_out: GAIN**2 / fan_in,
    "lecun_normal": lambda fan_in, fan_out: 1 / fan_in,
    "lecun_uniform": lambda fan_in, fan_out: 1 / fan_in,
    "xavier_normal": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "xavier_uniform": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "auto": lambda fan_in, fan_out: GAIN**2 * 2 / (fan_in + fan_out),
}
BY_FAN_IN = [name for name in VARIANCES if name.startswith(("kaiming", "lecun"))]
ALL_FANS = ["linear", "conv", "transposed_conv"]
GROUPED = ["conv_of_groups", "transposed_conv_of_groups"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def drawn(layer, init, seed=0):
    """Return the weights of a layer in front of a tanh."""
    initialize(nn.Sequential(layer, nn.Tanh()), init, generator(seed))
    return layer.weight.detach()


def assert_variance(weight, variance):
    n = weight.numel()
    assert abs(weight.mean()) < 5 * math.sqrt(variance / n)
    assert weight.var().item() == pytest.approx(variance, rel=5 * math.sqrt(2 / n))


# --- variances ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL_FANS)
@pytest.mark.parametrize("name", VARIANCES)
def test_the_variance_is_the_formulas(name, kind):
    make, fan_in, fan_out = LAYERS[kind]
    assert_variance(drawn(make(), name), VARIANCES[name](fan_in, fan_out))


@pytest.mark.parametrize("kind", GROUPED)
@pytest.mark.parametrize("name", BY_FAN_IN)
def test_the_fan_in_of_a_grouped_convolution_is_that_of_one_group(name, kind):
    make, fan_in, _ = LAYERS[kind]
    assert_variance(drawn(make(), name), VARIANCES[name](fan_in, None))


@pytest.mark.parametrize("name", [name for name in VARIANCES if name != "auto"])
def test_the_distribution_is_the_one_of_the_name(name):
    weight = drawn(nn.Linear(300, 200), name)
    highest = weight.abs().max() / weight.std()
    if name.endswith("uniform"):
        assert 1.7 < highest < 1.75  # sqrt(3) standard deviations
    else:
        assert highest > 3.5


@pytest.mark.parametrize("name", ["lecun_normal", "kaiming_uniform", "xavier_normal", "orthogonal"])
def test_float64_weights_are_drawn_in_float64(name):
    weight = drawn(nn.Linear(30, 20).double(), name)
    assert weight.dtype == torch.float64
    assert not torch.equal(weight, weight.float().double())


# --- orthogonal -----------------------------------------------------------------------------


def assert_orthonormal(rows, gain):
    torch.testing.assert_close(rows @ rows.T, gain**2 * torch.eye(len(rows)), atol=1e-4, rtol=0)


def test_orthogonal_rows_are_orthonormal_times_the_gain():
    assert_orthonormal(drawn(nn.Linear(30, 20), "orthogonal"), GAIN)


def test_orthogonal_has_orthonormal_columns_where_there_are_more_rows():
    assert_orthonormal(drawn(nn.Linear(20, 30), "orthogonal").T, GAIN)


def test_orthogonal_filters_are_orthonormal():
    assert_orthonormal(drawn(nn.Conv2d(4, 6, 3), "orthogonal").flatten(1), GAIN)


def test_orthogonal_filters_of_a_transposed_convolution_are_orthonormal():
    weight = drawn(nn.ConvTranspose2d(4, 6, 3), "orthogonal")
    assert_orthonormal(weight.transpose(0, 1).flatten(1), GAIN)


# --- schemes that look at no size -----------------------------------------------------------


@pytest.mark.parametrize("kind", ALL_FANS)
@pytest.mark.parametrize(
    ("init", "value"), [("zeros", 0.0), ("constant", 0.1), (constant(0.5), 0.5), (constant(), 0.1)]
)
def test_constant_weights_are_all_the_same(init, value, kind):
    weight = drawn(LAYERS[kind][0](), init)
    assert torch.equal(weight, torch.full_like(weight, value))


@pytest.mark.parametrize("kind", ALL_FANS)
@pytest.mark.parametrize(
    ("init", "std"), [("normal", 0.01), (normal(), 0.01), (normal(0.3), 0.3), (normal(std=2), 2)]
)
def test_normal_has_its_standard_deviation_whatever_the_layer(init, std, kind):
    assert_variance(drawn(LAYERS[kind][0](), init), std**2)


def test_schemes_with_a_value_compare_by_it():
    assert normal(0.05) == normal(0.05) != normal(0.06)
    assert repr(normal(0.05)) == "normal(std=0.05)"
    assert repr(constant(0.5)) == "constant(value=0.5)"


# --- names ----------------------------------------------------------------------------------


def test_the_names_of_the_schemes():
    assert sorted(SCHEMES) == [
        "constant",
        "kaiming_normal",
        "kaiming_uniform",
        "lecun_normal",
        "lecun_uniform",
        "normal",
        "orthogonal",
        "xavier_normal",
        "xavier_uniform",
        "zeros",
    ]


@pytest.mark.parametrize("name", SCHEMES)
def test_a_name_makes_its_scheme(name):
    assert make_scheme(name) is SCHEMES[name]


def test_auto_is_no_scheme_of_its_own():
    assert make_scheme("auto") is None


def test_a_callable_is_its_own_scheme():
    scheme = normal(0.2)
    assert make_scheme(scheme) is scheme


def test_an_unknown_name_is_refused():
    text = (
        "init='kaiming_norml' is not known. Expected one of 'auto', 'constant', "
        "'kaiming_normal', 'kaiming_uniform', 'lecun_normal', 'lecun_uniform', 'normal', "
        "'orthogonal', 'xavier_normal', 'xavier_uniform', 'zeros'; got 'kaiming_norml'. "
        "Did you mean 'kaiming_normal'?"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        make_scheme("kaiming_norml")
