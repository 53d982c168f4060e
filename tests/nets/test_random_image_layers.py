"""ChannelDropout and DropConnect2d against their definitions."""

import copy
import re

import pytest
import torch
from torch import nn
from torch.nn import functional

from sknn_tricks.nets import ChannelDropout, DropConnect2d

LAYERS = {
    "channel dropout": lambda: ChannelDropout(0.4),
    "drop connect": lambda: DropConnect2d(6, 6, 3, padding=1, p=0.4),
}


@pytest.fixture
def x():
    return torch.randn(20, 6, 5, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", LAYERS)
def test_the_same_seed_gives_the_same_numbers_and_another_others(kind, x):
    layer = LAYERS[kind]()
    before = torch.get_rng_state()
    first, again, other = (layer.seed_(seed)(x) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_copy_goes_on_with_a_stream_of_its_own(kind, x):
    layer = LAYERS[kind]().seed_(0)
    first = layer(x)
    second = copy.deepcopy(layer)(x)
    assert torch.equal(second, layer(x))
    assert not torch.equal(second, first)


@pytest.mark.parametrize("kind", LAYERS)
def test_prediction_draws_nothing(kind, x):
    layer = LAYERS[kind]().seed_(0)
    first, second = layer.eval()(x), layer.eval()(x)
    assert torch.equal(first, second)
    assert torch.equal(layer.train()(x), layer.seed_(0)(x))


@pytest.mark.parametrize("kind", LAYERS)
def test_in_the_mean_training_is_prediction(kind, x):
    layer = LAYERS[kind]().double().seed_(0)
    x = x[:2].double()
    steps = torch.stack([layer(x) for _ in range(2000)])
    error = (steps.mean(dim=0) - layer.eval()(x)).abs()
    assert (error <= 5 * steps.std(dim=0) / 2000**0.5 + 1e-9).all()


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_are_those_of_differences(kind, x):
    layer = LAYERS[kind]().double()
    x = x[:2, :, :2, :2].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: layer.seed_(1)(x), x)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_factor_of_a_schedule_multiplies_the_rate(kind, x):
    layer = LAYERS[kind]().seed_(0)
    layer.factor = 0.0
    torch.testing.assert_close(layer(x), layer.eval()(x))


@pytest.mark.parametrize("shape", [(300, 20, 3, 2), (300, 20, 3)])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_channels_are_dropped_as_a_whole(shape, order):
    x = torch.ones(shape)
    x = x.contiguous(memory_format=order) if x.ndim == 4 else x
    channels = ChannelDropout(0.3).seed_(0)(x).flatten(0, 1).flatten(1)
    kept = channels[:, 0] != 0
    assert torch.equal(channels[kept], torch.full_like(channels[kept], 1 / 0.7))
    assert not channels[~kept].any()
    assert (~kept).double().mean().item() == pytest.approx(0.3, abs=5 * (0.21 / 6000) ** 0.5)


def test_each_weight_of_a_convolution_is_dropped_for_all_rows_and_pixels_of_a_step():
    layer = DropConnect2d(30, 20, (3, 2), bias=False, p=0.3).seed_(0)
    nn.init.ones_(layer.weight)
    # An image of one pixel for each weight of a filter.
    images = torch.eye(180).view(180, 30, 3, 2)
    seen = layer(images).flatten()
    kept = seen > 0.5
    torch.testing.assert_close(seen[kept], torch.full_like(seen[kept], 1 / 0.7))
    assert not seen[~kept].any()
    share = kept.double().mean().item()
    assert share == pytest.approx(0.7, abs=5 * (0.21 / kept.numel()) ** 0.5)


def test_it_is_a_convolution(x):
    layer = DropConnect2d(6, 4, 3, stride=2, padding=1, p=0.4)
    assert isinstance(layer, nn.Conv2d)
    assert repr(layer) == (
        "DropConnect2d(6, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), p=0.4)"
    )
    expected = functional.conv2d(x, layer.weight, layer.bias, stride=2, padding=1)
    assert torch.equal(layer.eval()(x), expected)


@pytest.mark.parametrize("p", [1.0, -0.1])
@pytest.mark.parametrize(
    ("make", "what"),
    [(ChannelDropout, "dropout"), (lambda p: DropConnect2d(3, 2, 1, p=p), "DropConnect")],
)
def test_a_rate_outside_0_to_1_is_refused(make, what, p):
    text = (
        f"p is no rate of {what}. Expected a rate p in [0, 1); got p={p}. "
        "p is the share that is dropped, such as 0.2."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        make(p)
