import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
import torch

from sknn_tricks.fused._random import PURPOSES, borrowed_global_state, draw_seed, stream_seed

CPU = torch.device("cpu")


# --- seeds of streams -----------------------------------------------------------------------


def test_seeds_of_streams_are_the_same_in_every_release():
    assert stream_seed(0, "init") == 3964924996
    assert stream_seed(3, "dropout", 2, 1) == 2170231119


def test_members_purposes_and_indices_have_streams_of_their_own():
    seeds = [stream_seed(*place) for place in product([0, 1, 2, 3, 2**31 - 2], PURPOSES, range(20))]
    assert len(set(seeds)) == len(seeds) == 5 * len(PURPOSES) * 20


def test_layers_and_continued_fits_have_streams_of_their_own():
    seeds = [
        stream_seed(7, "dropout", layer, epoch) for layer, epoch in product(range(20), repeat=2)
    ]
    assert len(set(seeds)) == 400


def test_neighbouring_streams_are_uncorrelated():
    draws = torch.stack(
        [
            torch.randn(4000, generator=torch.Generator().manual_seed(stream_seed(*place)))
            for place in product([0, 1], PURPOSES, [0, 1])
        ]
    )
    correlation = torch.corrcoef(draws) - torch.eye(len(draws))
    assert correlation.abs().max() < 5 / 4000**0.5


# --- a member's seed ------------------------------------------------------------------------


def test_a_number_gives_a_seed_that_stays():
    assert draw_seed(5) == draw_seed(5) != draw_seed(6)
    assert draw_seed(5) == draw_seed(np.int64(5))


def test_a_random_state_gives_the_next_seed_each_time():
    state = np.random.RandomState(5)
    assert [draw_seed(state), draw_seed(state)] == [
        draw_seed(again := np.random.RandomState(5)),
        draw_seed(again),
    ]
    assert draw_seed(np.random.RandomState(5)) != draw_seed(state)


def test_none_is_new_entropy_and_leaves_numpys_global_state_alone():
    before = np.random.get_state()  # noqa: NPY002
    seeds = {draw_seed(None) for _ in range(20)}
    after = np.random.get_state()  # noqa: NPY002
    assert len(seeds) == 20
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@pytest.mark.parametrize("random_state", [None, 0, 2**32 - 1])
def test_seeds_are_whole_numbers_below_2_to_the_31(random_state):
    seed = draw_seed(random_state)
    assert isinstance(seed, int)
    assert 0 <= seed < 2**31


def test_what_is_no_random_state_is_refused():
    with pytest.raises(ValueError, match="cannot be used to seed"):
        draw_seed("seed")


# --- torch's global state -------------------------------------------------------------------


def drawn_inside(seed):
    with borrowed_global_state(seed, CPU):
        return torch.rand(3)


def test_the_global_state_is_seeded_inside_and_given_back():
    torch.manual_seed(99)
    before = torch.get_rng_state()
    drawn = drawn_inside(3)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(drawn, torch.rand(3, generator=torch.Generator().manual_seed(3)))


def test_what_is_drawn_inside_does_not_depend_on_the_state_outside():
    torch.manual_seed(1)
    first = drawn_inside(3)
    torch.manual_seed(2)
    assert torch.equal(drawn_inside(3), first)


def test_the_global_state_is_given_back_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), borrowed_global_state(3, CPU):  # noqa: PT012
        torch.rand(3)
        1 / 0  # noqa: B018
    assert torch.equal(torch.get_rng_state(), before)


def test_blocks_can_be_nested():
    with borrowed_global_state(3, CPU):
        first = torch.rand(2)
        drawn_inside(4)
        rest = torch.rand(1)
    assert torch.equal(torch.cat([first, rest]), drawn_inside(3))


def test_threads_do_not_draw_from_each_others_streams():
    def draw_slowly(seed):
        with borrowed_global_state(seed, CPU):
            drawn = []
            for _ in range(3):
                drawn.append(torch.rand(1))
                time.sleep(1e-3)  # lets another thread in, if one may
            return torch.cat(drawn)

    before = torch.get_rng_state()
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(draw_slowly, range(12)))
    assert torch.equal(torch.stack(drawn), torch.stack([drawn_inside(s) for s in range(12)]))
    assert torch.equal(torch.get_rng_state(), before)
