"""FractionalMaxPool against its definition, and its random stream."""

import copy
import re
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sknn_tricks.nets import FractionalMaxPool
from sknn_tricks.nets._fractional_pool import edges


def by_definition(x, rows, columns):
    """Return the maximum of each region, pixel by pixel."""
    regions = [
        [x[:, :, top : end + 1, left : right + 1].amax((2, 3)) for left, right in pairwise(columns)]
        for top, end in pairwise(rows)
    ]
    return torch.stack([torch.stack(row, -1) for row in regions], -2)


@given(size=st.integers(2, 60), ratio=st.floats(1.05, 2), start=st.integers(0, 2**16 - 1))
def test_regions_cover_all_pixels_and_are_2_or_3_pixels_wide(size, ratio, start):
    n_regions = FractionalMaxPool(ratio).pooled(size)
    found = edges(size, n_regions, start)
    assert (found[0], found[-1], len(found)) == (0, size - 1, n_regions + 1)
    assert {after - before for before, after in pairwise(found)} <= {1, 2}


def test_edges_are_those_of_the_formula():
    # alpha = 11 / 7, u = 3 / 4
    alpha, u = 11 / 7, 0.75
    expected = [int(alpha * (i + u)) - int(alpha * u) for i in range(8)]
    assert edges(12, 7, int(u * 2**16)) == expected


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_in_evaluation_it_takes_the_maximum_of_fixed_regions(order):
    x = torch.randn(3, 4, 12, 9).contiguous(memory_format=order)
    pool = FractionalMaxPool().eval()
    rows, columns = edges(12, 8, 2**15), edges(9, 6, 2**15)
    assert torch.equal(pool(x), by_definition(x, rows, columns))
    assert torch.equal(pool(x), pool(x))


def test_in_training_it_takes_the_maximum_of_regions_of_some_start():
    x, pool = torch.randn(3, 4, 12, 9), FractionalMaxPool().seed_(0)
    rows = {tuple(edges(12, 8, start)) for start in range(0, 2**16, 64)}
    columns = {tuple(edges(9, 6, start)) for start in range(0, 2**16, 64)}
    seen = set()
    for _ in range(60):
        out = pool(x)
        fits = [(a, b) for a in rows for b in columns if torch.equal(out, by_definition(x, a, b))]
        assert len(fits) == 1
        seen.add(fits[0])
    assert {a for a, _ in seen} == rows
    assert {b for _, b in seen} == columns


def test_the_same_seed_gives_the_same_regions_and_torchs_state_stays():
    x, pool = torch.randn(3, 4, 12, 9), FractionalMaxPool()
    before = torch.get_rng_state()
    first, again, other = (pool.seed_(seed)(x) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_copy_goes_on_with_a_stream_of_its_own():
    x, pool = torch.randn(3, 4, 12, 9), FractionalMaxPool().seed_(0)
    pool(x)
    assert torch.equal(copy.deepcopy(pool)(x), pool(x))


@pytest.mark.parametrize("training", [True, False])
def test_gradients_are_those_of_differences(training):
    x = torch.randn(2, 3, 6, 5, dtype=torch.float64).requires_grad_()
    pool = FractionalMaxPool().train(training)
    assert torch.autograd.gradcheck(lambda x: pool.seed_(1)(x), x)


@pytest.mark.parametrize(
    ("size", "ratio", "left"),
    [(28, 2**0.5, 19), (8, 2, 4), (5, 2, 2), (3, 1.2, 2), (2, 1.1, 1), (1, 2, 1)],
)
def test_what_is_left_is_rounded_down_to_at_least_a_pixel(size, ratio, left):
    out = FractionalMaxPool(ratio).seed_(0)(torch.randn(2, 3, size, size))
    assert out.shape == (2, 3, left, left)


def test_no_rows_are_no_rows():
    assert FractionalMaxPool().seed_(0)(torch.zeros(0, 2, 8, 8)).shape == (0, 2, 5, 5)


@pytest.mark.parametrize("ratio", [1, 0.5, 2.1, -1])
def test_a_ratio_out_of_range_is_refused(ratio):
    text = (
        f"ratio is no fraction to pool by. Expected a number above 1 and at most 2; got "
        f"ratio={ratio!r}. Try ratio=2 ** 0.5, of which two poolings halve an image."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        FractionalMaxPool(ratio)
