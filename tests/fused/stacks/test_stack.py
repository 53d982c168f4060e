import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sknn_tricks.fused.stacks._stack import refuses, signature, stack
from sknn_tricks.nets import MLP, DropConnect, Dropout, DropPath, Residual, RReLU


def nets(*layers, n_members=3):
    """Return members of one structure, with weights of their own."""
    torch.manual_seed(7)
    result = [copy.deepcopy(nn.Sequential(*layers)).double() for _ in range(n_members)]
    for net in result:
        for parameter in net.parameters():
            nn.init.uniform_(parameter, -1, 1)
    return result


# --- against plain nets ---------------------------------------------------------------------


def inner():
    return [nn.Linear(6, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Dropout(0.3), nn.Linear(9, 6)]


STRUCTURES = {
    "linear": [nn.Linear(6, 3)],
    "mlp": [nn.Linear(6, 33), nn.ReLU(), nn.Linear(33, 5), nn.ReLU(), nn.Linear(5, 1)],
    "rich": [nn.Linear(6, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Dropout(0.5), nn.Linear(40, 3)],
    "activation first": [nn.Tanh(), nn.Linear(6, 3)],
    "norm first": [nn.BatchNorm1d(6), nn.Linear(6, 3)],
    "flatten first": [nn.Flatten(), nn.ReLU(), nn.Linear(6, 3)],
    "norm last": [nn.Linear(6, 3), nn.LayerNorm(3)],
    "without weights": [nn.Tanh()],
    "sequence in a sequence": [nn.Sequential(nn.Linear(6, 4), nn.ReLU()), nn.Linear(4, 3)],
    "residual": [Residual(*inner()), nn.Linear(6, 3)],
    "residual in the middle": [nn.Linear(6, 6), nn.ReLU(), Residual(*inner()), nn.Linear(6, 3)],
    "residual last": [nn.Linear(6, 6), Residual(nn.ReLU(), nn.Linear(6, 6))],
    "residuals": [Residual(*inner()), nn.ReLU(), Residual(nn.ReLU(), *inner()), nn.Linear(6, 3)],
    "nested residuals": [nn.Linear(6, 6), Residual(nn.Linear(6, 6), Residual(*inner()), nn.ReLU())],
    "residual that drops": [nn.Linear(6, 6), Residual(nn.Dropout(0.3), nn.ReLU(), nn.Linear(6, 6))],
    "dropped residual": [nn.Linear(6, 6), Residual(nn.ReLU(), nn.Dropout(0.3)), nn.BatchNorm1d(6)],
    "prelu": [nn.Linear(6, 4), nn.PReLU(), nn.Dropout(0.3), nn.PReLU(4), nn.Linear(4, 2)],
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_stack_is_its_members(assert_alike, structure, training):
    assert_alike(nets(*STRUCTURES[structure]), 6, training)


ELEMENTS = st.one_of(
    st.builds(nn.ReLU),
    st.builds(nn.Tanh),
    st.builds(nn.Sigmoid),
    st.builds(nn.Identity),
    st.builds(nn.Flatten),
    st.builds(nn.LeakyReLU),
    st.builds(nn.Dropout, st.just(0.3)),
    st.builds(nn.BatchNorm1d, st.just(6)),
    st.builds(nn.LayerNorm, st.just(6)),
    st.builds(nn.GroupNorm, st.just(2), st.just(6)),
    st.builds(nn.Linear, st.just(6), st.just(6)),
)
BLOCKS = st.lists(ELEMENTS, min_size=1, max_size=4).map(lambda layers: Residual(*layers))


@settings(max_examples=40, deadline=None)
@given(layers=st.lists(ELEMENTS | BLOCKS, min_size=1, max_size=6), training=st.booleans())
def test_any_order_of_layers_makes_a_stack_of_its_members(assert_alike, layers, training):
    assert_alike(nets(*layers, n_members=2), 6, training)


def test_a_layer_without_weights_may_be_in_a_net_twice(assert_alike):
    twice = nn.Tanh()
    assert_alike(nets(nn.Linear(6, 4), twice, nn.Linear(4, 4), twice, nn.Linear(4, 2)), 6)


# --- parts of it ----------------------------------------------------------------------------

BLOCKY = [nn.Linear(6, 6), Residual(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.ReLU()), nn.Linear(6, 3)]


@pytest.fixture
def members():
    return nets(*BLOCKY, n_members=4)


@pytest.fixture
def x(padded_rows):
    torch.manual_seed(1)
    return padded_rows(4, 5, 6)


@pytest.fixture
def whole(members):
    return stack(members, 6).eval()


def test_some_members_are_a_stack_on_the_same_weights(whole, x):
    part = whole.of(slice(1, 3))
    assert not part.training
    assert torch.equal(part(x[1:3]), whole(x)[1:3])
    for layer in whole.flat():
        for tensor in layer.tensors.values():
            tensor[1:3] = 0
    assert not part(x[1:3]).any()


def test_those_who_stay_are_as_before(whole, x):
    before = whole(x).clone()
    index = torch.tensor([0, 3])
    whole.keep(index)
    assert torch.equal(whole(x[index]), before[index])


def test_plain_modules_can_show_the_stacks_weights(whole, members, x):
    shown = copy.deepcopy(members[0]).eval()
    whole.point(shown, 2)
    for name, tensor in shown.state_dict().items():
        assert torch.equal(tensor, members[2].state_dict()[name])
    whole.layers[0].tensors["weight"][2] *= 2
    torch.testing.assert_close(shown(x[2, :, :6]), whole(x)[2, :, :3])
    assert not torch.equal(shown[0].weight, members[2][0].weight)


def test_an_unstacked_module_is_bitwise_what_was_stacked(whole, members):
    for k, member in enumerate(members):
        plain = whole.unstack(k, members[0])
        assert plain is not members[0]
        for name, tensor in plain.state_dict().items():
            assert torch.equal(tensor, member.state_dict()[name])


def test_an_unstacked_module_has_memory_of_its_own(whole, members):
    plain = whole.unstack(1, members[0])
    for layer in whole.flat():
        for tensor in layer.tensors.values():
            tensor.zero_()
    assert torch.equal(plain[0].weight, members[1][0].weight)
    assert all(parameter.is_contiguous() for parameter in plain.parameters())


def test_unstacking_leaves_the_example_alone(whole, members):
    before = copy.deepcopy(members[0].state_dict())
    whole.unstack(1, members[0])
    assert all(torch.equal(value, before[name]) for name, value in members[0].state_dict().items())


# --- who can share a stack ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (nn.Linear(3, 2), nn.Linear(3, 2, bias=False)),
        (nn.Linear(3, 2), nn.Linear(3, 4)),
        (nn.LeakyReLU(0.1), nn.LeakyReLU(0.2)),
        (nn.LeakyReLU(0.1), nn.LeakyReLU(0.1 + 1e-12)),
        (nn.Tanh(), nn.ReLU()),
        (nn.BatchNorm1d(3), nn.BatchNorm1d(3, affine=False)),
        (nn.LayerNorm(3), nn.LayerNorm(3, bias=False)),
        (nn.GroupNorm(2, 6), nn.GroupNorm(3, 6)),
        (nn.GroupNorm(2, 6), nn.GroupNorm(2, 6, affine=False)),
        (DropPath(0.1), DropPath(0.1, "batch")),
        (DropConnect(3, 2), DropConnect(3, 4)),
        (DropConnect(3, 2), DropConnect(3, 2, bias=False)),
        (DropConnect(3, 2), nn.Linear(3, 2)),
        (nn.GELU(), nn.GELU("tanh")),
        (nn.PReLU(), nn.PReLU(3)),
        (Residual(nn.Linear(3, 3)), nn.Linear(3, 3)),
        (Residual(nn.Linear(3, 3)), Residual(nn.Linear(3, 3), nn.ReLU())),
    ],
)
def test_different_layers_have_different_signatures(first, second):
    assert signature(nn.Sequential(first)) != signature(nn.Sequential(second))
    assert signature(nn.Sequential(first)) == signature(nn.Sequential(copy.deepcopy(first)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (nn.ReLU(), nn.ReLU(inplace=True)),
        (nn.Dropout(0.1), Dropout(0.5)),
        (nn.BatchNorm1d(3), nn.BatchNorm1d(3, eps=1e-3, momentum=0.5)),
        (nn.LayerNorm(3), nn.LayerNorm(3, eps=1e-3)),
        (nn.GroupNorm(2, 6), nn.GroupNorm(2, 6, eps=1e-3)),
        (DropPath(0.1), DropPath(0.5)),
        (DropConnect(3, 2, p=0.1), DropConnect(3, 2, p=0.5)),
        (RReLU(), RReLU(0.1, 0.2)),
        (nn.Sequential(nn.ReLU()), nn.ReLU()),
    ],
)
def test_what_does_not_matter_is_in_no_signature(first, second):
    assert signature(nn.Sequential(first)) == signature(nn.Sequential(second))


# --- refusals -------------------------------------------------------------------------------


class Layer(nn.Linear):
    """A user's own."""


class Net(nn.Sequential):
    """A user's own."""


def shared():
    layer = nn.Linear(3, 3)
    return nn.Sequential(layer, nn.ReLU(), layer)


def tied():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    return net


def frozen():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    net[0].bias.requires_grad_(False)
    return net


def hooked(hook, inside=lambda net: net[0]):
    net = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.ReLU()))
    getattr(inside(net), f"register_{hook}")(lambda *_: None)
    return net


def normed():
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)))


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (nn.Linear(3, 2), "Linear is no Sequential"),
        (Net(nn.Linear(3, 2)), "Net is no Sequential"),
        (nn.Sequential(Net(nn.Linear(3, 2))), "there is no stacked Net"),
        (nn.Sequential(Layer(3, 2)), "there is no stacked Layer"),
        (nn.Sequential(nn.Linear(3, 2), nn.Softmax(1)), "there is no stacked Softmax"),
        (nn.Sequential(nn.Sequential(Layer(3, 2))), "there is no stacked Layer"),
        (nn.Sequential(Residual(Layer(3, 3))), "there is no stacked Layer"),
        (nn.Sequential(nn.Conv1d(1, 1, 1)), "there is no stacked Conv1d"),
        (normed(), "there is no stacked ParametrizedLinear"),
        (nn.Sequential(nn.Linear(3, 2), nn.Dropout(1.0)), "a Dropout of rate 1"),
        (
            nn.Sequential(Residual(nn.BatchNorm1d(3, momentum=None))),
            "a BatchNorm1d without running statistics or momentum",
        ),
        (
            nn.Sequential(nn.LayerNorm((3, 2))),
            "a LayerNorm of several axes",
        ),
        (shared(), "layers share their weights"),
        (tied(), "layers share their weights"),
        (frozen(), "some parameters are not trained"),
        (hooked("forward_hook"), "a Linear has hooks"),
        (hooked("forward_pre_hook"), "a Linear has hooks"),
        (hooked("full_backward_hook"), "a Linear has hooks"),
        (hooked("full_backward_pre_hook"), "a Linear has hooks"),
    ],
    ids=str,
)
def test_what_cannot_be_stacked_is_refused_and_why(module, reason):
    assert refuses(module) == reason


@pytest.mark.parametrize("inside", [lambda net: net, lambda net: net[1]], ids=["whole", "part"])
def test_hooks_of_a_sequence_are_refused_as_well(inside):
    assert refuses(hooked("forward_hook", inside)) == "a Sequential has hooks"


@pytest.mark.parametrize("structure", STRUCTURES)
def test_what_can_be_stacked_is_not_refused(structure):
    assert refuses(nn.Sequential(*copy.deepcopy(STRUCTURES[structure]))) is None


@pytest.mark.parametrize("input_shape", [(5,), (3, 4)])
def test_our_own_nets_are_not_refused(input_shape):
    spec = MLP((8, 8), activation="gelu", batch_norm=True, dropout=0.1)
    assert refuses(spec.build(input_shape, 2)) is None
