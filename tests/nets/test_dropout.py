import copy
import pickle
from math import sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sknn_tricks.nets import Dropout

RATES = [0.1, 0.5, 0.75, 0.01]
N = 400_000


def kept(p, n=N, seed=0):
    """Say of each of n entries whether it was kept."""
    return Dropout(p).seed_(seed)(torch.ones(n)) != 0


def five_sigma(p, n):
    """How far a share of n draws may lie from p."""
    return 5 * sqrt(p * (1 - p) / n)


# --- statistics -----------------------------------------------------------------------------


@pytest.mark.parametrize("p", RATES)
def test_the_kept_share_is_one_minus_p(p):
    assert abs(kept(p).double().mean() - (1 - p)) < five_sigma(p, N)


@pytest.mark.parametrize("p", RATES)
def test_the_expectation_is_kept(p):
    mean = Dropout(p).seed_(1)(torch.ones(N, dtype=torch.float64)).mean()
    assert abs(mean - 1) < five_sigma(p, N) / (1 - p)


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("lane", range(4))
def test_each_of_the_four_masks_in_a_draw_is_unbiased(p, lane):
    share = kept(p)[lane::4].double().mean()
    assert abs(share - (1 - p)) < five_sigma(p, N // 4)


@pytest.mark.parametrize("p", RATES)
def test_neighbours_are_dropped_independently(p):
    lanes = kept(p).double().view(-1, 4).T
    correlation = torch.corrcoef(lanes) - torch.eye(4)
    assert correlation.abs().max() < 5 / sqrt(N // 4)


def test_the_rate_is_exact_to_the_sixteenth_bit():
    n_dropped = (~kept(2**-16, n=2**22)).sum().item()
    assert abs(n_dropped - 64) < 5 * sqrt(64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("p", RATES)
def test_what_is_kept_is_scaled_by_exactly_one_over_one_minus_p(p, dtype):
    values = Dropout(p).seed_(0)(torch.ones(1000, dtype=dtype)).unique()
    assert values.dtype == dtype
    assert values.tolist() == [0.0, torch.tensor(1 / (1 - p), dtype=dtype).item()]


# --- the layer ------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    shape=st.lists(st.integers(0, 7), max_size=3),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    p=st.floats(0, 0.99),
)
def test_any_shape_and_precision_goes_through(shape, dtype, p):
    x = torch.full(shape, 3.0, dtype=dtype)
    out = Dropout(p).seed_(0)(x)
    assert out.shape == x.shape
    assert out.dtype == dtype
    torch.testing.assert_close(out, torch.where(out == 0, 0, x / (1 - p)))


def test_strides_do_not_matter():
    x = torch.arange(1.0, 36).view(5, 7)
    straight = Dropout(0.5).seed_(0)(x)
    assert torch.equal(Dropout(0.5).seed_(0)(x.T.contiguous().T), straight)


def test_in_evaluation_it_is_the_identity_and_draws_nothing():
    drop, twin = Dropout(0.5).seed_(0), Dropout(0.5).seed_(0)
    x = torch.ones(50)
    assert drop.eval()(x) is x
    assert torch.equal(drop.train()(x), twin(x))


def test_rate_0_is_the_identity():
    x = torch.ones(50)
    assert Dropout(0.0).seed_(0)(x) is x


def test_the_input_is_left_alone():
    x = torch.ones(50)
    Dropout(0.5).seed_(0)(x)
    assert torch.equal(x, torch.ones(50))


def test_gradients_flow_through_the_kept_entries_only():
    x = torch.arange(1.0, 1001, dtype=torch.float64, requires_grad=True)
    out = Dropout(0.75).seed_(0)(x)
    out.sum().backward()
    was_kept = out != 0
    assert 0 < was_kept.sum() < 1000
    assert torch.equal(x.grad, torch.where(was_kept, 4.0, 0.0).double())


@pytest.mark.parametrize("rate", [1.0, 1.5, -0.1])
def test_a_rate_outside_0_to_1_is_refused(rate):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the whole text follows
        Dropout(rate)
    assert str(raised.value) == (
        f"p is no rate of dropout. Expected a rate p in [0, 1); got p={rate}. "
        "p is the share that is dropped, such as 0.2."
    )


def test_it_shows_like_torchs_own_and_has_no_state():
    drop = Dropout(0.2).seed_(0)
    assert isinstance(drop, nn.Dropout)
    assert repr(drop) == "Dropout(p=0.2, inplace=False)"
    assert len(drop.state_dict()) == 0


# --- its random stream ----------------------------------------------------------------------


def masks(drop, n=5):
    return torch.stack([drop(torch.ones(64)) for _ in range(n)])


def test_seeding_returns_the_layer():
    drop = Dropout(0.5)
    assert drop.seed_(0) is drop


def test_the_same_seed_gives_the_same_masks():
    assert torch.equal(masks(Dropout(0.5).seed_(3)), masks(Dropout(0.5).seed_(3)))


def test_another_seed_gives_other_masks():
    assert not torch.equal(masks(Dropout(0.5).seed_(3)), masks(Dropout(0.5).seed_(4)))


def test_each_call_draws_a_new_mask():
    assert len(masks(Dropout(0.5).seed_(0)).unique(dim=0)) == 5


def test_seeding_again_starts_the_stream_again():
    drop = Dropout(0.5).seed_(3)
    first = masks(drop)
    assert torch.equal(masks(drop.seed_(3)), first)


def test_the_global_random_state_is_neither_read_nor_changed():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = masks(Dropout(0.5).seed_(3))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(masks(Dropout(0.5).seed_(3)), first)


def test_without_a_seed_it_draws_from_the_global_random_state():
    torch.manual_seed(0)
    first = masks(Dropout(0.5))
    assert not torch.equal(masks(Dropout(0.5)), first)
    torch.manual_seed(0)
    assert torch.equal(masks(Dropout(0.5)), first)


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda drop: pickle.loads(pickle.dumps(drop))])
def test_a_copy_goes_on_with_a_stream_of_its_own(twin_of):
    drop = Dropout(0.5).seed_(0)
    masks(drop)
    twin = twin_of(drop)
    of_the_twin = masks(twin)
    assert torch.equal(masks(drop), of_the_twin)


def test_an_unseeded_layer_can_be_copied():
    assert copy.deepcopy(Dropout(0.3)).p == 0.3
