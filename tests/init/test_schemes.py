import math
import re

import pytest
import torch
from torch import nn

from sknn_tricks.init import (
    SCHEMES,
    constant,
    initialize,
    make_scheme,
    normal,
    portable,
    register,
    sparse,
    truncated_normal,
    variance_scaling,
)

# layer, its fan_in (terms summed in one output) and fan_out (outputs that one input reaches)
LAYERS = {
    "linear": (lambda: nn.Linear(300, 200), 300, 200),
    "conv": (lambda: nn.Conv2d(20, 40, (5, 3)), 300, 600),
    "conv_of_groups": (lambda: nn.Conv1d(120, 240, 5, groups=2), 300, 600),
    "transposed_conv": (lambda: nn.ConvTranspose2d(40, 20, (5, 3)), 600, 300),
    "transposed_conv_of_groups": (lambda: nn.ConvTranspose1d(240, 120, 5, groups=2), 600, 300),
}
GAIN = 5 / 3  # tanh's

# the schemes' variances as functions of fan_in, fan_out
VARIANCES = {
    "kaiming_normal": lambda fan_in, fan_out: GAIN**2 / fan_in,
    "kaiming_uniform": lambda fan_in, fan_out: GAIN**2 / fan_in,
    "kaiming_out_normal": lambda fan_in, fan_out: GAIN**2 / fan_out,
    "kaiming_out_uniform": lambda fan_in, fan_out: GAIN**2 / fan_out,
    "lecun_normal": lambda fan_in, fan_out: 1 / fan_in,
    "lecun_uniform": lambda fan_in, fan_out: 1 / fan_in,
    "xavier_in_normal": lambda fan_in, fan_out: 1 / fan_in,
    "xavier_in_uniform": lambda fan_in, fan_out: 1 / fan_in,
    "xavier_normal": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "xavier_uniform": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "auto": lambda fan_in, fan_out: GAIN**2 * 2 / (fan_in + fan_out),
}
ALL_FANS = ["linear", "conv", "transposed_conv"]


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


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("name", VARIANCES)
def test_the_variance_is_the_formulas_with_the_fans_of_one_group(name, kind):
    make, fan_in, fan_out = LAYERS[kind]
    assert_variance(drawn(make(), name), VARIANCES[name](fan_in, fan_out))


@pytest.mark.parametrize("distribution", ["normal", "uniform", "truncated_normal"])
@pytest.mark.parametrize(("fan", "size"), [("in", 300), ("out", 200), ("average", 250)])
def test_scaled_variances_are_the_same_in_all_distributions(fan, size, distribution):
    scheme = variance_scaling(fan, distribution, scale=0.7)
    assert_variance(drawn(nn.Linear(300, 200), scheme), 0.7 * GAIN**2 / size)
    without_gain = variance_scaling(fan, distribution, with_gain=False)
    assert_variance(drawn(nn.Linear(300, 200), without_gain), 1 / size)


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


def test_small_and_large_normal_are_those_of_the_classical_experiment():
    assert SCHEMES["small_normal"] == normal(0.01)
    assert SCHEMES["large_normal"] == normal(0.05)


def test_a_truncated_normal_ends_at_two_standard_deviations():
    weight = drawn(nn.Linear(300, 200), truncated_normal(0.1))
    assert 0.19 < weight.abs().max() <= 0.2
    assert_variance(weight, (0.1 * 0.87963) ** 2)


def test_identity_passes_the_inputs():
    weight = drawn(nn.Linear(3, 5), "identity")
    assert torch.equal(weight, torch.eye(5, 3))
    x = torch.randn(2, 4, 6, 6)
    conv = nn.Conv2d(4, 4, 3, padding=1)
    drawn(conv, "identity")
    assert torch.equal(conv(x), x)


def test_each_group_of_a_convolution_can_be_the_identity():
    conv, x = nn.Conv1d(4, 4, 3, padding=1, groups=2), torch.randn(2, 4, 6)
    drawn(conv, "identity")
    assert torch.equal(conv(x), x)


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [(nn.Linear(100, 40), 100), (nn.Conv2d(8, 40, 3), 72), (nn.Linear(9, 4), 9)],
)
def test_sparse_units_have_a_few_weights_each(layer, fan_in):
    weight = drawn(layer, "sparse").flatten(1)
    assert (weight != 0).sum(dim=1).tolist() == [min(15, fan_in)] * len(weight)


def test_sparse_weights_are_anywhere_and_of_their_standard_deviation():
    weight = drawn(nn.Linear(100, 4000), sparse(10, std=0.3))
    used = (weight != 0).double().mean(dim=0)
    assert (used - 0.1).abs().max() < 5 * (0.1 * 0.9 / 4000) ** 0.5
    assert_variance(weight[weight != 0], 0.09)


def test_schemes_with_a_value_compare_by_it():
    assert normal(0.05) == normal(0.05) != normal(0.06)
    assert repr(normal(0.05)) == "normal(std=0.05)"
    assert repr(constant(0.5)) == "constant(value=0.5)"


# --- names ----------------------------------------------------------------------------------


def test_the_names_of_the_schemes():
    assert sorted(SCHEMES) == [
        "constant",
        "identity",
        "kaiming_normal",
        "kaiming_out_normal",
        "kaiming_out_uniform",
        "kaiming_uniform",
        "large_normal",
        "lecun_normal",
        "lecun_uniform",
        "lsuv",
        "normal",
        "orthogonal",
        "small_normal",
        "sparse",
        "truncated_normal",
        "unit_variance",
        "xavier_in_normal",
        "xavier_in_uniform",
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
    known = ", ".join(repr(name) for name in sorted([*SCHEMES, "auto"]))
    text = (
        f"init='kaiming_norml' is not known. Expected one of {known}; got 'kaiming_norml'. "
        "Did you mean 'kaiming_normal'?"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        make_scheme("kaiming_norml")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"fan": "inn"},
            "fan='inn' is not known. Expected one of 'average', 'in', 'out'; got 'inn'. "
            "Did you mean 'in'?",
        ),
        (
            {"distribution": "nromal"},
            "distribution='nromal' is not known. Expected one of 'normal', 'truncated_normal', "
            "'uniform'; got 'nromal'. Did you mean 'normal'?",
        ),
    ],
    ids=["fan", "distribution"],
)
def test_scaling_by_an_unknown_name_is_refused(settings, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        variance_scaling(**settings)


# --- names of one's own ---------------------------------------------------------------------


@pytest.fixture
def forgotten():
    """Forget all names that a test registers."""
    before = dict(SCHEMES)
    yield
    SCHEMES.clear()
    SCHEMES.update(before)


@pytest.mark.usefixtures("forgotten")
def test_a_scheme_of_ones_own_has_a_name_once_it_is_registered():
    scheme = normal(0.3)
    assert register("mine", scheme) is scheme
    assert make_scheme("mine") is scheme
    assert_variance(drawn(nn.Linear(300, 200), "mine"), 0.09)
    with pytest.raises(ValueError, match="Did you mean 'mine'"):
        make_scheme("mien")


@pytest.mark.usefixtures("forgotten")
def test_a_name_can_be_registered_again():
    register("mine", normal(0.3))
    register("mine", normal(0.4))
    assert make_scheme("mine") == normal(0.4)


@pytest.mark.usefixtures("forgotten")
def test_what_goes_to_another_process_is_the_scheme_itself():
    register("mine", normal(0.3))
    assert portable("mine") == normal(0.3)
    assert portable("orthogonal") == "orthogonal"
    assert portable("auto") == "auto"
    assert portable("mien") == "mien"
    assert portable(normal(0.1)) == normal(0.1)


@pytest.mark.parametrize("name", ["auto", "orthogonal"])
def test_the_librarys_names_cannot_be_taken(name):
    text = (
        f"'{name}' is the name of a scheme of the library. Expected another name; got "
        f"name='{name}'. Choose a name of your own."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        register(name, normal())


def test_what_cannot_be_called_is_no_scheme():
    text = (
        "The scheme cannot be called. Expected a callable scheme(weight, gain, generator); got "
        "0.1. Give a function that fills the weight in place."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        register("mine", 0.1)
