import copy
from functools import partial

import pytest
import torch
from torch import nn

from sknn_tricks.fused.stacks._norms import BatchNorm, GroupNorm, LayerNorm

WIDTHS = [1, 5, 32, 33]
GROUPS = [(1, 5), (2, 6), (5, 10), (8, 32), (3, 33), (40, 80)]


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


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("n_groups", "width"), GROUPS)
def test_groups_are_the_plain_ones(assert_alike, n_groups, width, training, affine):
    plain = norms(partial(nn.GroupNorm, n_groups), width, affine=affine)
    assert_alike(plain, width, training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("width", [5, 33])
@pytest.mark.parametrize(
    ("cls", "settings"),
    [
        (nn.BatchNorm1d, {"affine": False}),
        (nn.BatchNorm1d, {"bias": False}),
        (nn.LayerNorm, {"elementwise_affine": False}),
        (nn.LayerNorm, {"bias": False}),
    ],
)
def test_norms_that_learn_less_are_the_plain_ones(assert_alike, cls, settings, width, training):
    assert_alike(norms(cls, width, **settings), width, training)


@pytest.mark.parametrize("n_rows", [2, 3, 8])
@pytest.mark.parametrize("cls", [nn.BatchNorm1d, nn.LayerNorm, partial(nn.GroupNorm, 1)])
def test_norms_are_the_plain_ones_whatever_the_number_of_rows(assert_alike, cls, n_rows):
    assert_alike(norms(cls, 5), 5, n_rows=n_rows)


@pytest.mark.parametrize(
    "plain",
    [
        [nn.BatchNorm1d(6, eps, momentum) for eps, momentum in ((1e-5, 0.1), (0.1, 0.7))],
        [nn.LayerNorm(6, eps) for eps in (1e-5, 0.5)],
        [nn.GroupNorm(2, 6, eps) for eps in (1e-5, 0.5)],
    ],
    ids=["batch", "layer", "group"],
)
def test_members_have_settings_of_their_own(assert_alike, plain):
    assert_alike([layer.double() for layer in plain], 6)


@pytest.mark.parametrize("layer", [BatchNorm, LayerNorm, GroupNorm])
def test_some_members_have_their_own_settings(padded_rows, layer):
    make = {BatchNorm: nn.BatchNorm1d, LayerNorm: nn.LayerNorm}.get(layer, partial(nn.GroupNorm, 2))
    whole = layer([make(6, eps=eps).double() for eps in (1e-5, 0.5, 2.0)], 6)
    x = padded_rows(3, 4, 6)
    wanted = whole.forward(x.clone(), False).clone()
    assert torch.equal(whole.of(slice(1, 3)).forward(x[1:].clone(), False), wanted[1:])
    whole.keep(torch.tensor([2, 0]))
    assert torch.equal(whole.forward(x[[2, 0]], False), wanted[[2, 0]])


def test_group_norm_is_exact_far_from_0(padded_rows):
    torch.manual_seed(0)
    x = (padded_rows(1, 64, 32) + 1000).float()
    output = GroupNorm([nn.GroupNorm(4, 32)], 32).forward(x.clone(), True)
    exact = nn.functional.group_norm(x[0].double(), 4)
    torch.testing.assert_close(output[0].double(), exact, rtol=0, atol=2e-3)


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
        nn.BatchNorm1d(3, track_running_stats=False),
        nn.BatchNorm1d(3, momentum=None),
    ],
)
def test_an_unusual_batch_norm_is_refused(module):
    text = "a BatchNorm1d without running statistics or momentum"
    assert BatchNorm.refuses(module) == text


def test_a_layer_norm_of_several_axes_is_refused():
    assert LayerNorm.refuses(nn.LayerNorm((3, 2))) == "a LayerNorm of several axes"


@pytest.mark.parametrize("module", [nn.BatchNorm1d(3), nn.LayerNorm(3), nn.LayerNorm([3])])
def test_a_usual_norm_is_not_refused(module):
    layer = BatchNorm if isinstance(module, nn.BatchNorm1d) else LayerNorm
    assert layer.refuses(module) is None


@pytest.mark.parametrize("cls", [nn.BatchNorm1d, nn.LayerNorm, partial(nn.GroupNorm, 2)])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("after", [nn.ReLU(), nn.Dropout(0.4), nn.BatchNorm1d(6)], ids=str)
def test_what_follows_may_work_in_place(assert_alike, cls, affine, after):
    torch.manual_seed(3)
    key = "elementwise_affine" if cls is nn.LayerNorm else "affine"
    net = [nn.Linear(4, 6), cls(6, **{key: affine}), after, nn.Linear(6, 2)]
    assert_alike([nn.Sequential(*copy.deepcopy(net)).double() for _ in range(2)], 4)
