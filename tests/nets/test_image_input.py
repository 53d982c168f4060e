import pytest
import torch

from sknn_tricks._image_layout import image_layout
from sknn_tricks.nets import ImageInput

SHAPES = {
    "grey": ((7, 5), "auto"),
    "last": ((7, 5, 3), "auto"),
    "first": ((3, 7, 5), "auto"),
    "one last": ((7, 5, 1), "auto"),
    "one first": ((1, 7, 5), "auto"),
    "one pixel": ((1, 1), "auto"),
    "many last": ((7, 5, 12), "last"),
    "many first": ((12, 7, 5), "first"),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_pixels_and_channels_are_where_convolutions_take_them(kind):
    shape, channels = SHAPES[kind]
    layout = image_layout(shape, channels)
    x = torch.randn(4, *shape)
    images = ImageInput(layout)(x)
    assert images.shape == (4, layout.n_channels, layout.height, layout.width)
    assert torch.equal(layout.from_nchw(images), x)


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("n_rows", [0, 1, 4])
def test_channels_come_last_in_memory(kind, n_rows):
    shape, channels = SHAPES[kind]
    layout = image_layout(shape, channels)
    images = ImageInput(layout)(torch.zeros(n_rows, *shape))
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert images.stride(1) == 1


def test_layers_behind_it_keep_the_order_in_memory():
    net = torch.nn.Sequential(
        ImageInput(image_layout((8, 8))),
        torch.nn.Conv2d(1, 4, 3, padding=1),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
    )
    assert net(torch.randn(3, 8, 8)).stride(1) == 1


def test_it_says_what_it_takes():
    text = "ImageInput(channels='first', n_channels=3, height=7, width=5)"
    assert repr(ImageInput(image_layout((3, 7, 5)))) == text


@pytest.mark.parametrize("shape", [(7, 5), (3, 7, 5), (7, 5, 3)])
def test_a_shape_is_as_good_as_a_layout(shape):
    assert ImageInput(shape).layout == image_layout(shape)
