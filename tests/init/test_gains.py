import pytest
import torch
from torch import nn

from sknn_tricks.init import GAINS, gain_of
from sknn_tricks.nets import ACTIVATIONS, RReLU, make_activation

Z = torch.randn(400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
RECTIFIERS = [
    *(nn.ReLU(), nn.LeakyReLU(), nn.LeakyReLU(0.5), nn.LeakyReLU(1.0)),
    *(nn.PReLU(), nn.PReLU(3, init=0.8), RReLU(), RReLU(-0.5, 1.0), nn.RReLU(0.5, 0.7)),
]


@pytest.mark.parametrize("activation", RECTIFIERS, ids=repr)
def test_a_rectifier_keeps_the_mean_square_of_a_signal_times_its_gain(activation):
    activation.double()
    if isinstance(activation, RReLU):
        activation.seed_(0)
    z = gain_of(activation) * Z
    out = activation(z.view(-1, 1).expand(-1, 3) if z.ndim == 1 else z)
    assert out.square().mean().item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.SELU()])
def test_saturating_ones_have_torchs_gains(activation):
    name = type(activation).__name__.lower()
    expected = {"tanh": nn.init.calculate_gain("tanh"), "selu": 1.0}[name]
    assert gain_of(activation) == pytest.approx(expected)


def test_a_slope_that_was_learnt_counts():
    activation = nn.PReLU(2)
    with torch.no_grad():
        activation.weight.copy_(torch.tensor([0.0, 1.0]))
    assert gain_of(activation) == pytest.approx((2 / 1.5) ** 0.5)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_all_activations_by_name_have_a_gain(name):
    assert type(make_activation(name)) in GAINS


@pytest.mark.parametrize("activation", [None, nn.Identity(), nn.Softmax(dim=1)], ids=str)
def test_what_is_not_known_has_a_gain_of_1(activation):
    assert gain_of(activation) == 1.0
