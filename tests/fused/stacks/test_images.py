"""Layers of images: beside plain ones, in float64."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sknn_tricks._image_layout import image_layout
from sknn_tricks._padding import WIDTH, padded
from sknn_tricks.fused.stacks import _convs
from sknn_tricks.fused.stacks._layers import pad_last
from sknn_tricks.fused.stacks._maps import Maps
from sknn_tricks.fused.stacks._stack import plain_layers, refuses, signature, stack
from sknn_tricks.nets import MLP, ConvNet, Dropout, Residual, RReLU
from sknn_tricks.nets._image_input import ImageInput
from sknn_tricks.nets._residual import ProjectedResidual

SHAPES = [(8, 8), (7, 5), (3, 6, 6), (9, 8, 2), (1, 1)]
N_MEMBERS, N_ROWS, N_OUTPUTS = 3, 5, 4


def net_of(shape, *layers):
    """Return a net of images of that shape, with a head behind the layers."""
    layout = image_layout(shape)
    body = nn.Sequential(ImageInput(layout), *layers)
    n_channels = body(torch.zeros(2, *shape)).shape[1]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(n_channels, N_OUTPUTS)]
    return nn.Sequential(*body, *head)


def members(net):
    """Return nets of that structure, with weights and running statistics of their own."""
    torch.manual_seed(0)
    nets = [copy.deepcopy(net).double() for _ in range(N_MEMBERS)]
    for each in nets:
        for tensor in each.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.1, 0.5)
        for parameter in each.parameters():
            parameter.data.copy_(torch.randn_like(parameter) / 3)
    return nets


def assert_as_plain(net, shape, training=True):
    """Compare outputs, gradients, buffers and the padding of nets and of their stack."""
    assert refuses(net) is None
    nets = members(net)
    x = torch.randn(N_MEMBERS, N_ROWS, *shape, dtype=torch.float64)
    one = stack(nets, math.prod(shape)).train(training)
    outputs = one(pad_last(x.flatten(2))).clone()
    wanted = torch.stack([each.train(training)(rows) for each, rows in zip(nets, x, strict=True)])
    torch.testing.assert_close(outputs[..., :N_OUTPUTS], wanted, rtol=1e-10, atol=1e-10)
    assert not outputs[..., N_OUTPUTS:].any()
    if training:
        grad = torch.randn_like(wanted)
        wanted.backward(grad)
        one.backward(pad_last(grad).clone())
    for k, each in enumerate(nets):
        for layer, plain in zip(one.flat(), plain_layers(each, blocks=False), strict=True):
            assert_same_tensors(layer, plain, k, training)


def assert_same_tensors(layer, plain, k, training):
    for name in layer.buffers:
        seen = layer.unpack(name, layer.tensors[name][k], getattr(plain, name))
        torch.testing.assert_close(seen, getattr(plain, name), rtol=1e-10, atol=1e-10)
    for name, grads in layer.grads.items() if training else ():
        parameter = getattr(plain, name)
        seen = layer.unpack(name, grads[k], parameter)
        torch.testing.assert_close(seen, parameter.grad, rtol=1e-9, atol=1e-10)
        assert grads[k].count_nonzero() == seen.count_nonzero()


def conv(n_in, n_out, size=3, **settings):
    return nn.Conv2d(n_in, n_out, size, **{"padding": size // 2, **settings})


def channels_of(shape):
    return image_layout(shape).n_channels


# --- against plain layers -------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"size": 1},
        {"size": 5},
        {"stride": 2},
        {"size": 1, "stride": 2},
        {"stride": (1, 3), "padding": (2, 1)},
        {"size": (3, 1), "padding": (3, 0)},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_convolutions_are_the_plain_ones(shape, settings, bias):
    size = settings.pop("size", 3) if (settings := dict(settings)) else 3
    padding = settings.pop("padding", size // 2 if isinstance(size, int) else 0)
    settings |= {"padding": padding, "bias": bias}
    first = nn.Conv2d(channels_of(shape), 5, size, **settings)
    net = net_of(shape, first, nn.Tanh(), nn.Conv2d(5, 12, size, **settings))
    assert_as_plain(net, shape)


@pytest.mark.parametrize("columns", [1, 500, 5_000])
def test_parts_of_the_columns_make_no_difference(monkeypatch, columns):
    monkeypatch.setattr(_convs, "COLUMNS", columns)
    shape = (3, 6, 6)
    net = net_of(shape, conv(3, 9), nn.ReLU(), conv(9, 8), nn.ReLU(), conv(8, 5, stride=2))
    assert_as_plain(net, shape)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "layer",
    [
        nn.BatchNorm2d(6),
        nn.BatchNorm2d(6, affine=False, momentum=0.3),
        nn.GroupNorm(1, 6),
        nn.GroupNorm(3, 6, eps=0.1),
        nn.GroupNorm(6, 6, affine=False),
        nn.PReLU(),
        nn.PReLU(6),
        nn.Sigmoid(),
        nn.Softplus(),
        nn.Hardsigmoid(),
        nn.Mish(),
        nn.ReLU(inplace=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(8, 8), (7, 5)], ids=str)
def test_norms_and_activations_of_channels_are_the_plain_ones(shape, layer, training):
    assert_as_plain(net_of(shape, conv(1, 6), layer, conv(6, 3)), shape, training)


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(2),
        nn.MaxPool2d(3, 2, 1),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AvgPool2d(2),
        nn.AvgPool2d(3, 1, 1, count_include_pad=False),
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveMaxPool2d((1, 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(8, 8), (7, 5), (2, 9, 6)], ids=str)
def test_pools_are_the_plain_ones(shape, pool):
    net = net_of(shape, conv(channels_of(shape), 9), nn.ReLU(), pool, conv(9, 5))
    assert_as_plain(net, shape)


@pytest.mark.parametrize("shape", [(8, 8), (7, 5)], ids=str)
def test_residual_blocks_are_the_plain_ones(shape):
    same = Residual(conv(8, 8), nn.BatchNorm2d(8), nn.ReLU(), conv(8, 8))
    shortcut = nn.Sequential(conv(8, 16, 1, stride=2), nn.BatchNorm2d(16))
    branch = nn.Sequential(nn.ReLU(), conv(8, 16, stride=2), nn.BatchNorm2d(16))
    blocks = [same, nn.ReLU(), ProjectedResidual(branch, shortcut), nn.ReLU()]
    assert_as_plain(net_of(shape, conv(1, 8), *blocks), shape)


@pytest.mark.parametrize("channels", [5, 32])
@pytest.mark.parametrize("shape", [(4, 4), (3, 5)], ids=str)
def test_flat_images_have_torchs_order(shape, channels):
    n_features = channels * math.prod(shape)
    body = [ImageInput(image_layout(shape)), conv(1, channels), nn.ReLU(), nn.Flatten()]
    assert_as_plain(nn.Sequential(*body, nn.Linear(n_features, N_OUTPUTS)), shape)


def test_a_member_alone_has_the_stacks_weights():
    net = ConvNet(channels=(5, 9), n_convs=1).build((8, 8), N_OUTPUTS)
    nets = members(net)
    one = stack(nets, 64)
    for k, each in enumerate(nets):
        state = one.unstack(k, net.double()).state_dict()
        assert all(torch.equal(state[name], mine) for name, mine in each.state_dict().items())


# --- where the numbers lie ------------------------------------------------------------------

SIZES = st.integers(1, 12)


@given(SIZES, SIZES, st.integers(1, 70))
def test_rows_of_images_are_whole_rows_of_a_stack(height, width, channels):
    maps = Maps(height, width, channels)
    assert maps.room % WIDTH == 0
    assert channels <= maps.lanes <= padded(channels)


@given(SIZES, SIZES, st.integers(1, 70))
def test_to_fold_is_to_sum_what_was_tiled(height, width, channels):
    maps = Maps(height, width, channels)
    values = pad_last(torch.arange(1.0, 1.0 + 2 * channels).view(2, 1, channels).double())
    tiled = maps.tile(values)
    assert tiled.shape == (2, 1, maps.room)
    out = torch.zeros(2, 1, padded(channels), dtype=torch.float64)
    assert torch.equal(maps.fold(tiled, out), values * maps.n_pixels)


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (
            [nn.Conv2d(1, 4, 3, groups=1, dilation=2)],
            "a Conv2d of groups, dilation or such a padding",
        ),
        ([nn.Conv2d(1, 4, 3, padding="same")], "a Conv2d of groups, dilation or such a padding"),
        (
            [nn.Conv2d(1, 4, 3, padding=1, padding_mode="reflect")],
            "a Conv2d of groups, dilation or such a padding",
        ),
        ([nn.MaxPool2d(2), conv(1, 4)], "its images do not go to a convolution first"),
        ([conv(1, 4), Dropout(0.5)], "there is no stacked Dropout of images"),
        ([conv(1, 4), RReLU()], "there is no stacked RReLU of images"),
        ([conv(1, 4), nn.LayerNorm(8)], "there is no stacked LayerNorm of images"),
        ([conv(1, 4), nn.AdaptiveAvgPool2d(2)], "a AdaptiveAvgPool2d to more than one pixel"),
        ([conv(1, 4), nn.LPPool2d(2, 2)], "there is no stacked LPPool2d"),
        (
            [conv(1, 4), nn.BatchNorm2d(4, track_running_stats=False)],
            "a BatchNorm2d without running statistics or momentum",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_stacked_is_refused(layers, reason):
    net = nn.Sequential(ImageInput(image_layout((8, 8))), *layers, nn.Flatten(), nn.Linear(4, 2))
    assert refuses(net) == reason


def test_convolutions_without_an_image_are_refused():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    assert refuses(net) == "a Conv2d comes without an ImageInput"


def test_other_shapes_and_convolutions_make_other_stacks():
    def of(spec, shape=(8, 8)):
        return signature(spec.build(shape, 2))

    usual = of(ConvNet(channels=(4,)))
    assert usual == of(ConvNet(channels=(4,)))
    others = [
        of(ConvNet(channels=(5,))),
        of(ConvNet(channels=(4,), kernel_size=5)),
        of(ConvNet(channels=(4,), pool="avg")),
        of(ConvNet(channels=(4,), norm="group")),
        of(ConvNet(channels=(4,)), (8, 9)),
        of(MLP(hidden=(4,))),
    ]
    assert all(usual != other for other in others)
