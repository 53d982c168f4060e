import math
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from torch import nn

from sknn_tricks.nets import ACTIVATIONS, MLP, DropConnect, Dropout, GroupNorm, RReLU

CLASSES = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "mish": nn.Mish,
    "prelu": nn.PReLU,
    "relu": nn.ReLU,
    "rrelu": RReLU,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "swish": nn.SiLU,
    "tanh": nn.Tanh,
}


def exactly(text):
    return f"^{re.escape(text)}$"


def names(net):
    return [name for name, _ in net.named_children()]


def rates(net):
    return {name: part.p for name, part in net.named_children() if isinstance(part, Dropout)}


# --- layers ---------------------------------------------------------------------------------


def test_each_hidden_layer_is_linear_norm_activation_dropout():
    net = MLP(hidden=(8, 4), activation="tanh", dropout=0.2, batch_norm=True).build((3,), 2)
    assert [(name, type(part)) for name, part in net.named_children()] == [
        ("linear_0", nn.Linear),
        ("norm_0", nn.BatchNorm1d),
        ("activation_0", nn.Tanh),
        ("dropout_0", Dropout),
        ("linear_1", nn.Linear),
        ("norm_1", nn.BatchNorm1d),
        ("activation_1", nn.Tanh),
        ("dropout_1", Dropout),
        ("output", nn.Linear),
    ]
    assert net.linear_0.weight.shape == (8, 3)
    assert net.norm_0.num_features == 8
    assert net.linear_1.weight.shape == (4, 8)
    assert net.norm_1.num_features == 4
    assert net.output.weight.shape == (2, 4)


def test_a_plain_net_has_neither_norm_nor_dropout():
    assert names(MLP(hidden=(8,)).build((3,), 2)) == ["linear_0", "activation_0", "output"]


def test_the_default_is_one_relu_layer_of_100():
    net = MLP().build((3,), 2)
    assert names(net) == ["linear_0", "activation_0", "output"]
    assert net.linear_0.out_features == 100
    assert type(net.activation_0) is nn.ReLU


def test_nothing_follows_the_output_layer():
    net = MLP(hidden=(4,), dropout=0.5, batch_norm=True).build((3,), 2)
    assert names(net)[-1] == "output"
    outputs = net.eval()(torch.randn(200, 3, generator=torch.Generator().manual_seed(0)) * 10)
    assert outputs.min() < 0 < outputs.max()


@pytest.mark.parametrize("name", CLASSES)
def test_activation_by_name_stands_behind_every_layer(name):
    net = MLP(hidden=(4, 4), activation=name).build((3,), 2)
    assert type(net.activation_0) is type(net.activation_1) is CLASSES[name]
    assert net.activation_0 is not net.activation_1


def test_the_names_of_activations():
    assert {**CLASSES, "prelu_per_feature": nn.PReLU} == ACTIVATIONS


def test_slopes_of_each_feature_have_the_width_of_the_layer():
    net = MLP(hidden=(4, 7), activation="prelu_per_feature").build((3,), 2)
    assert net.activation_0.num_parameters == 4
    assert net.activation_1.num_parameters == 7


def test_activation_with_settings():
    net = MLP(hidden=(4, 4), activation=nn.LeakyReLU(0.3)).build((3,), 2)
    assert net.activation_0.negative_slope == net.activation_1.negative_slope == 0.3
    assert net.activation_0 is not net.activation_1


@pytest.mark.parametrize("activation", [nn.Tanh, nn.PReLU, nn.Softplus])
def test_activation_by_class(activation):
    net = MLP(hidden=(4, 4), activation=activation).build((3,), 2)
    assert type(net.activation_0) is activation
    assert net.activation_0 is not net.activation_1


def test_dropout_per_layer_and_none_where_the_rate_is_0():
    net = MLP(hidden=(8, 6, 4), dropout=(0.1, 0.0, 0.3)).build((3,), 2)
    assert rates(net) == {"dropout_0": 0.1, "dropout_2": 0.3}


def test_one_dropout_rate_is_for_all_hidden_layers():
    net = MLP(hidden=(8, 4), dropout=0.25).build((3,), 2)
    assert rates(net) == {"dropout_0": 0.25, "dropout_1": 0.25}


@pytest.mark.parametrize("hidden", [7, np.int64(7), [7], (7,), np.array([7])])
def test_hidden_may_be_a_number_or_a_sequence(hidden):
    net = MLP(hidden=hidden).build((3,), 2)
    assert net.linear_0.weight.shape == (7, 3)
    assert net.output.weight.shape == (2, 7)


@pytest.mark.parametrize("hidden", [(), []])
def test_without_hidden_layers_it_is_a_linear_model(hidden):
    net = MLP(hidden, activation="relu", dropout=0.3, batch_norm=True).build((3,), 2)
    assert names(net) == ["output"]
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net(x), x @ net.output.weight.T + net.output.bias)


def test_rows_of_more_axes_are_flattened_first():
    net = MLP(hidden=(4,)).build((2, 3, 5), 2)
    assert names(net)[0] == "flatten"
    assert net.linear_0.in_features == 30
    x = torch.randn(6, 2, 3, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net(x), net[1:](x.reshape(6, 30)))


def test_rows_of_one_axis_are_not_flattened():
    assert "flatten" not in names(MLP().build((3,), 2))


@settings(max_examples=40, deadline=None)
@given(
    hidden=st.lists(st.integers(1, 9), max_size=4),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    n_outputs=st.integers(1, 4),
    activation=st.sampled_from(sorted(CLASSES)),
    dropout=st.sampled_from([0.0, 0.4]),
    batch_norm=st.booleans(),
)
def test_any_net_has_the_parameters_of_its_widths_and_maps_to_the_outputs(
    hidden, shape, n_outputs, activation, dropout, batch_norm
):
    net = MLP(tuple(hidden), activation, dropout, batch_norm).build(tuple(shape), n_outputs)
    sizes = [math.prod(shape), *hidden, n_outputs]
    affine = sum((size_in + 1) * size_out for size_in, size_out in pairwise(sizes))
    affine += len(hidden) if activation == "prelu" else 0
    norm = 2 * sum(hidden) if batch_norm else 0
    assert sum(p.numel() for p in net.parameters()) == affine + norm
    assert net(torch.zeros(3, *shape)).shape == (3, n_outputs)


def test_each_build_is_a_net_of_its_own():
    spec = MLP(hidden=(4,))
    first, second = spec.build((3,), 2), spec.build((3,), 2)
    assert not torch.equal(first.linear_0.weight, second.linear_0.weight)


# --- norms ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("norm", "kind"),
    [
        ("batch", nn.BatchNorm1d),
        ("layer", nn.LayerNorm),
        ("group", nn.GroupNorm),
        (GroupNorm(2), nn.GroupNorm),
        (nn.LayerNorm, nn.LayerNorm),
    ],
    ids=str,
)
def test_each_hidden_layer_has_its_norm(norm, kind):
    net = MLP(hidden=(4, 6), norm=norm).build((3,), 2)
    assert type(net.norm_0) is type(net.norm_1) is kind
    assert names(net)[:3] == ["linear_0", "norm_0", "activation_0"]


def test_the_norm_may_stand_behind_the_activation():
    net = MLP(hidden=(4,), norm="layer", norm_after_activation=True, dropout=0.1).build((3,), 2)
    assert names(net) == ["linear_0", "activation_0", "norm_0", "dropout_0", "output"]


def test_batch_norm_is_short_for_the_norm_of_batches():
    short, long = MLP(batch_norm=True), MLP(norm="batch")
    assert repr(short.build((3,), 2)) == repr(long.build((3,), 2))
    assert names(MLP(batch_norm=True, norm="batch").build((3,), 2)) == names(short.build((3,), 2))


@pytest.mark.parametrize("norm", ["layer", GroupNorm(2)], ids=str)
def test_two_norms_are_refused(norm):
    text = (
        "batch_norm=True and norm ask for two normalisations. Expected one of them; got "
        f"norm={norm!r}. Leave batch_norm out; it is short for norm='batch'."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        MLP(batch_norm=True, norm=norm).build((3,), 2)


# --- what is dropped besides ----------------------------------------------------------------


def test_the_input_is_dropped_before_the_first_layer():
    net = MLP(hidden=(4,), input_dropout=0.2).build((3, 2), 2)
    assert names(net) == ["flatten", "input_dropout", "linear_0", "activation_0", "output"]
    assert net.input_dropout.p == 0.2


def test_weights_are_dropped_in_hidden_layers_only():
    net = MLP(hidden=(4, 5, 6), drop_connect=(0.1, 0.0, 0.3)).build((3,), 2)
    linears = [net.linear_0, net.linear_1, net.linear_2, net.output]
    assert [type(layer) for layer in linears] == [DropConnect, nn.Linear, DropConnect, nn.Linear]
    assert (net.linear_0.p, net.linear_2.p) == (0.1, 0.3)


@pytest.mark.parametrize("rate", [1.0, -0.1, None, (0.1, 0.2)])
def test_an_input_dropout_that_is_no_rate_is_refused(rate):
    text = (
        f"input_dropout is no rate. Expected a rate in [0, 1); got input_dropout={rate!r}. A rate "
        "is the share that is dropped, such as input_dropout=0.2."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        MLP(input_dropout=rate).build((3,), 2)


@pytest.mark.parametrize("rate", [1.0, (0.1,), None])
def test_a_drop_connect_that_does_not_fit_is_refused(rate):
    text = (
        "drop_connect does not fit the net. Expected one rate in [0, 1), or 2 of them, one per "
        f"hidden layer; got drop_connect={rate!r}. A rate is the share that is dropped, such as "
        "drop_connect=0.2."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        MLP(hidden=(4, 4), drop_connect=rate).build((3,), 2)


# --- parameters -----------------------------------------------------------------------------


def test_get_params_lists_what_was_given():
    spec = MLP(hidden=(4, 2), activation="tanh", dropout=(0.1, 0.2), batch_norm=True)
    assert spec.get_params() == {
        "hidden": (4, 2),
        "activation": "tanh",
        "dropout": (0.1, 0.2),
        "batch_norm": True,
        "norm": None,
        "norm_after_activation": False,
        "input_dropout": 0.0,
        "drop_connect": 0.0,
    }


def test_set_params_changes_the_next_build():
    spec = MLP(hidden=(4,))
    assert spec.set_params(hidden=(5, 6), dropout=0.5) is spec
    net = spec.build((3,), 2)
    assert names(net) == [
        *("linear_0", "activation_0", "dropout_0"),
        *("linear_1", "activation_1", "dropout_1"),
        "output",
    ]
    assert (net.linear_0.out_features, net.linear_1.out_features) == (5, 6)


def test_set_params_refuses_an_unknown_name():
    with pytest.raises(ValueError, match="Invalid parameter 'widht' for estimator MLP"):
        MLP().set_params(widht=3)


def test_a_clone_is_equal_and_independent():
    spec = MLP(hidden=(4, 2), activation=nn.Tanh, dropout=0.1, batch_norm=True)
    copy = clone(spec)
    assert copy.get_params() == spec.get_params()
    copy.set_params(dropout=0.7)
    assert spec.dropout == 0.1


def test_it_is_no_foreign_module():
    assert MLP().foreign is False


# --- errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [0, -3, (0,), (8, -1), (2.5,), ("8",), "64", (None,)])
def test_a_width_that_is_none_is_refused(hidden):
    text = (
        "hidden has a width that no layer can have. Expected whole numbers from 1 up; "
        f"got hidden={hidden!r}. Give each hidden layer's width, such as hidden=(64, 64)."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        MLP(hidden=hidden).build((3,), 2)


@pytest.mark.parametrize("hidden", [64.0, None])
def test_hidden_that_is_neither_number_nor_sequence_is_refused_in_the_same_words(hidden):
    text = (
        "hidden has a width that no layer can have. Expected whole numbers from 1 up; "
        f"got hidden={hidden!r}. Give each hidden layer's width, such as hidden=(64, 64)."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        MLP(hidden=hidden).build((3,), 2)


DROPOUTS = [1.0, 1, -0.1, math.nan, math.inf, (0.1,), (0.1, 0.2, 0.3), (0.1, 1.0), ("0.1", 0.2)]


@pytest.mark.parametrize("dropout", DROPOUTS)
def test_a_dropout_that_does_not_fit_is_refused(dropout):
    text = (
        "dropout does not fit the net. Expected one rate in [0, 1), or 2 of them, one per hidden "
        f"layer; got dropout={dropout!r}. A rate is the share that is dropped, such as "
        "dropout=0.2."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        MLP(hidden=(4, 4), dropout=dropout).build((3,), 2)


def test_dropout_of_none_is_refused_in_the_same_words():
    text = (
        "dropout does not fit the net. Expected one rate in [0, 1), or 1 of them, one per hidden "
        "layer; got dropout=None. A rate is the share that is dropped, such as dropout=0.2."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        MLP(hidden=(4,), dropout=None).build((3,), 2)


def test_a_single_rate_is_checked_also_without_hidden_layers():
    with pytest.raises(ValueError, match=r"^dropout does not fit the net\."):
        MLP(hidden=(), dropout=1.5).build((3,), 2)


@pytest.mark.parametrize("hidden", [(4,), ()])
def test_an_unknown_activation_is_refused_also_without_hidden_layers(hidden):
    known = ", ".join(repr(name) for name in sorted(ACTIVATIONS))
    text = (
        f"activation='rleu' is not known. Expected one of {known}; got 'rleu'. Did you mean 'relu'?"
    )
    with pytest.raises(ValueError, match=exactly(text)):
        MLP(hidden=hidden, activation="rleu").build((3,), 2)
