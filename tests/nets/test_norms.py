import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from torch import nn

from sknn_tricks.nets import MLP, NORMS, BatchNorm, ConvNet, GroupNorm, LayerNorm, ResNet
from sknn_tricks.nets._norms import as_norm


def exactly(text):
    return f"^{re.escape(text)}$"


@pytest.mark.parametrize(
    ("norm", "layer"),
    [
        ("batch", nn.BatchNorm1d(6)),
        ("layer", nn.LayerNorm(6)),
        ("group", nn.GroupNorm(3, 6)),
        (BatchNorm(0.3, 1e-3, affine=False), nn.BatchNorm1d(6, 1e-3, 0.3, affine=False)),
        (LayerNorm(1e-3, affine=False), nn.LayerNorm(6, 1e-3, elementwise_affine=False)),
        (GroupNorm(2, 1e-3, affine=False), nn.GroupNorm(2, 6, 1e-3, affine=False)),
        (LayerNorm, nn.LayerNorm(6)),
        (nn.LayerNorm, nn.LayerNorm(6)),
        (nn.BatchNorm1d, nn.BatchNorm1d(6)),
        (nn.BatchNorm2d, nn.BatchNorm1d(6)),
        (nn.GroupNorm, nn.GroupNorm(3, 6)),
        (nn.SyncBatchNorm, nn.SyncBatchNorm(6)),
        (lambda width: nn.GroupNorm(1, width), nn.GroupNorm(1, 6)),
    ],
    ids=lambda each: re.sub(" at 0x.*", "", str(each))[:40],
)
def test_a_norm_makes_its_layer(norm, layer):
    made = as_norm(norm)(6)
    assert type(made) is type(layer)
    assert repr(made) == repr(layer)


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm])
@pytest.mark.parametrize(
    ("spec", "shape"),
    [(MLP((8,)), (6,)), (ConvNet((8,), 1, hidden=8), (8, 8)), (ResNet((8,)), (8, 8))],
    ids=["MLP", "ConvNet", "ResNet"],
)
def test_torchs_classes_are_the_norms_of_their_names(spec, shape, norm):
    name = norm.__name__.removesuffix("1d").removesuffix("2d").removesuffix("Norm").lower()
    built, wanted = (clone(spec).set_params(norm=each).build(shape, 2) for each in (norm, name))
    assert repr(built) == repr(wanted)
    assert built(torch.randn(4, *shape)).shape == (4, 2)


def test_none_is_none():
    assert as_norm(None) is None
    assert as_norm(None, of_images=True) is None


@pytest.mark.parametrize(
    ("norm", "layer"),
    [
        ("batch", nn.BatchNorm2d(6)),
        ("layer", nn.GroupNorm(1, 6)),
        ("group", nn.GroupNorm(3, 6)),
        (BatchNorm(0.3, 1e-3, affine=False), nn.BatchNorm2d(6, 1e-3, 0.3, affine=False)),
        (LayerNorm(1e-3, affine=False), nn.GroupNorm(1, 6, 1e-3, affine=False)),
        (GroupNorm(6, 1e-3, affine=False), nn.GroupNorm(6, 6, 1e-3, affine=False)),
        (LayerNorm, nn.GroupNorm(1, 6)),
        (nn.BatchNorm1d, nn.BatchNorm2d(6)),
        (nn.BatchNorm2d, nn.BatchNorm2d(6)),
        (nn.LayerNorm, nn.GroupNorm(1, 6)),
        (nn.GroupNorm, nn.GroupNorm(3, 6)),
        (nn.InstanceNorm2d, nn.InstanceNorm2d(6)),
        (lambda width: nn.GroupNorm(2, width), nn.GroupNorm(2, 6)),
    ],
    ids=lambda each: re.sub(" at 0x.*", "", str(each))[:40],
)
def test_a_norm_makes_its_layer_of_images(norm, layer):
    made = as_norm(norm, of_images=True)(6)
    assert type(made) is type(layer)
    assert repr(made) == repr(layer)


@pytest.mark.parametrize("name", ["batch", "layer", "group"])
def test_images_are_normalised_over_channels_and_pixels(name):
    x = 3 + 2 * torch.randn(8, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    normal = as_norm(name, of_images=True)(4)(x)
    over = {"batch": normal.transpose(0, 1), "layer": normal, "group": normal.view(16, 2, 5, 6)}
    parts = over[name].flatten(1)
    torch.testing.assert_close(parts.mean(dim=1), torch.zeros(len(parts)), atol=1e-5, rtol=0)
    std = parts.std(dim=1, correction=0)
    torch.testing.assert_close(std, torch.ones(len(parts)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["batch", "layer", "group"])
def test_images_of_one_channel_can_be_normalised(name):
    x = torch.randn(8, 1, 5, 6)
    assert as_norm(name, of_images=True)(1)(x).std().item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("norm", [BatchNorm(eps=0), LayerNorm(0), GroupNorm(eps=0)], ids=str)
def test_settings_are_checked_for_images_too(norm):
    with pytest.raises(ValueError, match=r"^eps is nothing to add to a variance\."):
        norm.of_images(6)


def test_groups_of_channels_that_do_not_fit_are_refused():
    text = (
        "norm='group' does not fit a layer of 6 features. Expected groups of equal size, of 1 "
        "features or more; got 6 features in groups=4. Choose another width, another number of "
        "groups, or norm='batch'."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        GroupNorm(4).of_images(6)


@given(st.integers(2, 200))
def test_auto_makes_as_many_groups_as_a_width_allows(width):
    n = GroupNorm()(width).num_groups
    assert width % n == 0
    assert width // n >= 2
    assert not any(width % more == 0 and width // more >= 2 for more in range(n + 1, 9))


def test_settings_are_parameters_of_the_net_and_are_cloned():
    spec = MLP(norm=BatchNorm())
    assert spec.set_params(norm__momentum=0.5).norm.momentum == 0.5
    assert clone(spec).norm is not spec.norm
    assert NORMS["batch"].momentum == 0.1


@pytest.mark.parametrize("norm", ["btach", 3, nn.LayerNorm(6)], ids=str)
def test_what_is_no_norm_is_refused(norm):
    with pytest.raises(ValueError, match=r"Expected one of 'batch', 'group', 'layer'; got"):
        as_norm(norm)


@pytest.mark.parametrize("momentum", [0.0, -1, 1.5])
def test_a_momentum_that_is_none_is_refused(momentum):
    text = (
        f"momentum is no share of a step. Expected a number in (0, 1]; got momentum={momentum}. "
        "It is the share that a batch has in the running averages, such as 0.1."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        BatchNorm(momentum)(6)


@pytest.mark.parametrize("cls", [BatchNorm, LayerNorm, GroupNorm])
def test_an_eps_of_0_is_refused(cls):
    text = (
        "eps is nothing to add to a variance. Expected a number above 0; got eps=0.0. The usual "
        "one is eps=1e-5."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        cls(eps=0.0)(6)


@pytest.mark.parametrize(
    ("norm", "width", "got", "name"),
    [
        (GroupNorm(4), 6, "6 features in groups=4", "group"),
        (GroupNorm(6), 6, "6 features in groups=6", "group"),
        (GroupNorm(0), 6, "6 features in groups=0", "group"),
        (GroupNorm("all"), 6, "6 features in groups='all'", "group"),
        (GroupNorm(), 1, "1 features in groups=1", "group"),
        (LayerNorm(), 1, "1 features", "layer"),
    ],
    ids=str,
)
def test_groups_that_do_not_fit_are_refused(norm, width, got, name):
    text = (
        f"norm='{name}' does not fit a layer of {width} features. Expected groups of equal size, "
        f"of 2 features or more; got {got}. Choose another width, another number of groups, or "
        "norm='batch'."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        norm(width)


def test_normalised_numbers_have_mean_0_and_variance_1_over_what_they_are_normalised_over():
    x = 3 + 2 * torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    by_batch, by_row, by_group = (as_norm(name)(6)(x) for name in ("batch", "layer", "group"))
    for normal in (by_batch.T, by_row, by_group.reshape(-1, 2)):
        torch.testing.assert_close(normal.mean(dim=1), torch.zeros(len(normal)), atol=1e-5, rtol=0)
        std = normal.std(dim=1, correction=0)
        assert std.median().item() == pytest.approx(1, abs=1e-3)
