"""Which axis of an image is what, and what is said where one cannot tell."""

import re

import pytest
import torch

from sknn_tricks._image_layout import ImageLayout, image_layout
from sknn_tricks.nets import ConvNet, ResNet

SHAPE = (8, 9, 8)


@pytest.mark.parametrize(
    ("shape", "channels", "expected"),
    [
        ((8, 9), "auto", (None, 1, 8, 9)),
        ((8, 9, 4), "auto", ("last", 4, 8, 9)),
        ((4, 8, 9), "auto", ("first", 4, 8, 9)),
        (SHAPE, "first", ("first", 8, 9, 8)),
        (SHAPE, "last", ("last", 8, 8, 9)),
        ((3, 3, 3), "last", ("last", 3, 3, 3)),
    ],
)
def test_axes(shape, channels, expected):
    layout = image_layout(shape, channels)
    assert layout == ImageLayout(*expected)
    x = torch.rand(2, *shape)
    assert layout.to_nchw(x).shape == (2, *expected[1:])
    assert torch.equal(layout.from_nchw(layout.to_nchw(x)), x)


@pytest.mark.parametrize("name", ["channels", "channels_axis"])
def test_errors_name_the_parameter(name):
    texts = {
        "auto": "It is not clear which axis of the images has their channels. Expected one axis, "
        "the first or the last, of length 4 or less; got rows of shape (8, 9, 8). "
        f'Say it with {name}="first" or {name}="last".',
        "lats": f"{name} is no axis of images. Expected 'auto', 'first' or 'last'; "
        f"got {name}='lats'. 'last' is for images of shape (H, W, C), 'first' for (C, H, W).",
    }
    for channels, text in texts.items():
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            image_layout(SHAPE, channels, name)


@pytest.mark.parametrize("net", [ConvNet, ResNet])
def test_nets_name_theirs_and_do_as_it_says(net):
    with pytest.raises(ValueError, match=r'Say it with channels_axis="first" or channels_axis='):
        net().build(SHAPE, 2)
    with pytest.raises(ValueError, match=r"^channels_axis is no axis .* got channels_axis='lats'"):
        net(channels_axis="lats").build(SHAPE, 2)
    for axis in ("first", "last"):
        assert net(channels_axis=axis).build(SHAPE, 2)(torch.rand(2, *SHAPE)).shape == (2, 2)
