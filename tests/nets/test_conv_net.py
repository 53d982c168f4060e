import re

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from torch import nn

from sknn_tricks.nets import (
    BatchNorm,
    ChannelDropout,
    ConvNet,
    DropConnect2d,
    Dropout,
    FractionalMaxPool,
    GroupNorm,
    ImageInput,
)


def exactly(text):
    return f"^{re.escape(text)}$"


def kinds(module):
    return [(name, type(part)) for name, part in module.named_children()]


def convs(net):
    return [part for part in net.modules() if isinstance(part, nn.Conv2d)]


def n_weights(net):
    return sum(weight.numel() for weight in net.parameters())


# --- layers ---------------------------------------------------------------------------------


def test_blocks_are_convolutions_with_norm_and_activation_and_then_a_pooling():
    spec = ConvNet((4, 6), n_convs=(2, 1), activation="tanh", dropout=0.2, conv_dropout=(0.1, 0))
    assert kinds(spec.build((8, 8, 3), 2)) == [
        ("input", ImageInput),
        ("conv_0_0", nn.Conv2d),
        ("norm_0_0", nn.BatchNorm2d),
        ("activation_0_0", nn.Tanh),
        ("conv_0_1", nn.Conv2d),
        ("norm_0_1", nn.BatchNorm2d),
        ("activation_0_1", nn.Tanh),
        ("pool_0", nn.MaxPool2d),
        ("channel_dropout_0", ChannelDropout),
        ("conv_1_0", nn.Conv2d),
        ("norm_1_0", nn.BatchNorm2d),
        ("activation_1_0", nn.Tanh),
        ("pool_1", nn.MaxPool2d),
        ("global_pool", nn.AdaptiveAvgPool2d),
        ("flatten", nn.Flatten),
        ("input_dropout", Dropout),
        ("output", nn.Linear),
    ]


def test_a_convolution_has_a_bias_unless_it_is_normalised():
    assert all(conv.bias is None for conv in convs(ConvNet((4,)).build((8, 8), 2)))
    assert all(conv.bias is not None for conv in convs(ConvNet((4,), norm=None).build((8, 8), 2)))


def test_the_default_is_small():
    assert n_weights(ConvNet().build((28, 28), 10)) == 72_666


def test_1x1_convolutions_reduce_the_channels_in_front_of_each_convolution_but_the_first():
    net = ConvNet((8, 6), bottleneck=0.5).build((8, 8), 2)
    sizes = [(e.in_channels, e.out_channels, e.kernel_size[0]) for e in convs(net)]
    assert sizes == [
        *((1, 8, 3), (8, 4, 1), (4, 8, 3)),
        *((8, 4, 1), (4, 6, 3), (6, 3, 1), (3, 6, 3)),
    ]
    assert kinds(net)[4:7] == [
        ("reduce_conv_0_1", nn.Conv2d),
        ("reduce_norm_0_1", nn.BatchNorm2d),
        ("reduce_activation_0_1", nn.ReLU),
    ]


POOLS = {
    "max": nn.MaxPool2d,
    "avg": nn.AvgPool2d,
    "fractional": FractionalMaxPool,
}


@pytest.mark.parametrize("pool", POOLS)
def test_each_block_ends_in_its_pooling(pool):
    net = ConvNet((4, 4), pool=(pool, None)).build((8, 8), 2)
    assert type(net.pool_0) is POOLS[pool]
    assert not hasattr(net, "pool_1")


def test_a_stride_takes_the_place_of_a_pooling():
    net = ConvNet((4, 4), pool="stride").build((8, 8), 2)
    assert [conv.stride[0] for conv in convs(net)] == [1, 2, 1, 2]
    assert not any(name.startswith("pool") for name, _ in net.named_children())


def test_each_block_may_have_a_kernel_and_rates_of_its_own():
    spec = ConvNet((4, 4), 1, kernel_size=(5, 1), conv_dropout=(0, 0.2), drop_connect=(0.3, 0))
    net = spec.build((8, 8), 2)
    assert [conv.kernel_size for conv in convs(net)] == [(5, 5), (1, 1)]
    assert [conv.padding for conv in convs(net)] == [(2, 2), (0, 0)]
    assert [type(conv) for conv in convs(net)] == [DropConnect2d, nn.Conv2d]
    assert (net.conv_0_0.p, net.channel_dropout_1.p) == (0.3, 0.2)
    assert not hasattr(net, "channel_dropout_0")


def test_hidden_layers_follow_the_pooling_of_all_pixels():
    net = ConvNet((4,), hidden=(8, 5), dropout=0.1, conv_dropout=0.2).build((8, 8), 2)
    assert type(net.channel_dropout_0) is ChannelDropout
    assert kinds(net)[-11:] == [
        ("flatten", nn.Flatten),
        ("input_dropout", Dropout),
        ("linear_0", nn.Linear),
        ("norm_0", nn.BatchNorm1d),
        ("activation_0", nn.ReLU),
        ("dropout_0", Dropout),
        ("linear_1", nn.Linear),
        ("norm_1", nn.BatchNorm1d),
        ("activation_1", nn.ReLU),
        ("dropout_1", Dropout),
        ("output", nn.Linear),
    ]


@pytest.mark.parametrize(("head", "pool"), [("avg", "mean"), ("max", "amax"), ("flatten", None)])
def test_the_head_makes_features_of_the_pixels(head, pool):
    net = ConvNet((4,), head=head).build((7, 5), 2).eval()
    x = torch.randn(3, 7, 5)
    pixels = net[: list(dict(net.named_children())).index("pool_0") + 1](x)
    assert pixels.shape == (3, 4, 3, 2)
    features = pixels.flatten(1) if pool is None else getattr(pixels, pool)(dim=(2, 3))
    torch.testing.assert_close(net(x), net.output(features))


# --- shapes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 3), (3, 7, 5), (8, 8, 1), (1, 8, 9), (28, 28)])
@pytest.mark.parametrize("pool", ["max", "avg", "fractional", "stride", None])
@pytest.mark.parametrize("head", ["avg", "flatten"])
def test_images_of_any_size_and_layout_become_outputs(shape, pool, head):
    net = ConvNet((3, 4), 1, pool=pool, head=head).build(shape, 2)
    assert net(torch.randn(5, *shape)).shape == (5, 2)


@pytest.mark.parametrize("pool", ["fractional", "stride", None])
def test_an_image_may_be_one_pixel_where_nothing_is_pooled_away(pool):
    net = ConvNet((3, 4), pool=pool, head="flatten").build((1, 1), 2)
    assert net(torch.randn(5, 1, 1)).shape == (5, 2)


def test_many_channels_are_found_where_one_says_they_are():
    x = torch.randn(5, 12, 9, 8)
    first = ConvNet((3,), channels_axis="first").build((12, 9, 8), 2).eval()
    last = ConvNet((3,), channels_axis="last").build((9, 8, 12), 2).eval()
    last.load_state_dict(first.state_dict())
    torch.testing.assert_close(first(x), last(x.movedim(1, 3)))


@pytest.mark.parametrize("norm", ["layer", "group", GroupNorm(2), nn.BatchNorm2d, None], ids=str)
def test_any_norm_and_activation_may_be_within(norm):
    net = ConvNet((4, 8), norm=norm, activation="prelu_per_feature").build((8, 8), 2)
    assert net(torch.randn(5, 8, 8)).shape == (5, 2)
    assert net.activation_1_0.num_parameters == 8


def test_a_slope_for_each_channel_is_that_of_the_channel():
    net = ConvNet((4,), 1, norm=None, activation="prelu_per_feature", pool=None).build((6, 6), 2)
    slopes = torch.tensor([0.1, 0.2, 0.3, 0.4])
    net.activation_0_0.weight.data.copy_(slopes)
    x = -torch.ones(2, 4, 6, 6).contiguous(memory_format=torch.channels_last)
    assert torch.equal(net.activation_0_0(x)[1, :, 2, 3], -slopes)


def test_random_slopes_are_drawn_pixel_by_pixel():
    net = ConvNet((4,), 1, activation="rrelu").build((6, 6), 2)
    x = -torch.ones(8, 4, 6, 6).contiguous(memory_format=torch.channels_last)
    slopes = -net.activation_0_0.seed_(0)(x)
    assert slopes.unique().numel() > 0.95 * slopes.numel()
    assert slopes.min() >= 1 / 8
    assert slopes.max() <= 1 / 3


# --- parameters and errors ------------------------------------------------------------------


def test_it_is_a_spec_that_can_be_cloned():
    spec = ConvNet((4, 8), norm=BatchNorm(), pool=("max", None))
    twin = clone(spec)
    assert twin.get_params(deep=False).keys() == spec.get_params(deep=False).keys()
    assert repr(twin) == repr(spec)
    assert twin.set_params(norm__momentum=0.5).norm.momentum == 0.5
    assert spec.norm.momentum == 0.1
    assert not ConvNet.foreign


@pytest.mark.parametrize(
    ("shape", "spec", "least"),
    [
        ((7, 5), ConvNet(), 8),
        ((1, 1), ConvNet((4,)), 2),
        ((1, 1), ConvNet((4, 4), pool=("max", "fractional")), 2),
        ((28, 3, 3), ConvNet((4,) * 3, pool=("avg", None, "max"), channels_axis="first"), 4),
    ],
    ids=str,
)
def test_images_too_small_for_the_pooling_are_refused(shape, spec, least):
    size = f"{shape[-2]} x {shape[-1]}"
    text = (
        "The images are too small for the net's pooling. Expected images of "
        f"{least} x {least} pixels or more; got images of {size}. Give it fewer blocks "
        "(channels), pool=None for some, or pool='stride'."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        spec.build(shape, 2)


@pytest.mark.parametrize("channels", [(), 0, (4, 0), (4, 2.5), "4", None, (True,)])
def test_channels_that_are_none_are_refused(channels):
    text = (
        "channels has a size that no net can have. Expected a whole number from 1 up for each "
        f"block; got channels={channels!r}. Correct the number."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        ConvNet(channels).build((8, 8), 2)


@pytest.mark.parametrize("name", ["n_convs", "kernel_size"])
@pytest.mark.parametrize("value", [0, (1,), (1, 0), (1, 1, 1), "1", None, 1.0])
def test_numbers_of_blocks_that_do_not_fit_are_refused(name, value):
    text = (
        f"{name} does not fit the net. Expected one whole number from 1 up, or 2 of them, one "
        f"per block; got {name}={value!r}. Correct the number."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        ConvNet((4, 4), **{name: value}).build((8, 8), 2)


def test_a_kernel_without_a_middle_is_refused():
    text = (
        "kernel_size has no middle. Expected an odd number of pixels; got kernel_size=4. The "
        "usual ones are 3 and 5; 1 is for 1x1 convolutions."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        ConvNet((4, 4), kernel_size=(3, 4)).build((8, 8), 2)


@pytest.mark.parametrize("pool", [("max",), 2, ("max", "avg", None), ()])
def test_poolings_that_do_not_fit_are_refused(pool):
    text = (
        "pool does not fit the net. Expected one name or None, or 2 of them, one per block; got "
        f'pool={pool!r}. Try pool="max".'
    )
    with pytest.raises(ValueError, match=exactly(text)):
        ConvNet((4, 4), pool=pool).build((8, 8), 2)


@pytest.mark.parametrize("bottleneck", [0, 1, -0.5, 2, "0.5", True])
def test_a_bottleneck_that_is_no_share_is_refused(bottleneck):
    text = (
        "bottleneck is no share of the channels. Expected a number between 0 and 1, or None; got "
        f"bottleneck={bottleneck!r}. The usual ones are 0.25 and 0.5."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        ConvNet(bottleneck=bottleneck).build((8, 8), 2)


@pytest.mark.parametrize("name", ["conv_dropout", "drop_connect"])
@pytest.mark.parametrize("value", [1.0, (0.1,), None])
def test_rates_of_blocks_that_do_not_fit_are_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name} does not fit the net. Expected one rate in"):
        ConvNet((4, 4), **{name: value}).build((8, 8), 2)


@pytest.mark.parametrize(
    ("settings", "meant"),
    [
        ({"norm": "btach"}, "batch"),
        ({"activation": "rleu"}, "relu"),
        ({"pool": "mxa"}, "max"),
        ({"pool": ("max", "agv", "max")}, "avg"),
        ({"head": "flaten"}, "flatten"),
    ],
    ids=str,
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(settings, meant):
    with pytest.raises(ValueError, match=rf"Did you mean '{meant}'\?$"):
        ConvNet(**settings).build((8, 8), 2)


def test_rows_that_are_no_images_are_refused():
    with pytest.raises(ValueError, match=r"^These rows are no images\. Expected rows of shape"):
        ConvNet().build((64,), 2)


LEFT = {
    "max": lambda size: size // 2,
    "avg": lambda size: size // 2,
    "fractional": lambda size: max(int(size / 2**0.5), 1) if size else 0,
    "stride": lambda size: (size + 1) // 2,
    None: lambda size: size,
}


@settings(max_examples=60, deadline=None)
@example(height=1, width=3, blocks=[("max", 3, 1), ("fractional", 3, 1)])
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    blocks=st.lists(
        st.tuples(
            st.sampled_from(["max", "avg", "fractional", "stride", None]),
            st.sampled_from([1, 3, 5]),
            st.integers(1, 2),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_any_net_maps_any_image_or_says_that_it_is_too_small(height, width, blocks):
    pools, kernels, n_convs = zip(*blocks, strict=True)
    channels = (2,) * len(blocks)
    spec = ConvNet(channels, n_convs, kernels, norm=None, pool=pools, head="flatten")
    left = min(height, width)
    for pool in pools:
        left = LEFT[pool](left)
    if left == 0:
        with pytest.raises(ValueError, match=r"^The images are too small for the net's pooling\."):
            spec.build((height, width), 3)
        return
    net = spec.build((height, width), 3)
    assert net(torch.zeros(2, height, width)).shape == (2, 3)
