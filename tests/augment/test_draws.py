"""Random numbers of rows: they depend on seed, epoch and row only, and are as they should be."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sknn_tricks.augment._draws import Draws

COUNTS = st.integers(0, 2**62)


def z_scores(numbers, mean, std):
    """Return the mean of each list of numbers in units of its standard error."""
    numbers = np.asarray(numbers, dtype=np.float64)
    return (numbers.mean(axis=1) - mean) / std * numbers.shape[1] ** 0.5


@given(seed=COUNTS, epoch=COUNTS, rows=st.lists(COUNTS, min_size=1, max_size=20), pick=st.data())
def test_a_row_has_the_same_numbers_in_any_company(seed, epoch, rows, pick):
    rows = np.array(rows)
    chosen = np.array(pick.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1)))
    all_of_them, some = Draws.of(seed, epoch, rows), Draws.of(seed, epoch, rows[chosen])
    for _ in range(2):
        assert (all_of_them.uniform()[chosen] == some.uniform()).all()
    like, like_some = torch.empty(len(rows), 3, 5), torch.empty(len(chosen), 3, 5)
    assert torch.equal(all_of_them.normal_like(like)[chosen], some.normal_like(like_some))
    assert (all_of_them.at(3).words()[chosen] == some.at(3).words()).all()


def test_seeds_epochs_rows_places_and_turns_differ():
    rows = np.arange(1000)
    words = [
        Draws.of(seed, epoch, rows).at(place).words()
        for seed in range(3)
        for epoch in range(3)
        for place in range(3)
    ]
    draws = Draws.of(0, 0, rows)
    words += [draws.words(), draws.words()]
    assert len(np.unique(words)) == 1000 * len(words)


def test_numbers_of_some_rows_go_on_where_all_were():
    draws = Draws.of(0, 0, np.arange(10))
    draws.uniform()
    taken = draws.take(np.array([7, 2]))
    assert (taken.uniform() == draws.uniform()[[7, 2]]).all()


def test_seeds_may_differ_by_row():
    both = Draws.of(np.array([[4], [5]]), 1, np.arange(6).reshape(2, 3)).uniform()
    apart = [Draws.of(4, 1, np.arange(3)), Draws.of(5, 1, np.arange(3, 6))]
    assert (both == np.concatenate([draws.uniform() for draws in apart])).all()


@pytest.mark.parametrize("by", ["seed", "epoch", "turn"])
def test_uniform_numbers(by):
    rows, turns = np.arange(2000), Draws.of(0, 0, np.arange(2000))
    make = {
        "seed": lambda i: Draws.of(i, 0, rows).uniform(),
        "epoch": lambda i: Draws.of(0, i, rows).uniform(),
        "turn": lambda i: turns.uniform(),
    }[by]
    lists = np.array([make(i) for i in range(200)])
    assert lists.min() >= 0
    assert lists.max() < 1
    for power in (1, 2):
        mean = 1 / (power + 1)
        std = (1 / (2 * power + 1) - mean**2) ** 0.5
        z = z_scores(lists**power, mean, std)
        assert abs(z.mean()) < 4 / 200**0.5
        assert abs(z.std() - 1) < 0.2
    beside = np.corrcoef(lists[:-1].ravel(), lists[1:].ravel())[0, 1]
    assert abs(beside) < 4 / lists.size**0.5


def test_normal_numbers_of_pixels():
    noise = [Draws.of(s, 0, np.arange(50)).normal_like(torch.empty(50, 300)) for s in range(100)]
    numbers = torch.stack(noise).double().numpy()
    z = z_scores(numbers.reshape(100, -1), 0, 1)
    assert abs(z.mean()) < 4 / 100**0.5
    assert abs(z.std() - 1) < 0.3
    for axes in ((0, 1), (0, 2), (1, 2)):  # what pixels, rows and seeds have in common: nothing
        means = numbers.mean(axis=axes) * np.prod([numbers.shape[a] for a in axes]) ** 0.5
        assert abs(means.std() - 1) < 0.35
    assert abs(numbers.var() - 1) < 0.01
    assert abs((numbers**4).mean() - 3) < 0.05
    assert np.abs(numbers).max() < 4.4


def test_other_numbers():
    draws = Draws.of(0, 0, np.arange(20_000))
    whole = draws.integers(-2, 2)
    assert np.bincount(whole + 2, minlength=5) == pytest.approx([4000] * 5, abs=300)
    assert whole.dtype == np.int64
    factors = draws.factors(0.5, 2.0)
    assert (factors.min() >= 0.5, factors.max() <= 2) == (True, True)
    assert np.log(factors).mean() == pytest.approx(0, abs=0.02)
    assert draws.normal().std() == pytest.approx(1, abs=0.03)
    shares = draws.uniform_like(torch.empty(20_000, 1, 3, dtype=torch.float64))
    assert shares.dtype == torch.float64
    assert shares.mean().item() == pytest.approx(0.5, abs=0.01)
    assert (shares.min().item() > 0, shares.max().item() < 1) == (True, True)
