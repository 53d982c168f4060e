import pytest
import torch
from torch import nn

from sknn_tricks.nets import MLP, ConvNet, ResNet
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


def test_those_of_the_users_own_convolutions_are_not_known():
    assert count_products(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())) is None
