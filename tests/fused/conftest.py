import copy
import itertools
import math

import pytest
import torch
from torch import nn

from sknn_tricks.fused import Job, Rows, Task
from sknn_tricks.fused._net import softmax
from sknn_tricks.fused.stacks._layers import LAYERS, pad_last
from sknn_tricks.fused.stacks._masks import StackedDropout
from sknn_tricks.fused.stacks._stack import plain_layers, stack
from sknn_tricks.losses import cross_entropy
from sknn_tricks.nets import MLP


def _accuracy(outputs, target, weight):
    return (outputs.argmax(dim=1) == target).double().mean().item()


CLASSIFICATION = Task(cross_entropy, _accuracy, softmax, math.log(2), n_classes=2)


def _make_rows(n_rows=40, dtype=torch.float32, seed=0):
    """Two classes in three dimensions that a net can tell apart."""
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(n_rows, 3, generator=source)
    return Rows(x.to(dtype), (x[:, 0] - x[:, 1] > 0).long())


class AfterEpoch:
    """Calls a function after each epoch, and counts those that began."""

    def __init__(self, function):
        self.function = function
        self.n_begun = 0

    def begin(self):
        self.n_begun += 1

    def end(self, net):
        return self.function(net)


def _make_job(after_epoch=None, **settings):
    dtype = settings.get("dtype", torch.float32)
    usual = {
        "spec": MLP(hidden=(8,)),
        "input_shape": (3,),
        "n_outputs": 2,
        "train": _make_rows(dtype=dtype),
        "valid": None,
        "task": CLASSIFICATION,
        "init": "auto",
        "optimizer": "adam",
        "lr": 0.01,
        "weight_decay": 0.0,
        "l1": 0.0,
        "batch_size": 16,
        "max_epochs": 3,
        "stopping": None,
        "seed": 0,
        "device": torch.device("cpu"),
        "dtype": dtype,
    }
    if after_epoch is not None:
        usual["epochs"] = AfterEpoch(after_epoch)
    return Job(**{**usual, **settings})


def _state(net):
    return {name: value.clone() for name, value in net.module_.state_dict().items()}


def _same(first, second):
    """Say whether two nets, or two states, are bitwise the same."""
    a, b = (item if isinstance(item, dict) else _state(item) for item in (first, second))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="session")
def make_rows():
    return _make_rows


@pytest.fixture(scope="session")
def make_job():
    return _make_job


@pytest.fixture(scope="session")
def state():
    return _state


@pytest.fixture(scope="session")
def same():
    return _same


# --- stacked layers beside plain ones -----------------------------------------------------------


class Masked(nn.Module):
    """A dropout layer with a mask that is given."""

    def __init__(self, mask):
        super().__init__()
        self.mask = mask

    def forward(self, x):
        return x * self.mask if self.training else x


def _padded_rows(n_members, n_rows, width):
    """Float64 rows (K, N, D) with the padding of a stack."""
    return pad_last(torch.randn(n_members, n_rows, width, dtype=torch.float64))


def _as_one(modules, width, n_rows):
    """Return plain modules as one stack, or one layer, ready for a step."""
    plain = modules[0]
    if type(plain) is nn.Sequential:
        one = stack(modules, width)
        for i, layer in enumerate(e for e in one.flat() if isinstance(e, StackedDropout)):
            _draw(layer, 10 * i, n_rows)
        return one
    return LAYERS[type(plain)](modules, width)


def _with_masks(modules, width, n_rows):
    """Return copies of nets whose dropout layers have the masks that a stack of them draws."""
    nets = copy.deepcopy(modules)
    _replace_dropout(nets, width, n_rows, itertools.count(step=10))
    return nets


def _replace_dropout(nets, width, n_rows, seeds):
    for position, same in enumerate(zip(*nets, strict=True)):
        if isinstance(same[0], nn.Sequential):
            _replace_dropout(same, width, n_rows, seeds)
        elif isinstance(same[0], nn.Linear):
            width = same[0].out_features
        elif isinstance(same[0], nn.Dropout):
            for net, mask in zip(nets, _masks(same, width, n_rows, next(seeds)), strict=True):
                net[position] = Masked(mask[:, :width])


def _masks(dropouts, width, n_rows, seed):
    layer = StackedDropout(dropouts, width)
    _draw(layer, seed, n_rows)
    ones = pad_last(torch.ones(len(dropouts), n_rows, width, dtype=torch.float64))
    return layer.forward(ones, True)


def _draw(layer, seed, n_rows):
    layer.start(range(seed, seed + len(layer.settings["scale"])), torch.float64)
    layer.draw(1, n_rows)


def _assert_alike(modules, width, training=True, n_rows=7):
    """Compare float64 layers or nets with their stack: outputs, gradients, buffers, padding."""
    torch.manual_seed(0)
    x = _padded_rows(len(modules), n_rows, width)
    x[:, 0] = 0  # where many an activation has its kink
    one = _as_one(modules, width, n_rows)
    if isinstance(one, nn.Module):
        one.train(training)
        outputs = one(x.clone())
        layers = list(one.flat())
        modules = _with_masks(modules, width, n_rows)
    else:
        outputs = one.forward(x.clone(), training)
        layers = [one]
        modules = copy.deepcopy(modules)
    plain_inputs = [each[:, :width].clone().requires_grad_() for each in x]
    pairs = zip(modules, plain_inputs, strict=True)
    wanted = [module.train(training)(each.clone()) for module, each in pairs]
    width_out = wanted[0].shape[1]
    outputs = outputs.clone()
    torch.testing.assert_close(
        outputs[..., :width_out], torch.stack(wanted), rtol=1e-10, atol=1e-12
    )
    assert not outputs[..., width_out:].any()
    if training:
        _assert_gradients_alike(one, layers, outputs, width, wanted, plain_inputs, modules)
    _assert_buffers_alike(layers, modules)


def _assert_gradients_alike(one, layers, outputs, width, wanted, plain_inputs, modules):
    grad = _padded_rows(len(wanted), *wanted[0].shape)
    below = one.backward(grad.clone())
    for each, plain in zip(grad, wanted, strict=True):
        plain.backward(each[:, : plain.shape[1]])
    if not any(layer.is_first for layer in layers):
        expected = torch.stack([each.grad for each in plain_inputs])
        torch.testing.assert_close(below[..., :width], expected, rtol=1e-9, atol=1e-9)
        assert not below[..., width:].any()
    for k, module in enumerate(modules):
        for layer, plain in zip(layers, _leaves(module), strict=True):
            for name, grads in layer.grads.items():
                parameter = getattr(plain, name)
                seen = layer.unpack(name, grads[k], parameter)
                torch.testing.assert_close(seen, parameter.grad, rtol=1e-9, atol=1e-9)
                assert grads[k].count_nonzero() == seen.count_nonzero()


def _assert_buffers_alike(layers, modules):
    for k, module in enumerate(modules):
        for layer, plain in zip(layers, _leaves(module), strict=True):
            for name in layer.buffers:
                buffer = getattr(plain, name)
                seen = layer.unpack(name, layer.tensors[name][k], buffer)
                torch.testing.assert_close(seen, buffer, rtol=1e-10, atol=1e-12)


def _leaves(module):
    inner = type(module) is nn.Sequential
    return list(plain_layers(module, blocks=False)) if inner else [module]


@pytest.fixture(scope="session")
def assert_alike():
    return _assert_alike


@pytest.fixture(scope="session")
def padded_rows():
    return _padded_rows
