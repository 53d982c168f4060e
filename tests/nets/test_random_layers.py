"""RReLU, DropConnect and DropPath against their definitions."""

import copy
import pickle
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sknn_tricks.nets import DropConnect, DropPath, RReLU

LAYERS = {
    "rrelu": lambda: RReLU(),
    "drop path": lambda: DropPath(0.4),
    "drop connect": lambda: DropConnect(6, 6, p=0.4),
}


@pytest.fixture
def x():
    return torch.randn(50, 6, generator=torch.Generator().manual_seed(0))


# --- what they have in common ---------------------------------------------------------------


@pytest.mark.parametrize("kind", LAYERS)
def test_the_same_seed_gives_the_same_numbers_and_another_others(kind, x):
    layer = LAYERS[kind]()
    first, again, other = (layer.seed_(seed)(x) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("kind", LAYERS)
def test_each_step_has_numbers_of_its_own(kind, x):
    layer = LAYERS[kind]().seed_(0)
    assert not torch.equal(layer(x), layer(x))


@pytest.mark.parametrize("kind", LAYERS)
def test_torchs_global_state_is_neither_read_nor_changed(kind, x):
    layer = LAYERS[kind]()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = layer.seed_(3)(x)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(layer.seed_(3)(x), first)


@pytest.mark.parametrize("kind", LAYERS)
def test_without_a_seed_the_global_state_is_used(kind, x):
    layer = LAYERS[kind]()
    torch.manual_seed(0)
    first = layer(x)
    torch.manual_seed(0)
    assert torch.equal(layer(x), first)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_copy_goes_on_with_a_stream_of_its_own(kind, twin_of, x):
    layer = LAYERS[kind]().seed_(0)
    layer(x)
    twin = twin_of(layer)
    assert torch.equal(twin(x), layer(x))


@pytest.mark.parametrize("kind", LAYERS)
def test_prediction_draws_nothing(kind, x):
    layer = LAYERS[kind]().seed_(0)
    first, second = layer.eval()(x), layer.eval()(x)
    assert torch.equal(first, second)
    assert torch.equal(layer.train()(x), layer.seed_(0)(x))


@pytest.mark.parametrize("kind", LAYERS)
def test_in_the_mean_training_is_prediction(kind, x):
    layer = LAYERS[kind]().double().seed_(0)
    x = x[:5].double()
    steps = torch.stack([layer(x) for _ in range(4000)])
    error = (steps.mean(dim=0) - layer.eval()(x)).abs()
    assert (error <= 5 * steps.std(dim=0) / 4000**0.5 + 1e-9).all()


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_are_those_of_differences(kind, x):
    layer = LAYERS[kind]().double()
    x = x[:4].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: layer.seed_(1)(x), x)


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(sorted(LAYERS)),
    n_rows=st.integers(0, 5),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    training=st.booleans(),
)
def test_shape_and_precision_stay(kind, n_rows, dtype, training):
    layer = LAYERS[kind]().to(dtype).train(training).seed_(0)
    out = layer(torch.ones(n_rows, 6, dtype=dtype))
    assert (out.shape, out.dtype) == ((n_rows, 6), dtype)


# --- RReLU ----------------------------------------------------------------------------------


def test_slopes_are_uniform_between_the_bounds():
    slopes = -RReLU(0.1, 0.5).seed_(0)(-torch.ones(200_000, dtype=torch.float64))
    assert 0.1 <= slopes.min() < 0.1001
    assert 0.4999 < slopes.max() <= 0.5
    quarters = torch.histc(slopes, 4, 0.1, 0.5) / len(slopes)
    assert (quarters - 0.25).abs().max() < 5 * (0.25 * 0.75 / len(slopes)) ** 0.5


def test_numbers_above_0_pass():
    x = torch.rand(100)
    assert torch.equal(RReLU().seed_(0)(x), x)
    assert torch.equal(RReLU().eval()(x), x)


def test_it_has_the_bounds_and_the_mean_of_torchs_own():
    ours, theirs = RReLU().eval(), nn.RReLU().eval()
    assert (ours.lower, ours.upper) == (theirs.lower, theirs.upper)
    x = torch.linspace(-3, 3, 7)
    torch.testing.assert_close(ours(x), theirs(x))


def test_bounds_in_the_wrong_order_are_refused():
    text = (
        "The bounds of the slopes are in the wrong order. Expected lower <= upper; got lower=0.5, "
        "upper=0.1. Exchange them."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        RReLU(0.5, 0.1)


# --- DropPath -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2000, 3), (2000, 3, 4)])
def test_rows_are_dropped_as_a_whole(shape):
    out = DropPath(0.3).seed_(0)(torch.ones(shape)).flatten(1)
    kept = out[:, 0] != 0
    assert torch.equal(out[kept], torch.full_like(out[kept], 1 / 0.7))
    assert not out[~kept].any()
    assert (~kept).double().mean().item() == pytest.approx(0.3, abs=5 * (0.21 / 2000) ** 0.5)


def test_rows_of_a_batch_can_be_dropped_at_once():
    drop = DropPath(0.3, "batch").seed_(0)
    kept = []
    for _ in range(1000):
        out = drop(torch.ones(4, 2))
        assert len(out.unique()) == 1
        kept.append(out[0, 0].item() != 0)
    assert sum(kept) / 1000 == pytest.approx(0.7, abs=5 * (0.21 / 1000) ** 0.5)


def test_an_unknown_mode_is_refused():
    text = (
        "mode='rows' is not known. Expected one of 'batch', 'row'; got 'rows'. Did you mean 'row'?"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        DropPath(0.1, "rows")


# --- DropConnect ----------------------------------------------------------------------------


def test_each_weight_is_dropped_for_all_rows_of_a_step():
    layer = DropConnect(300, 200, p=0.3).seed_(0)
    nn.init.ones_(layer.weight)
    nn.init.constant_(layer.bias, 7.0)
    seen = layer(torch.eye(300)) - 7
    kept = seen > 0.5
    torch.testing.assert_close(seen[kept], torch.full_like(seen[kept], 1 / 0.7))
    torch.testing.assert_close(seen[~kept], torch.zeros_like(seen[~kept]))
    share = kept.double().mean().item()
    assert share == pytest.approx(0.7, abs=5 * (0.21 / kept.numel()) ** 0.5)


def test_dropped_weights_have_no_gradient():
    layer = DropConnect(30, 20, p=0.5).seed_(0)
    layer(torch.ones(4, 30)).sum().backward()
    assert set(layer.weight.grad.unique().tolist()) == {0.0, 8.0}


def test_it_is_a_linear_layer():
    layer = DropConnect(3, 2, p=0.4)
    assert isinstance(layer, nn.Linear)
    assert repr(layer) == "DropConnect(in_features=3, out_features=2, bias=True, p=0.4)"
    x = torch.randn(5, 3)
    assert torch.equal(layer.eval()(x), x @ layer.weight.T + layer.bias)


@pytest.mark.parametrize("p", [1.0, -0.1, 1.5])
@pytest.mark.parametrize(
    ("make", "what"),
    [(DropPath, "stochastic depth"), (lambda p: DropConnect(3, 2, p=p), "DropConnect")],
)
def test_a_rate_outside_0_to_1_is_refused(make, what, p):
    text = (
        f"p is no rate of {what}. Expected a rate p in [0, 1); got p={p}. "
        "p is the share that is dropped, such as 0.2."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        make(p)
