import copy

import pytest
import torch
from torch import nn

from sknn_tricks.fused.stacks._optimizers import STACKED, Rates, runs
from sknn_tricks.fused.stacks._stack import stack
from sknn_tricks.nets._residual import Residual
from sknn_tricks.optim import OPTIMIZERS, make_optimizer

RATES = [
    Rates(0.1, 0.0, 0.9, (0.9, 0.999)),
    Rates(0.1, 0.0, 0.9, (0.9, 0.999)),
    Rates(0.01, 0.3, 0.5, (0.8, 0.99)),
    Rates(0.03, 0.1, 0.2, (0.9, 0.999)),
    Rates(0.0, 0.3, 0.5, (0.5, 0.5)),
]
EVERYBODY = slice(0, len(RATES))


def make_nets():
    torch.manual_seed(0)
    block = Residual(nn.Linear(4, 4), nn.BatchNorm1d(4))
    net = nn.Sequential(nn.Linear(3, 4), nn.PReLU(4), block, nn.Linear(4, 2)).double()
    nets = [copy.deepcopy(net) for _ in RATES]
    for each in nets:
        for parameter in each.parameters():
            nn.init.normal_(parameter)
    return nets


def make_plain(optimizer, nets):
    return [
        make_optimizer(
            optimizer,
            net,
            lr=rates.lr,
            weight_decay=rates.weight_decay,
            momentum=rates.momentum,
            betas=rates.betas,
        )
        for net, rates in zip(nets, RATES, strict=True)
    ]


def leaves(net):
    return [net[0], net[1], net[2][0], net[2][1], net[3]]


def give_gradients(seed, nets, stacked):
    """Give plain nets random gradients, and their stack the same ones."""
    torch.manual_seed(seed)
    for k, net in enumerate(nets):
        for layer, plain in zip(stacked.flat(), leaves(net), strict=True):
            for name, grads in layer.grads.items():
                parameter = getattr(plain, name)
                parameter.grad = torch.randn_like(parameter)
                grads[k] = layer.pack(name, parameter.grad)


def go(n_steps, nets, plain, stacked, optimizer, seed=0):
    for step in range(n_steps):
        give_gradients(seed + step, nets, stacked)
        for each in plain:
            each.step()
        optimizer.step(EVERYBODY)


def assert_same_weights(nets, stacked):
    for k, net in enumerate(nets):
        for name, tensor in stacked.unstack(k, net).named_parameters():
            wanted = net.get_parameter(name)
            torch.testing.assert_close(tensor, wanted, rtol=1e-10, atol=1e-12, msg=f"{k} {name}")


def assert_padding_is_0(stacked, nets):
    for layer, plain in zip(stacked.flat(), leaves(nets[0]), strict=True):
        for name in layer.grads:
            real = layer.unpack(name, layer.tensors[name][0], getattr(plain, name))
            assert layer.tensors[name][0].count_nonzero() == real.count_nonzero()


def start(name, pace=None):
    nets = make_nets()
    stacked = stack(nets, 3)
    return nets, make_plain(name, nets), stacked, STACKED[name](stacked, RATES, pace or [0] * 5)


# --- against torch's ------------------------------------------------------------------------


def test_every_named_optimizer_has_a_stacked_form():
    assert set(STACKED) == set(OPTIMIZERS)


@pytest.mark.parametrize("name", STACKED)
def test_steps_are_those_of_torch_with_each_members_settings(name):
    nets, plain, stacked, optimizer = start(name)
    go(6, nets, plain, stacked, optimizer)
    assert_same_weights(nets, stacked)
    assert_padding_is_0(stacked, nets)


@pytest.mark.parametrize("name", STACKED)
def test_members_may_step_in_turns(name):
    nets, plain, stacked, optimizer = start(name, pace=[0, 0, 1, 1, 1])
    for step, members in enumerate([slice(0, 5), slice(0, 2), slice(2, 5), slice(0, 2)]):
        give_gradients(step, nets, stacked)
        for each in plain[members]:
            each.step()
        optimizer.step(members)
    assert_same_weights(nets, stacked)


@pytest.mark.parametrize("name", STACKED)
def test_those_who_stay_go_on(name):
    nets, plain, stacked, optimizer = start(name)
    go(3, nets, plain, stacked, optimizer)
    index = [0, 3, 4]
    stacked.keep(torch.tensor(index))
    optimizer.keep(torch.tensor(index))
    nets, plain = [nets[k] for k in index], [plain[k] for k in index]
    for step in range(3):
        give_gradients(step, nets, stacked)
        for each in plain:
            each.step()
        optimizer.step(slice(0, 3))
    assert_same_weights(nets, stacked)


# --- memory, from and to torch's optimisers -------------------------------------------------


@pytest.mark.parametrize("name", STACKED)
def test_a_stack_goes_on_from_what_torchs_optimizers_remember(name):
    nets = make_nets()
    plain = make_plain(name, nets)
    for seed in range(3):
        give_gradients(seed, nets, stack(nets, 3))
        for each in plain:
            each.step()
    stacked = stack(nets, 3)
    optimizer = STACKED[name](stacked, RATES, [0] * 5)
    for k, net in enumerate(nets):
        optimizer.load(k, net, plain[k])
    go(3, nets, plain, stacked, optimizer, seed=10)
    assert_same_weights(nets, stacked)


@pytest.mark.parametrize("name", STACKED)
def test_torchs_optimizers_go_on_from_what_a_stack_remembers(name):
    nets, plain, stacked, optimizer = start(name)
    go(3, nets, plain, stacked, optimizer)
    again = make_plain(name, nets)
    for k, net in enumerate(nets):
        optimizer.save(k, net, again[k])
    go(3, nets, again, stacked, optimizer, seed=10)
    assert_same_weights(nets, stacked)


@pytest.mark.parametrize("name", STACKED)
def test_what_torchs_optimizers_are_given_is_what_they_would_have(name):
    nets, plain, stacked, optimizer = start(name)
    go(3, nets, plain, stacked, optimizer)
    for k, net in enumerate(nets):
        saved = make_plain(name, nets)[k]
        optimizer.save(k, net, saved)
        for parameter in net.parameters():
            expected, state = plain[k].state[parameter], saved.state[parameter]
            assert {key for key, value in expected.items() if value is not None} <= state.keys()
            for key, value in state.items():
                if expected.get(key) is not None:
                    wanted = torch.as_tensor(expected[key])
                    torch.testing.assert_close(value, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", STACKED)
def test_what_torchs_optimizers_are_given_is_a_copy(name):
    nets, plain, stacked, optimizer = start(name)
    go(2, nets, plain, stacked, optimizer)
    saved = make_plain(name, nets)[2]
    optimizer.save(2, nets[2], saved)
    before = copy.deepcopy(saved.state_dict()["state"])
    go(2, nets, plain, stacked, optimizer)
    after = saved.state_dict()["state"]
    for number, state in before.items():
        assert all(torch.equal(value, after[number][key]) for key, value in state.items())


# --- runs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "spans"),
    [("", []), ("a", [(0, 1)]), ("aaa", [(0, 3)]), ("aba", [(0, 1), (1, 2), (2, 3)])],
)
def test_neighbours_of_equal_value_make_a_run(values, spans):
    assert [(run.start, run.stop) for run in runs(values) if run.stop > run.start] == spans
