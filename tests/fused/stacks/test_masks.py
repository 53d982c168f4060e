import copy

import pytest
import torch
from torch import nn

from sknn_tricks.fused.stacks._masks import StackedDropout
from sknn_tricks.nets import Dropout

WIDTH = 5


def dropout(rates, seeds=None, width=WIDTH, dtype=torch.float64):
    layer = StackedDropout([nn.Dropout(rate) for rate in rates], width)
    layer.start(range(len(rates)) if seeds is None else seeds, dtype)
    return layer


def ones(n_members, n_rows, width=32, dtype=torch.float64):
    return torch.ones(n_members, n_rows, width, dtype=dtype)


def masks(layer, n_steps, n_rows=8):
    """Draw for so many steps at once; return what becomes of ones."""
    layer.draw(n_steps, n_rows)
    n_members = len(layer.generators)
    return [layer.forward(ones(n_members, n_rows), True).clone() for _ in range(n_steps)]


# --- what is dropped ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_each_member_drops_at_its_own_rate_and_scales_the_rest(dtype):
    rates = [0.0, 0.1, 0.5, 0.9]
    layer = dropout(rates, width=256, dtype=dtype)
    layer.draw(1, 400)
    output = layer.forward(ones(4, 400, 256, dtype), True)
    for rate, each in zip(rates, output, strict=True):
        kept = each[each != 0]
        assert torch.equal(kept, torch.full_like(kept, 1 / (1 - rate)))
        dropped = (each == 0).double().mean().item()
        assert dropped == pytest.approx(rate, abs=5 * (rate * (1 - rate) / each.numel()) ** 0.5)


def test_the_expectation_stays():
    layer = dropout([0.3, 0.7], width=256)
    layer.draw(1, 400)
    means = layer.forward(ones(2, 400, 256), True).mean(dim=(1, 2))
    torch.testing.assert_close(means, torch.ones(2).double(), rtol=0, atol=0.03)


def test_entries_rows_and_features_are_dropped_independently():
    layer = dropout([0.5], width=64)
    layer.draw(1, 2000)
    dropped = (layer.forward(ones(1, 2000, 64), True)[0] == 0).double()
    correlation = torch.corrcoef(dropped.T) - torch.eye(64)
    assert correlation.abs().max() < 5 / 2000**0.5
    neighbours = torch.stack([dropped[:-1].flatten(), dropped[1:].flatten()])
    assert abs(torch.corrcoef(neighbours)[0, 1]) < 5 / dropped.numel() ** 0.5


def test_in_evaluation_nothing_happens():
    x = ones(2, 3)
    assert dropout([0.5, 0.9]).forward(x, False) is x


def test_the_gradient_passes_where_the_value_did():
    layer = dropout([0.5, 0.2])
    layer.draw(1, 6)
    output = layer.forward(ones(2, 6), True).clone()
    assert torch.equal(layer.backward(ones(2, 6)), output)


# --- random streams -------------------------------------------------------------------------


def test_the_same_bits_come_whatever_the_number_of_steps_drawn_at_once():
    at_once = masks(dropout([0.5, 0.2]), 4)
    layer = dropout([0.5, 0.2])
    in_parts = [*masks(layer, 1), *masks(layer, 3)]
    assert all(torch.equal(a, b) for a, b in zip(at_once, in_parts, strict=True))


def test_the_masks_of_a_member_do_not_depend_on_the_others():
    [together] = masks(dropout([0.5, 0.2, 0.7], seeds=[4, 5, 6]), 1)
    [alone] = masks(dropout([0.2], seeds=[5]), 1)
    assert torch.equal(alone[0], together[1])


def test_members_and_steps_have_masks_of_their_own():
    drawn = torch.cat(masks(dropout([0.5, 0.5]), 3))
    assert len({tuple(mask.flatten().tolist()) for mask in drawn}) == 6


def test_members_of_the_same_seed_have_the_same_masks():
    [both] = masks(dropout([0.5, 0.5], seeds=[3, 3]), 1)
    assert torch.equal(both[0], both[1])


def test_those_who_stay_keep_their_streams():
    drawn = masks(dropout([0.5, 0.2, 0.7]), 2)
    layer = dropout([0.5, 0.2, 0.7])
    masks(layer, 1)
    index = torch.tensor([2, 0])
    layer.keep(index)
    [mask] = masks(layer, 1)
    assert torch.equal(mask, drawn[1][index])


def test_some_members_draw_from_their_own_streams():
    drawn = masks(dropout([0.5, 0.2, 0.7]), 2)
    layer = dropout([0.5, 0.2, 0.7])
    [some] = masks(layer.of(slice(1, 3)), 1)
    assert torch.equal(some, drawn[0][1:])
    [first] = masks(layer.of(slice(0, 1)), 1)
    assert torch.equal(first, drawn[0][:1])
    [second] = masks(layer, 1)
    # Each goes on where it stood.
    assert torch.equal(second, drawn[1])


@pytest.mark.parametrize("width", [1, 5, 32, 33])
def test_the_masks_are_those_of_the_plain_layer(width):
    layer = dropout([0.5, 0.2], seeds=[3, 4], width=width)
    plain = [Dropout(0.5).seed_(3), Dropout(0.2).seed_(4)]
    layer.draw(3, 6)
    for _ in range(3):
        stacked = layer.forward(ones(2, 6, -(-width // 32) * 32), True)
        for mask, each in zip(stacked, plain, strict=True):
            assert torch.equal(mask[:, :width], each(torch.ones(6, width).double()))


# --- kinds ----------------------------------------------------------------------------------


def test_layers_of_all_rates_can_be_one():
    layers = [nn.Dropout(0), nn.Dropout(0.5), Dropout(0.2)]
    assert len({StackedDropout.signature(layer) for layer in layers}) == 1


def test_to_drop_everything_is_refused():
    assert StackedDropout.refuses(nn.Dropout(1.0)) == "a Dropout of rate 1"
    assert StackedDropout.refuses(nn.Dropout(0.99)) is None


# --- behind a ReLU and elsewhere, which are computed in different ways ------------------------


def net(layers):
    layers = copy.deepcopy(layers)
    return nn.Sequential(nn.Linear(4, 33), *layers, nn.Linear(33, 3)).double()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "layers",
    [
        [nn.ReLU(), nn.Dropout(0.4)],
        [nn.Tanh(), nn.Dropout(0.4)],
        [nn.Dropout(0.4), nn.ReLU()],
        [nn.ReLU(), nn.Dropout(0.4), nn.Dropout(0.2)],
        [nn.ReLU(), nn.Dropout(0.4), nn.ReLU(), nn.Dropout(0.2)],
        [nn.ReLU(), nn.Dropout(0.4), nn.Tanh()],
        [nn.ReLU(), nn.Dropout(0.4), nn.BatchNorm1d(33)],
        [nn.ReLU(), nn.Dropout(0.4), nn.LayerNorm(33)],
        [nn.BatchNorm1d(33), nn.Dropout(0.4), nn.ReLU()],
        [nn.Identity(), nn.Dropout(0.4)],
        [nn.Softplus(), nn.Dropout(0.4), nn.Softplus()],
    ],
    ids=lambda layers: " ".join(type(layer).__name__ for layer in layers),
)
def test_nets_with_dropout_are_the_plain_ones_with_these_masks(assert_alike, layers, training):
    torch.manual_seed(2)
    assert_alike([net(layers) for _ in range(3)], 4, training)


@pytest.mark.parametrize("training", [True, False])
def test_the_input_can_be_dropped(assert_alike, training):
    nets = [nn.Sequential(nn.Dropout(0.3), nn.ReLU(), nn.Linear(4, 2)).double() for _ in range(2)]
    assert_alike(nets, 4, training)
