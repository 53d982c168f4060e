import re

import pytest
import torch
from sklearn.base import clone
from torch import nn

from sknn_tricks.init import SCHEMES, initialize
from sknn_tricks.nets import (
    DropPath,
    GroupNorm,
    ImageInput,
    ProjectedResidual,
    Residual,
    ResNet,
)


def exactly(text):
    return f"^{re.escape(text)}$"


def kinds(module):
    return [(name, type(part)) for name, part in module.named_children()]


def convs(net):
    found = [part for part in net.modules() if isinstance(part, nn.Conv2d)]
    return [(e.in_channels, e.out_channels, e.kernel_size[0], e.stride[0]) for e in found]


def rates(net):
    return [part.p for part in net.modules() if isinstance(part, DropPath)]


def n_weights(net):
    return sum(weight.numel() for weight in net.parameters())


# --- layers ---------------------------------------------------------------------------------


def test_stages_are_blocks_of_which_the_first_halves_the_image():
    net = ResNet((4, 6), n_blocks=(1, 2), activation="tanh", dropout=0.2).build((8, 8), 2)
    assert [name for name, _ in net.named_children()] == [
        *("input", "conv", "norm", "activation", "block_0_0", "activation_0_0"),
        *("block_1_0", "activation_1_0", "block_1_1", "activation_1_1"),
        *("global_pool", "flatten", "input_dropout", "output"),
    ]
    assert [type(net.block_0_0), type(net.block_1_0)] == [Residual, ProjectedResidual]
    assert type(net.input) is ImageInput
    assert kinds(net.block_1_0.branch) == [
        ("conv_0", nn.Conv2d),
        ("norm_0", nn.BatchNorm2d),
        ("activation_0", nn.Tanh),
        ("conv_1", nn.Conv2d),
        ("norm_1", nn.BatchNorm2d),
    ]
    assert kinds(net.block_1_0.shortcut) == [("conv", nn.Conv2d), ("norm", nn.BatchNorm2d)]
    assert convs(net.block_1_0.branch) == [(4, 6, 3, 2), (6, 6, 3, 1)]
    assert convs(net.block_1_0.shortcut) == [(4, 6, 1, 2)]


def test_a_bottleneck_reduces_the_channels_for_its_3x3_convolution():
    net = ResNet((8, 16), block="bottleneck", reduction=2).build((8, 8), 2)
    assert convs(net.block_0_0) == [(8, 4, 1, 1), (4, 4, 3, 1), (4, 8, 1, 1)]
    assert convs(net.block_1_0.branch) == [(8, 8, 1, 1), (8, 8, 3, 2), (8, 16, 1, 1)]


def test_with_pre_activation_nothing_but_additions_is_between_blocks_of_a_stage():
    net = ResNet((4, 6), n_blocks=2, pre_activation=True).build((8, 8), 2)
    assert [name for name, _ in net.named_children()] == [
        *("input", "conv", "block_0_0", "block_0_1", "norm_1_0", "activation_1_0", "block_1_0"),
        *("block_1_1", "norm_end", "activation_end", "global_pool", "flatten", "output"),
    ]
    assert kinds(net.block_0_1) == [
        ("norm_0", nn.BatchNorm2d),
        ("activation_0", nn.ReLU),
        ("conv_0", nn.Conv2d),
        ("norm_1", nn.BatchNorm2d),
        ("activation_1", nn.ReLU),
        ("conv_1", nn.Conv2d),
    ]
    # The shortcut of a block that changes the shape starts behind its first activation.
    assert kinds(net.block_1_0.shortcut) == [("conv", nn.Conv2d)]
    assert kinds(net.block_1_0.branch)[0] == ("conv_0", nn.Conv2d)


def test_sizes_are_those_of_the_paper():
    assert n_weights(ResNet().build((28, 28), 10)) == 77_754
    deep = ResNet(n_blocks=3).build((32, 32, 3), 10)
    # Table 6 of He et al. has 0.27 million, without the two projections of 1x1.
    projections = sum(n_weights(e.shortcut) for e in (deep.block_1_0, deep.block_2_0))
    assert round((n_weights(deep) - projections) / 1e6, 2) == 0.27


def test_the_rate_of_stochastic_depth_rises_to_that_of_the_last_block():
    net = ResNet((4, 4), n_blocks=2, drop_path=0.4).build((8, 8), 2)
    assert rates(net) == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_each_block_may_have_a_rate_of_its_own():
    spec = ResNet((4, 4), n_blocks=(2, 1), drop_path=(0.0, 0.5, 0.2), drop_path_mode="batch")
    net = spec.build((8, 8), 2)
    assert rates(net) == [0.5, 0.2]
    assert "drop_path" not in dict(net.block_0_0.named_children())
    assert not net.block_0_1.drop_path.by_row


def test_a_dropped_branch_leaves_the_shortcut_and_the_mean_is_that_of_prediction():
    block = (
        ResNet((3, 3), drop_path=0.3, norm=None, starts_at_zero=False).build((6, 6), 2).block_1_0
    )
    block = block.double()
    x = torch.randn(1, 3, 6, 6, dtype=torch.float64)
    for layer in block.modules():
        if isinstance(layer, DropPath):
            layer.seed_(0)
    steps = block(x.expand(4000, -1, -1, -1)).detach()
    shortcut, branch = block.shortcut(x).detach(), block.eval()(x).detach() - block.shortcut(x)
    kept = (steps - shortcut).flatten(1).abs().amax(dim=1) > 1e-9
    assert kept.double().mean().item() == pytest.approx(0.7, abs=5 * (0.21 / 4000) ** 0.5)
    full = (shortcut + branch / 0.7).expand_as(steps[kept])
    torch.testing.assert_close(steps[kept], full.detach())


# --- the start ------------------------------------------------------------------------------


@pytest.mark.parametrize("init", ["auto", *SCHEMES])
@pytest.mark.parametrize("norm", ["batch", None])
@pytest.mark.parametrize("pre_activation", [False, True])
def test_whatever_the_init_each_block_starts_as_its_shortcut(init, norm, pre_activation):
    spec = ResNet((4, 6), n_blocks=2, norm=norm, pre_activation=pre_activation)
    net = spec.build((8, 8), 2)
    x = torch.randn(20, 8, 8, generator=torch.Generator().manual_seed(0))
    initialize(net, init, torch.Generator().manual_seed(0), bias=0.3, batch=x)
    h = torch.randn(20, 6, 4, 4)
    assert torch.equal(net.block_1_1(h), h)
    h = torch.randn(20, 4, 8, 8)
    assert torch.equal(net.block_1_0(h), net.block_1_0.shortcut(h))


def test_it_is_the_last_norm_that_starts_at_zero_or_the_last_convolution():
    normed = ResNet((4, 4)).build((8, 8), 2)
    assert not normed.block_0_0.norm_1.weight.any()
    assert normed.block_0_0.conv_1.weight.any()
    plain = ResNet((4, 4), norm=None).build((8, 8), 2)
    assert not plain.block_0_0.conv_1.weight.any()


def test_it_need_not():
    net = ResNet((4, 4), starts_at_zero=False).build((8, 8), 2)
    assert torch.equal(net.block_0_0.norm_1.weight, torch.ones(4))


def test_the_gradient_reaches_the_first_layer_of_a_deep_net():
    net = ResNet((4,), n_blocks=30, norm="group", pre_activation=True, starts_at_zero=False)
    net = net.build((6, 6), 2)
    initialize(net, "auto", torch.Generator().manual_seed(0))
    net(torch.randn(10, 6, 6)).sum().backward()
    first, last = (p.weight.grad.norm() for p in (net.conv, net.block_0_29.conv_1))
    assert first > 0.1 * last


# --- shapes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 3), (3, 7, 5), (1, 1), (2, 1, 1), (28, 28)])
@pytest.mark.parametrize("block", ["basic", "bottleneck"])
@pytest.mark.parametrize("head", ["avg", "max", "flatten"])
def test_images_of_any_size_and_layout_become_outputs(shape, block, head):
    spec = ResNet((3, 4, 5), block=block, head=head, stride=2, channels_axis="first")
    assert spec.build(shape, 2)(torch.randn(5, *shape)).shape == (5, 2)


@pytest.mark.parametrize("norm", ["layer", "group", GroupNorm(2), nn.BatchNorm2d, None], ids=str)
@pytest.mark.parametrize("pre_activation", [False, True])
def test_any_norm_and_activation_may_be_within(norm, pre_activation):
    spec = ResNet((4, 8), norm=norm, activation="prelu_per_feature", pre_activation=pre_activation)
    net = spec.build((8, 8), 2)
    assert net(torch.randn(5, 8, 8)).shape == (5, 2)
    assert net.activation_1_0.num_parameters == (4 if pre_activation else 8)


# --- parameters and errors ------------------------------------------------------------------


def test_it_is_a_spec_that_can_be_cloned():
    spec = ResNet((4, 8), n_blocks=(1, 2), norm=GroupNorm(2), drop_path=(0.1, 0.2, 0.3))
    twin = clone(spec)
    assert twin.get_params(deep=False).keys() == spec.get_params(deep=False).keys()
    assert repr(twin) == repr(spec)
    assert twin.set_params(norm__groups=4).norm.groups == 4
    assert spec.norm.groups == 2
    assert not ResNet.foreign


@pytest.mark.parametrize("name", ["reduction", "stride", "kernel_size"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "8", True, None])
def test_a_size_that_is_none_is_refused(name, value):
    text = (
        f"{name} is no size that a net can have. Expected a whole number from 1 up; got "
        f"{name}={value!r}. Correct the number."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        ResNet(**{name: value}).build((8, 8), 2)


def test_a_stem_without_a_middle_is_refused():
    with pytest.raises(ValueError, match=r"^kernel_size has no middle\. Expected an odd number"):
        ResNet(kernel_size=2).build((8, 8), 2)


@pytest.mark.parametrize("n_blocks", [0, (1,), (1, 0), None, 1.5])
def test_numbers_of_blocks_that_do_not_fit_are_refused(n_blocks):
    text = (
        "n_blocks does not fit the net. Expected one whole number from 1 up, or 2 of them, one "
        f"per stage; got n_blocks={n_blocks!r}. Correct the number."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        ResNet((4, 4), n_blocks).build((8, 8), 2)


@pytest.mark.parametrize("drop_path", [1.0, -0.1, (0.1,), None])
def test_rates_of_blocks_that_do_not_fit_are_refused(drop_path):
    with pytest.raises(ValueError, match=r"^drop_path does not fit the net\. .*, or 3 of"):
        ResNet(drop_path=drop_path).build((8, 8), 2)


@pytest.mark.parametrize(
    ("settings", "meant"),
    [
        ({"norm": "btach"}, "batch"),
        ({"activation": "rleu"}, "relu"),
        ({"block": "bottlneck"}, "bottleneck"),
        ({"drop_path_mode": "rwo"}, "row"),
        ({"head": "agv"}, "avg"),
    ],
    ids=str,
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(settings, meant):
    with pytest.raises(ValueError, match=rf"Did you mean '{meant}'\?$"):
        ResNet(**settings).build((8, 8), 2)
