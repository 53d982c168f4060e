import pytest
import torch
from torch import nn

from sknn_tricks.nets import ProjectedResidual, Residual


def test_the_block_adds_its_input_to_what_its_layers_make_of_it():
    inner = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 4))
    block = Residual(*inner)
    x = torch.randn(5, 4)
    torch.testing.assert_close(block(x), x + inner(x))


def test_without_layers_it_doubles():
    x = torch.randn(5, 4)
    assert torch.equal(Residual()(x), 2 * x)


def test_the_gradient_goes_both_ways():
    block = Residual(nn.Linear(4, 4))
    x = torch.randn(5, 4, requires_grad=True)
    block(x).sum().backward()
    torch.testing.assert_close(x.grad, 1 + block[0].weight.sum(dim=0).expand(5, 4))


def test_it_is_a_sequence_of_its_layers():
    layers = [nn.Linear(4, 4), nn.ReLU()]
    block = Residual(*layers)
    assert list(block) == layers
    assert [name for name, _ in block.named_parameters()] == ["0.weight", "0.bias"]


def test_the_input_stays_as_it_is():
    x = torch.randn(5, 4)
    before = x.clone()
    Residual(nn.Linear(4, 4), nn.ReLU(inplace=True))(x)
    assert torch.equal(x, before)


def test_a_first_layer_that_works_in_place_leaves_the_input_alone():
    x = torch.randn(5, 4)
    torch.testing.assert_close(Residual(nn.ReLU(inplace=True))(x.clone()), x + x.relu())


def test_it_starts_as_the_identity_if_it_is_to_start_at_zero():
    inner = nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.5))
    block = Residual(nn.Linear(4, 6), inner, nn.ReLU(), starts_at_zero=True)
    x = torch.randn(5, 4)
    assert torch.equal(block(x), x)
    assert block[0].weight.any()


def test_convolutions_start_at_zero_too():
    block = Residual(nn.Conv1d(3, 3, 1), nn.Conv1d(3, 3, 1, bias=False), starts_at_zero=True)
    x = torch.randn(5, 3, 7)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize(
    "norm", [nn.BatchNorm1d(4), nn.LayerNorm(4), nn.GroupNorm(2, 4)], ids=lambda e: type(e).__name__
)
def test_where_a_norm_with_a_scale_is_last_that_starts_at_zero(norm):
    block = Residual(nn.Linear(4, 4), norm, nn.ReLU(), starts_at_zero=True)
    x = torch.randn(5, 4)
    assert torch.equal(block(x), x)
    assert not norm.weight.any()
    assert block[0].weight.any()


def test_a_norm_without_a_scale_does_not():
    block = Residual(nn.Linear(4, 4), nn.BatchNorm1d(4, affine=False), starts_at_zero=True)
    x = torch.randn(5, 4)
    assert torch.equal(block(x), x)
    assert not block[0].weight.any()


def test_a_first_layer_of_a_layer_that_works_in_place_leaves_the_input_alone():
    x = torch.randn(5, 4)
    block = Residual(nn.Sequential(nn.ReLU(inplace=True)))
    torch.testing.assert_close(block(x.clone()), x + x.relu())


# --- with a projection ----------------------------------------------------------------------


@pytest.fixture
def projected():
    branch = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    return ProjectedResidual(branch, nn.Sequential(nn.Linear(4, 3)))


def test_it_adds_what_both_ways_make_of_the_input(projected):
    x = torch.randn(5, 4)
    torch.testing.assert_close(projected(x), projected.branch(x) + projected.shortcut(x))


def test_only_the_branch_starts_at_zero(projected):
    branch, shortcut = projected.branch, projected.shortcut
    block = ProjectedResidual(branch, shortcut, starts_at_zero=True)
    x = torch.randn(5, 4)
    assert torch.equal(block(x), shortcut(x))
    assert shortcut[0].weight.any()
    assert branch[0].weight.any()


@pytest.mark.parametrize("in_place", ["branch", "shortcut"])
def test_a_way_that_works_in_place_leaves_the_input_to_the_other(in_place):
    ways = {"branch": nn.Sequential(nn.Tanh()), "shortcut": nn.Sequential(nn.Tanh())}
    ways[in_place] = nn.Sequential(nn.ReLU(inplace=True))
    x = torch.randn(5, 4)
    before = x.clone()
    out = ProjectedResidual(**ways)(x)
    assert torch.equal(x, before)
    torch.testing.assert_close(out, x.tanh() + x.relu())
