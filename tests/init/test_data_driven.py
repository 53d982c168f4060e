import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sknn_tricks.init import initialize, needs_batch
from sknn_tricks.nets import MLP, Dropout, Residual

DATA_DRIVEN = ["lsuv", "unit_variance"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def rows(*shape, scale=1.0, shift=0.0):
    return shift + scale * torch.randn(shape, generator=generator(1))


@torch.no_grad()
def outputs(net, x):
    """Return what each linear or convolutional layer makes of x."""
    seen = []
    parts = [e for e in net.modules() if isinstance(e, nn.Linear | nn.modules.conv._ConvNd)]
    hooks = [e.register_forward_hook(lambda *each: seen.append(each[2])) for e in parts]
    net.eval()(x)
    for hook in hooks:
        hook.remove()
    return seen


def assert_unit(net, x, init):
    for output in outputs(net, x):
        if init == "lsuv":
            assert output.std(correction=0).item() == pytest.approx(1, abs=1e-4)
        else:
            units = output.movedim(1, -1).flatten(0, -2)
            std = units.std(dim=0, correction=0)
            torch.testing.assert_close(std, torch.ones_like(std), rtol=1e-4, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(
    init=st.sampled_from(DATA_DRIVEN),
    activation=st.sampled_from(["relu", "tanh", "sigmoid", "gelu"]),
    depth=st.integers(1, 8),
    scale=st.floats(1e-3, 1e3),
    shift=st.floats(-2, 2),
    bias=st.sampled_from([0.0, 0.1]),
)
def test_all_pre_activations_have_variance_1(init, activation, depth, scale, shift, bias):
    net = MLP(hidden=(40,) * depth, activation=activation).build((10,), 3)
    x = rows(200, 10, scale=scale, shift=shift * scale)
    initialize(net, init, generator(), bias=bias, batch=x)
    assert_unit(net, x, init)


CONVS = {
    "conv": lambda: nn.Conv2d(4, 6, 3),
    "conv of groups": lambda: nn.Conv2d(4, 6, 3, groups=2),
    "transposed": lambda: nn.ConvTranspose2d(4, 6, 3),
    "transposed of groups": lambda: nn.ConvTranspose2d(4, 6, 3, groups=2),
}


@pytest.mark.parametrize("init", DATA_DRIVEN)
@pytest.mark.parametrize("kind", CONVS)
def test_convolutions_too(kind, init):
    net = nn.Sequential(CONVS[kind](), nn.ReLU(), nn.Conv2d(6, 5, 2))
    x = rows(50, 4, 6, 6, scale=3.0)
    initialize(net, init, generator(), batch=x)
    assert_unit(net, x, init)


def test_lsuv_keeps_the_layers_orthogonal():
    net = nn.Sequential(nn.Linear(20, 10), nn.ReLU(), nn.Linear(10, 30))
    initialize(net, "lsuv", generator(), batch=rows(100, 20))
    for gram in (net[0].weight @ net[0].weight.T, net[2].weight.T @ net[2].weight):
        torch.testing.assert_close(gram / gram[0, 0], torch.eye(10), atol=1e-5, rtol=0)


def test_layers_are_scaled_in_the_order_of_the_forward_pass():
    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.second, self.first = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x):
            return self.second(self.first(x).relu())

    net, x = Turned(), rows(100, 8)
    initialize(net, "lsuv", generator(), batch=x)
    assert_unit(net, x, "lsuv")


def test_a_layer_that_is_used_twice_is_scaled_when_it_is_used_first():
    layer = nn.Linear(8, 8)
    net, x = nn.Sequential(layer, nn.Tanh(), layer), rows(100, 8, scale=5.0)
    initialize(net, "lsuv", generator(), batch=x)
    assert layer(x).std(correction=0).item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("init", DATA_DRIVEN)
def test_what_has_no_spread_keeps_its_weights(init):
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    initialize(net, init, generator(), batch=torch.ones(20, 4))
    assert all(parameter.isfinite().all() for parameter in net.parameters())
    assert net[0].weight.abs().max() < 10


@pytest.mark.parametrize("init", DATA_DRIVEN)
def test_blocks_that_start_at_zero_do(init):
    net = nn.Sequential(
        nn.Linear(4, 6), Residual(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), starts_at_zero=True)
    )
    initialize(net, init, generator(), batch=rows(20, 4))
    assert not net[1][2].weight.any()


@pytest.mark.parametrize("init", DATA_DRIVEN)
def test_the_rows_leave_no_other_trace(init):
    net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), Dropout(0.5).eval())
    x = rows(20, 4)
    before = x.clone()
    initialize(net, init, generator(), batch=x)
    assert torch.equal(x, before)
    assert not net[1].running_mean.any()
    assert [part.training for part in net] == [True, True, True, False]
    assert not any(part._forward_hooks for part in net)
    assert all(parameter.grad_fn is None for parameter in net.parameters())


def test_a_pass_that_fails_leaves_no_hooks_behind():
    net = nn.Sequential(nn.Linear(4, 6), nn.Linear(5, 2)).train()
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        initialize(net, "lsuv", generator(), batch=rows(20, 4))
    assert net.training
    assert not any(part._forward_hooks for part in net)


@pytest.mark.parametrize("init", DATA_DRIVEN)
def test_the_same_seed_and_rows_give_the_same_weights(init):
    nets = [nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)) for _ in range(2)]
    for net in nets:
        initialize(net, init, generator(3), batch=rows(20, 4))
    assert torch.equal(nets[0][2].weight, nets[1][2].weight)


def test_who_needs_a_batch():
    class Own:
        def __call__(self, weight, gain, generator):
            weight.fill_(1.0)

        def rescale(self, module, batch):
            for part in module.modules():
                if isinstance(part, nn.Linear):
                    part.weight.fill_(len(batch))

    assert all(needs_batch(init) for init in (*DATA_DRIVEN, Own()))
    assert not any(needs_batch(init) for init in ("auto", "orthogonal", lambda *_: None))
    layer = nn.Linear(2, 2)
    initialize(layer, Own(), generator(), batch=rows(7, 2))
    assert torch.equal(layer.weight, torch.full((2, 2), 7.0))


def test_without_rows_it_is_refused_and_nothing_changes():
    text = (
        "init='lsuv' looks at data. Expected batch=<some hundred rows>; got batch=None. Give rows "
        "as they come in training."
    )
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        initialize(layer, "lsuv", generator())
    assert torch.equal(layer.weight, before)
