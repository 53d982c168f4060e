"""Nets of all layers: alone and together the same, bit by bit."""

from functools import partial

import pytest
import torch
from torch import nn

from sknn_tricks.fused import train
from sknn_tricks.fused.stacks._layers import LAYERS
from sknn_tricks.nets import MLP, BatchNorm, GroupNorm, LayerNorm, ResMLP, RReLU

ACTIVATIONS = [cls for cls in LAYERS if cls.__module__ == "torch.nn.modules.activation"]


@pytest.mark.parametrize("activation", [nn.Identity, *ACTIVATIONS], ids=lambda cls: cls.__name__)
def test_activations(make_crowd, assert_alone_is_together, activation):
    spec = MLP(hidden=(33, 7), activation=activation)
    assert_alone_is_together(make_crowd(7, lambda rate: spec))


@pytest.mark.parametrize("n_features", [5, 100])
@pytest.mark.parametrize("hidden", [(), (1,), (33,), (37, 33), (64, 64), (64, 5, 1)], ids=str)
def test_widths(make_crowd, assert_alone_is_together, hidden, n_features):
    spec = MLP(hidden=hidden)
    assert_alone_is_together(make_crowd(7, lambda rate: spec, n_features=n_features))


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize(
    ("norm", "kind"),
    [(None, "classes"), (nn.BatchNorm1d, "labels"), (nn.LayerNorm, "numbers")],
    ids=["no norm", "BatchNorm1d", "LayerNorm"],
)
def test_norms_residuals_and_dropout(
    make_crowd, residual, assert_alone_is_together, norm, kind, activation
):
    spec = partial(residual, norm=norm, activation=activation)
    assert_alone_is_together(make_crowd(7, spec, kind))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_our_own_nets(make_crowd, assert_alone_is_together, batch_norm):
    def spec(rate):
        return MLP(hidden=(64, 33), dropout=rate, batch_norm=batch_norm)

    assert_alone_is_together(make_crowd(7, spec))


@pytest.mark.parametrize(
    ("activation", "dtype"),
    [
        ("prelu_per_feature", torch.float32),
        ("softplus", torch.float32),
        ("rrelu", torch.float32),
        ("rrelu", torch.float64),
    ],
    ids=str,
)
def test_activations_behind_batch_norm(make_crowd, assert_alone_is_together, activation, dtype):
    def spec(rate):
        kind = RReLU(-rate, rate) if activation == "rrelu" else activation
        return MLP(hidden=(64, 33), activation=kind, dropout=rate, batch_norm=True)

    assert_alone_is_together(make_crowd(7, spec, dtype=dtype))


NORMS = {
    "batch": lambda rate: BatchNorm(momentum=rate, eps=rate / 10),
    "batch without scale": lambda rate: BatchNorm(momentum=rate, affine=False),
    "layer": lambda rate: LayerNorm(eps=rate),
    "layer without scale": lambda rate: LayerNorm(eps=rate, affine=False),
    "groups": lambda rate: GroupNorm(eps=rate),
    "3 groups without scale": lambda rate: GroupNorm(3, eps=rate, affine=False),
}


@pytest.mark.parametrize("norm", NORMS)
def test_norms_of_other_settings(make_crowd, assert_alone_is_together, norm):
    def spec(rate):
        last = norm.endswith("scale")
        return MLP(hidden=(33, 66), norm=NORMS[norm](rate), norm_after_activation=last)

    assert_alone_is_together(make_crowd(7, spec))


@pytest.mark.parametrize(
    ("n_features", "batch_norm", "dtype"),
    [(5, False, torch.float32), (64, True, torch.float32), (5, True, torch.float64)],
    ids=str,
)
def test_weights_and_inputs_that_are_dropped(
    make_crowd, assert_alone_is_together, n_features, batch_norm, dtype
):
    def spec(rate):
        dropped = {"input_dropout": rate, "dropout": (0.0, rate), "drop_connect": (rate, rate / 2)}
        return MLP(hidden=(64, 33), batch_norm=batch_norm, **dropped)

    settings = {"n_features": n_features, "dtype": dtype, "l1": [0.0, 0.01]}
    assert_alone_is_together(make_crowd(7, spec, **settings))


@pytest.mark.parametrize(
    ("norm", "mode", "init"),
    [("batch", "row", "auto"), ("layer", "batch", "lsuv"), ("group", "row", "lsuv")],
    ids=str,
)
def test_residual_nets(make_crowd, assert_alone_is_together, norm, mode, init):
    def spec(rate):
        parts = {"norm": norm, "dropout": rate, "drop_path": rate, "drop_path_mode": mode}
        return ResMLP(width=37, n_blocks=2, starts_at_zero=init == "auto", **parts)

    assert_alone_is_together(make_crowd(7, spec, init=init))


@pytest.mark.parametrize("spec", ["plain", "dropping"])
def test_biases_that_start_elsewhere(make_crowd, assert_alone_is_together, spec):
    assert_alone_is_together(make_crowd(7, spec, bias_init=[0.0, 0.1, 0.0, -0.5]))


def test_random_layers_that_go_on_with_early_leavers(
    make_crowd, make_job, assert_alone_is_together
):
    def spec(rate):
        return ResMLP(width=33, activation="rrelu", dropout=rate, drop_path=rate)

    first = make_crowd(7, spec, optimizer="momentum", max_epochs=[1, 3, 2])
    assert_alone_is_together(first)
    again = [
        make_job(**{**vars(job), "start": one.net})
        for job, one in zip(first, train(first), strict=True)
    ]
    assert_alone_is_together(again)
