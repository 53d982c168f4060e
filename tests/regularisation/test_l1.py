import torch
from torch import nn

from sknn_tricks.regularisation import add_l1


def test_the_gradient_is_that_of_the_penalty():
    torch.manual_seed(0)
    by_us, by_torch = nn.Linear(4, 3), nn.Linear(4, 3)
    by_torch.load_state_dict(by_us.state_dict())
    x = torch.randn(5, 4)
    by_us(x).square().sum().backward()
    add_l1([by_us.weight], 0.3)
    (by_torch(x).square().sum() + 0.3 * by_torch.weight.abs().sum()).backward()
    torch.testing.assert_close(by_us.weight.grad, by_torch.weight.grad)
    torch.testing.assert_close(by_us.bias.grad, by_torch.bias.grad)


def test_a_parameter_without_gradient_is_left_alone():
    weight = nn.Parameter(torch.ones(2))
    add_l1([weight], 1.0)
    assert weight.grad is None
