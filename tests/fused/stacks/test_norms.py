import pytest
import torch
from torch import nn

from sknn_tricks.fused.stacks._norms import BatchNorm, LayerNorm

WIDTHS = [1, 5, 32, 33]


def norms(cls, width, n_members=3, **settings):
    """Plain layers whose tensors are not what they start with."""
    torch.manual_seed(5)
    layers = [cls(width, **settings).double() for _ in range(n_members)]
    for layer in layers:
        for tensor in layer.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 2)
    return layers


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("cls", [nn.BatchNorm1d, nn.LayerNorm])
def test_norms_are_the_plain_ones(assert_alike, cls, width, training):
    assert_alike(norms(cls, width), width, training)


@pytest.mark.parametrize("n_rows", [2, 3, 8])
@pytest.mark.parametrize("cls", [nn.BatchNorm1d, nn.LayerNorm])
def test_norms_are_the_plain_ones_whatever_the_number_of_rows(assert_alike, cls, n_rows):
    assert_alike(norms(cls, 5), 5, n_rows=n_rows)


@pytest.mark.parametrize("settings", [{"eps": 0.1}, {"momentum": 0.5}, {"momentum": 0.0}])
def test_batch_norm_keeps_to_its_settings(assert_alike, settings):
    assert_alike(norms(nn.BatchNorm1d, 5, **settings), 5)


def test_layer_norm_keeps_to_its_eps(assert_alike):
    assert_alike(norms(nn.LayerNorm, 5, eps=0.1), 5)


def test_running_statistics_gather_over_the_steps(padded_rows):
    plain = norms(nn.BatchNorm1d, 5)
    layer = BatchNorm(plain, 5)
    for seed in range(4):
        torch.manual_seed(seed)
        x = 3 + 2 * padded_rows(3, 6, 5)
        layer.forward(x.clone(), True)
        for module, each in zip(plain, x, strict=True):
            module(each[:, :5])
    shown = nn.BatchNorm1d(5).double()
    for k, module in enumerate(plain):
        layer.point(shown, k)
        torch.testing.assert_close(shown.state_dict(), module.state_dict())


def test_batch_norm_is_exact_far_from_0(padded_rows):
    torch.manual_seed(0)
    x = (padded_rows(1, 64, 32) + 1000).float()
    layer = BatchNorm([nn.BatchNorm1d(32)], 32)
    output = layer.forward(x.clone(), True)
    exact = nn.functional.batch_norm(x[0].double(), None, None, training=True)
    torch.testing.assert_close(output[0].double(), exact, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    "module",
    [
        nn.BatchNorm1d(3, affine=False),
        nn.BatchNorm1d(3, track_running_stats=False),
        nn.BatchNorm1d(3, momentum=None),
    ],
)
def test_an_unusual_batch_norm_is_refused(module):
    text = "a BatchNorm1d without affine, running statistics or momentum"
    assert BatchNorm.refuses(module) == text


@pytest.mark.parametrize(
    "module",
    [
        nn.LayerNorm((3, 2)),
        nn.LayerNorm(3, bias=False),
        nn.LayerNorm(3, elementwise_affine=False),
    ],
)
def test_an_unusual_layer_norm_is_refused(module):
    text = "a LayerNorm of several axes or without weight and bias"
    assert LayerNorm.refuses(module) == text


@pytest.mark.parametrize("module", [nn.BatchNorm1d(3), nn.LayerNorm(3), nn.LayerNorm([3])])
def test_a_usual_norm_is_not_refused(module):
    layer = BatchNorm if isinstance(module, nn.BatchNorm1d) else LayerNorm
    assert layer.refuses(module) is None
