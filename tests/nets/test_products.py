import pytest
import torch
from torch import nn

from sknn_tricks._image_layout import image_layout
from sknn_tricks.nets import MLP, ConvNet, ImageInput, ResNet
from sknn_tricks.nets._products import count_products


def counted(net, shape):
    """Return the products of a forward pass, as it happens."""
    total = 0

    def count(layer, _, output):
        nonlocal total
        total += layer.weight[0].numel() * output.numel()

    for part in net.modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            part.register_forward_hook(count)
    net.eval()(torch.zeros(1, *shape))
    return total


SPECS = {
    "mlp": MLP((8, 4)),
    "conv": ConvNet((4, 6), bottleneck=0.5, hidden=(5,)),
    "kernels": ConvNet((4, 6), kernel_size=(5, 1), pool=("stride", None), head="flatten"),
    "fractional": ConvNet((4, 6, 8), pool="fractional", head="max"),
    "average": ConvNet((4, 6), pool="avg", drop_connect=0.1),
    "residual": ResNet((4, 6), 2),
    "bottleneck": ResNet((8, 16), block="bottleneck", pre_activation=True, stride=2, kernel_size=5),
}


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize("shape", [(9, 6), (7, 5, 3)])
def test_products_are_those_of_a_forward_pass(kind, shape):
    net = SPECS[kind].build(shape, 3)
    assert count_products(net) == counted(net, shape)


CONVS = {
    "same": {"padding": "same", "dilation": 2},
    "valid": {"padding": "valid", "kernel_size": (3, 2)},
    "dilated": {"dilation": (2, 1), "padding": (1, 0), "stride": 2},
}


@pytest.mark.parametrize("kind", CONVS)
def test_products_of_convolutions_with_other_settings(kind):
    settings = {"kernel_size": 3, **CONVS[kind]}
    net = nn.Sequential(
        ImageInput(image_layout((9, 8))),
        nn.Conv2d(1, 2, **settings),
        nn.MaxPool2d(2, dilation=2),
        nn.Conv2d(2, 3, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(3, 2),
    )
    assert count_products(net) == counted(net, (9, 8))


def test_products_of_a_body_with_a_head_of_its_own():
    body = ConvNet((4,), n_convs=1).build((9, 6), 5)
    net = nn.Sequential(nn.Sequential(body), nn.Linear(5, 2))
    assert count_products(net) == counted(net, (9, 6))


def test_those_of_the_users_own_convolutions_are_not_known():
    assert count_products(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())) is None
