"""RReLU, DropConnect and DropPath of K members, beside the plain layers with the same streams."""

import copy

import pytest
import torch
from torch import nn

from sknn_tricks.fused.stacks._layers import LAYERS, pad_last
from sknn_tricks.fused.stacks._seeded import SeededLayer
from sknn_tricks.fused.stacks._stack import stack
from sknn_tricks.nets import DropConnect, Dropout, DropPath, Residual, RReLU
from sknn_tricks.nets._seeded import Seeded

WIDTHS = [1, 5, 32, 33]
KINDS = {
    "rrelu": lambda width, p: RReLU(-p, 2 * p),
    "drop path": lambda width, p: DropPath(p),
    "drop path of a batch": lambda width, p: DropPath(p, "batch"),
    "drop connect": lambda width, p: DropConnect(width, 7, p=p),
    "drop connect without bias": lambda width, p: DropConnect(width, 33, bias=False, p=p),
}
RATES = (0.5, 0.2, 0.0)


def members(kind, width, rates=RATES):
    torch.manual_seed(0)
    return [KINDS[kind](width, p).double() for p in rates]


def as_layer(modules, width, seeds=None):
    layer = LAYERS[type(modules[0])](modules, width)
    layer.start(range(len(modules)) if seeds is None else seeds, torch.float64)
    return layer


def seeded(modules):
    return [copy.deepcopy(module).seed_(k) for k, module in enumerate(modules)]


def rows(n_members, n_rows, width):
    torch.manual_seed(1)
    return pad_last(torch.randn(n_members, n_rows, width, dtype=torch.float64))


# --- against the plain layers ---------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_in_training_they_are_the_plain_layers_with_these_streams(kind, width):
    plain = members(kind, width)
    layer, plain = as_layer(plain, width), seeded(plain)
    layer.draw(3, 6)
    for _ in range(3):
        x = rows(3, 6, width)
        output = layer.forward(x.clone(), True).clone()
        grad = rows(3, 6, layer.width) + 1
        grad[..., layer.width :] = 0
        below = layer.backward(grad.clone())
        for k, module in enumerate(plain):
            mine = x[k, :, :width].clone().requires_grad_()
            wanted = module(mine)
            module.zero_grad()
            wanted.backward(grad[k, :, : layer.width])
            torch.testing.assert_close(output[k, :, : layer.width], wanted)
            torch.testing.assert_close(below[k, :, :width], mine.grad)
            for name, each in layer.grads.items():
                seen = layer.unpack(name, each[k], getattr(module, name))
                torch.testing.assert_close(seen, getattr(module, name).grad)
        assert not output[..., layer.width :].any()
        assert not below[..., width:].any()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_in_evaluation_they_are_the_plain_layers(kind, width):
    plain = members(kind, width)
    layer, x = as_layer(plain, width), rows(3, 6, width)
    output = layer.forward(x.clone(), False)
    wanted = [module.eval()(x[k, :, :width]) for k, module in enumerate(plain)]
    torch.testing.assert_close(output[..., : layer.width], torch.stack(wanted))
    assert not output[..., layer.width :].any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradients_are_those_of_differences(kind):
    layer = as_layer(members(kind, 5, rates=(0.4,)), 5, seeds=[3])
    x, grad = rows(1, 4, 5), rows(1, 4, layer.width)

    def value(x):
        layer.start([3], torch.float64)
        layer.draw(1, 4)
        return (layer.forward(x.clone(), True) * grad).sum().item()

    value(x)
    below = layer.backward(grad.clone()).clone()
    for at in ((0, 0, 0), (0, 3, 4), (0, 2, 1)):
        assert below[at].item() == pytest.approx(slope(value, x, x, at), abs=1e-6)
    for name, each in layer.grads.items():
        each = each.clone()
        for at in ((0, 0, 0), (0, 0, 2), (0, 0, 6)):
            differs = slope(value, x, layer.tensors[name], at)
            assert each[at].item() == pytest.approx(differs, abs=1e-6)


def slope(value, x, tensor, at, step=1e-5):
    """Return the slope of a value along one number of a tensor."""
    values = []
    for sign in (1, -1):
        tensor[at] += sign * step
        values.append(value(x))
        tensor[at] -= sign * step
    return (values[0] - values[1]) / (2 * step)


# --- random streams -------------------------------------------------------------------------


def outputs(layer, n_steps, x, training=True):
    layer.draw(n_steps, x.shape[1])
    return [layer.forward(x.clone(), training).clone() for _ in range(n_steps)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bits_come_whatever_the_number_of_steps_drawn_at_once(kind):
    plain, x = members(kind, 5), rows(3, 6, 5)
    at_once = outputs(as_layer(plain, 5), 4, x)
    layer = as_layer(plain, 5)
    in_parts = [*outputs(layer, 1, x), *outputs(layer, 3, x)]
    assert all(torch.equal(a, b) for a, b in zip(at_once, in_parts, strict=True))
    assert not torch.equal(at_once[0], at_once[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_does_not_depend_on_the_others(kind):
    plain, x = members(kind, 5), rows(3, 6, 5)
    together = outputs(as_layer(plain, 5), 3, x)
    alone = outputs(as_layer(plain[1:2], 5, seeds=[1]), 3, x[1:2])
    assert all(torch.equal(a[0], b[1]) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_those_who_stay_keep_their_streams_and_rates(kind):
    plain, x = members(kind, 5), rows(3, 6, 5)
    _, second = outputs(as_layer(plain, 5), 2, x)
    layer = as_layer(plain, 5)
    outputs(layer, 1, x)
    index = torch.tensor([2, 0])
    layer.keep(index)
    [output] = outputs(layer, 1, x[index])
    assert torch.equal(output, second[index])


@pytest.mark.parametrize("kind", KINDS)
def test_some_members_draw_from_their_own_streams(kind):
    plain, x = members(kind, 5), rows(3, 6, 5)
    first, second = outputs(as_layer(plain, 5), 2, x)
    layer = as_layer(plain, 5)
    assert torch.equal(*[outputs(layer.of(slice(1, 3)), 1, x[1:])[0], first[1:]])
    assert torch.equal(outputs(layer.of(slice(1, 3)), 1, x[1:])[0], second[1:])


# --- what a schedule does -------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "rrelu"])
def test_a_schedules_factor_counts_as_in_the_plain_layer(kind):
    plain = members(kind, 5, rates=(0.5, 0.2))
    layer, plain = as_layer(plain, 5), seeded(plain)
    factors = [0.3, 1.0]
    layer.factor = torch.tensor(factors, dtype=torch.float64)[:, None, None]
    x = rows(2, 60, 5)
    [output] = outputs(layer, 1, x)
    for k, module in enumerate(plain):
        module.factor = factors[k]
        torch.testing.assert_close(output[k, :, : layer.width], module(x[k, :, :5]))


# --- within nets ----------------------------------------------------------------------------

NETS = {
    "rrelu": [nn.Linear(4, 33), RReLU(), nn.Linear(33, 3)],
    "rrelu of the input": [RReLU(), nn.Linear(4, 3)],
    "rrelu behind a norm": [nn.Linear(4, 6), nn.BatchNorm1d(6), RReLU(), Dropout(0.3)],
    "rrelu behind tanh": [nn.Linear(4, 6), nn.Tanh(), RReLU(), RReLU(0.5, 0.9)],
    "drop connect": [DropConnect(4, 6, p=0.3), nn.ReLU(), DropConnect(6, 3, p=0.5)],
    "drop connect and norm": [DropConnect(4, 6, p=0.3), nn.BatchNorm1d(6), nn.ReLU()],
    "drop path": [
        nn.Linear(4, 6),
        Residual(nn.LayerNorm(6), nn.Linear(6, 6), DropPath(0.4)),
        Residual(nn.Linear(6, 6), nn.ReLU(), DropPath(0.4, "batch")),
        nn.Linear(6, 3),
    ],
    "drop path behind tanh": [nn.Linear(4, 6), Residual(nn.Tanh(), DropPath(0.4)), nn.ReLU()],
}


@pytest.mark.parametrize("layers", NETS.values(), ids=NETS)
def test_nets_with_random_layers_are_the_plain_ones(layers):
    torch.manual_seed(0)
    nets = [nn.Sequential(*copy.deepcopy(layers)).double() for _ in range(2)]
    one, x = stack(nets, 4).train(), rows(2, 8, 4)
    for i, layer in enumerate(e for e in one.flat() if isinstance(e, SeededLayer)):
        layer.start([10 * i, 10 * i + 1], torch.float64)
        layer.draw(1, 8)
    output = one(x.clone()).clone()
    grad = torch.ones_like(output)
    grad[..., one.layers[-1].width :] = 0
    one.backward(grad)
    for k, net in enumerate(nets):
        for i, part in enumerate(e for e in net.modules() if isinstance(e, Seeded)):
            part.seed_(10 * i + k)
        wanted = net(x[k, :, :4].clone())
        wanted.sum().backward()
        torch.testing.assert_close(output[k, :, : wanted.shape[1]], wanted)
        written = copy.deepcopy(net)
        for layer in one.flat():
            layer.tensors, layer.grads = layer.grads, layer.grads
        one.point(written, k)
        for mine, theirs in zip(written.parameters(), net.parameters(), strict=True):
            torch.testing.assert_close(mine.data, theirs.grad)


@pytest.mark.parametrize("layer", [DropPath(0.1), DropConnect(3, 3, p=0.1)], ids=repr)
def test_to_drop_everything_is_refused(layer):
    assert LAYERS[type(layer)].refuses(layer) is None
    layer.p = 1.0
    assert LAYERS[type(layer)].refuses(layer) == f"a {type(layer).__name__} of rate 1"
