import re
from itertools import pairwise

import pytest
import torch
from sklearn.base import clone
from torch import nn

from sknn_tricks.init import SCHEMES, initialize
from sknn_tricks.nets import Dropout, DropPath, GroupNorm, Residual, ResMLP


def exactly(text):
    return f"^{re.escape(text)}$"


def kinds(module):
    return [(name, type(part)) for name, part in module.named_children()]


def rates(net):
    return [part.p for part in net.modules() if isinstance(part, DropPath)]


# --- layers ---------------------------------------------------------------------------------


def test_blocks_are_norm_linear_activation_dropout_linear_drop_path():
    spec = ResMLP(8, 2, expansion=1.5, activation="tanh", dropout=0.2, drop_path=0.4)
    net = spec.build((3,), 2)
    assert kinds(net) == [
        ("input", nn.Linear),
        ("block_0", Residual),
        ("block_1", Residual),
        ("norm", nn.BatchNorm1d),
        ("activation", nn.Tanh),
        ("output", nn.Linear),
    ]
    assert kinds(net.block_0) == [
        ("norm", nn.BatchNorm1d),
        ("linear_0", nn.Linear),
        ("activation", nn.Tanh),
        ("dropout", Dropout),
        ("linear_1", nn.Linear),
        ("drop_path", DropPath),
    ]
    assert net.block_0.linear_0.weight.shape == (12, 8)
    assert net.block_0.linear_1.weight.shape == (8, 12)


def test_what_is_left_out_is_not_there():
    net = ResMLP(8, 1, norm=None).build((3,), 2)
    assert [name for name, _ in net.named_children()] == [
        *("input", "block_0", "activation", "output")
    ]
    assert [name for name, _ in net.block_0.named_children()] == [
        *("linear_0", "activation", "linear_1")
    ]


def test_rows_of_more_axes_are_flattened_first():
    net = ResMLP(8, 1).build((2, 3), 4)
    assert net(torch.zeros(5, 2, 3)).shape == (5, 4)


@pytest.mark.parametrize("norm", ["layer", "group", GroupNorm(2), nn.LayerNorm, None], ids=str)
def test_any_norm_and_activation_may_be_within(norm):
    net = ResMLP(8, 2, norm=norm, activation="prelu_per_feature").build((3,), 2)
    assert net(torch.randn(5, 3)).shape == (5, 2)
    assert net.block_0.activation.num_parameters == 16


def test_the_rate_of_stochastic_depth_rises_to_that_of_the_last_block():
    assert rates(ResMLP(8, 4, drop_path=0.4).build((3,), 2)) == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_each_block_may_have_a_rate_of_its_own():
    net = ResMLP(8, 3, drop_path=(0.0, 0.5, 0.2), drop_path_mode="batch").build((3,), 2)
    assert rates(net) == [0.5, 0.2]
    assert "drop_path" not in dict(net.block_0.named_children())
    assert not net.block_1.drop_path.by_row


# --- the start ------------------------------------------------------------------------------


@pytest.mark.parametrize("init", ["auto", *SCHEMES])
def test_whatever_the_init_each_block_starts_as_the_identity(init):
    net = ResMLP(8, 2, norm="layer").build((3,), 2)
    x = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    initialize(net, init, torch.Generator().manual_seed(0), bias=0.3, batch=x)
    h = torch.randn(20, 8)
    assert torch.equal(net.block_1(h), h)
    assert not net.block_1.linear_1.bias.any()
    assert net.block_1.linear_0.bias.eq(0.3).all()


def test_it_need_not():
    net = ResMLP(8, 2, starts_at_zero=False).build((3,), 2)
    initialize(net, "auto", torch.Generator().manual_seed(0))
    assert net.block_0.linear_1.weight.any()


def variances(starts_at_zero, n_blocks=12):
    """Return the variance of the signal behind each block."""
    spec = ResMLP(64, n_blocks, norm="layer", starts_at_zero=starts_at_zero)
    net = spec.build((64,), 1)
    initialize(net, "kaiming_normal", torch.Generator().manual_seed(0))
    x, seen = torch.randn(500, 64, generator=torch.Generator().manual_seed(1)), []
    for name, part in net.named_children():
        x = part(x)
        if name.startswith(("input", "block")):
            seen.append(x.var().item())
    return [each / seen[0] for each in seen]


def test_the_variance_grows_from_block_to_block_unless_they_start_at_zero():
    assert variances(True) == pytest.approx([1.0] * 13)
    growing = variances(False)
    assert all(after > before for before, after in pairwise(growing))
    assert growing[-1] > 8  # each branch adds a variance of about 1


def test_the_gradient_reaches_the_first_layer_of_a_deep_net():
    net = ResMLP(16, 50, norm="layer", starts_at_zero=False).build((4,), 1)
    initialize(net, "auto", torch.Generator().manual_seed(0))
    net(torch.randn(50, 4)).sum().backward()
    first, last = (p.weight.grad.norm() for p in (net.input, net.block_49.linear_1))
    assert first > 0.1 * last


# --- parameters and errors ------------------------------------------------------------------


def test_it_is_a_spec_that_can_be_cloned():
    spec = ResMLP(8, 3, norm=GroupNorm(2), drop_path=(0.1, 0.2, 0.3))
    twin = clone(spec)
    assert twin.get_params(deep=False).keys() == spec.get_params(deep=False).keys()
    assert repr(twin) == repr(spec)
    assert twin.set_params(norm__groups=4).norm.groups == 4
    assert spec.norm.groups == 2
    assert not ResMLP.foreign


@pytest.mark.parametrize("name", ["width", "n_blocks"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "8", True, None])
def test_a_size_that_is_none_is_refused(name, value):
    text = (
        f"{name} is no size that a net can have. Expected a whole number from 1 up; got "
        f"{name}={value!r}. Correct the number."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        ResMLP(**{name: value}).build((3,), 2)


@pytest.mark.parametrize("expansion", [0, 0.01, -1, "2", None])
def test_an_expansion_that_leaves_nothing_is_refused(expansion):
    text = (
        "expansion leaves no features within a block. Expected a number from 0.125 up; got "
        f"expansion={expansion!r}. The usual ones are between 1 and 4."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        ResMLP(8, expansion=expansion).build((3,), 2)


@pytest.mark.parametrize("drop_path", [1.0, -0.1, (0.1,), None, (0.1, 1.0)])
def test_rates_of_blocks_that_do_not_fit_are_refused(drop_path):
    text = (
        "drop_path does not fit the net. Expected one rate in [0, 1), or 2 of them, one per "
        f"block; got drop_path={drop_path!r}. A rate is the share that is dropped, such as "
        "drop_path=0.2."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        ResMLP(drop_path=drop_path).build((3,), 2)


@pytest.mark.parametrize("dropout", [1.0, -0.1, (0.1, 0.2), None])
def test_a_dropout_that_is_no_rate_is_refused(dropout):
    text = (
        f"dropout is no rate. Expected a rate in [0, 1); got dropout={dropout!r}. A rate is the "
        "share that is dropped, such as dropout=0.2."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        ResMLP(dropout=dropout).build((3,), 2)


@pytest.mark.parametrize(
    "settings", [{"norm": "btach"}, {"activation": "rleu"}, {"drop_path_mode": "rwo"}]
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(settings):
    with pytest.raises(ValueError, match=r"Did you mean '(batch|relu|row)'\?$"):
        ResMLP(**settings).build((3,), 2)
