import re

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from sknn_tricks.regularisation import max_norm_


def norms(layer):
    """Norm of the weights into each unit, one unit after the other."""
    weight = layer.weight.detach()
    if not isinstance(layer, nn.modules.conv._ConvTransposeNd):
        return torch.stack([unit.norm() for unit in weight])
    groups = weight.chunk(layer.groups)
    return torch.stack([group[:, o].norm() for group in groups for o in range(group.shape[1])])


LAYERS = {
    "dense": lambda: nn.Linear(5, 4),
    "conv1d": lambda: nn.Conv1d(3, 4, 3),
    "conv2d with groups": lambda: nn.Conv2d(4, 6, 3, groups=2),
    "transposed": lambda: nn.ConvTranspose2d(4, 6, 3),
    "transposed with groups": lambda: nn.ConvTranspose1d(4, 6, 3, groups=2),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_long_units_are_shortened_and_short_ones_stay(make):
    torch.manual_seed(0)
    layer = make()
    with torch.no_grad():
        layer.weight.mul_(torch.linspace(0.2, 3, layer.weight.numel()).view(layer.weight.shape))
    before, weight = norms(layer), layer.weight.detach().clone()
    bound = before.median().item() * 1.0001
    assert (before > bound).any()
    max_norm_(layer, bound)
    torch.testing.assert_close(norms(layer), before.clamp(max=bound))
    kept = torch.isclose(layer.weight, weight, rtol=0, atol=0).double().mean()
    assert 0.2 < kept < 0.9


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    bound=st.floats(1e-3, 1e3),
    scale=st.floats(1e-6, 1e6),
    width=st.integers(1, 9),
)
def test_it_is_a_projection(seed, bound, scale, width):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(width, 3), nn.ReLU(), nn.Linear(3, 2)).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(scale)
    before = [parameter.detach().clone() for parameter in net.parameters()]
    max_norm_(net, bound)
    once = [parameter.detach().clone() for parameter in net.parameters()]
    max_norm_(net, bound)
    for was, first, twice in zip(before, once, net.parameters(), strict=True):
        torch.testing.assert_close(first, twice.detach(), rtol=1e-12, atol=0)
        if was.ndim == 1:  # a bias
            assert torch.equal(first, was)
        else:
            assert (first.norm(dim=1) <= bound * (1 + 1e-12)).all()
            # Scaled down, but not turned.
            assert (first * was >= 0).all()
            assert (first.abs() <= was.abs()).all()


def test_weights_of_zero_stay_zero():
    layer = nn.Linear(3, 2)
    nn.init.zeros_(layer.weight)
    max_norm_(layer, 0.5)
    assert not layer.weight.any()


@pytest.mark.parametrize("bound", [0.0, -1.0, float("nan")])
def test_a_bound_that_is_none_is_refused(bound):
    text = (
        f"bound is no norm of weights. Expected a number above 0; got bound={bound!r}. Try "
        "bound=3.0."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        max_norm_(nn.Linear(2, 2), bound)
