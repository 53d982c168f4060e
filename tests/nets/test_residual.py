import torch
from torch import nn

from sknn_tricks.nets import Residual


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
