"""How many rows of each class come out, and which."""

from collections import Counter

import imblearn.over_sampling
import imblearn.under_sampling
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sknn_tricks.resampling import BalancedSampler, RandomOverSampler, RandomUnderSampler

sizes_of_classes = st.lists(st.integers(1, 60), min_size=2, max_size=6)


def labels(sizes, seed=0):
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


def resampled(sampler, y):
    rows, y_new = sampler.fit_resample(np.arange(len(y)).reshape(-1, 1), y)
    np.testing.assert_array_equal(y[rows.ravel()], y_new)  # each row with its own label
    return rows.ravel(), y_new


@settings(max_examples=60, deadline=None)
@given(
    sizes=sizes_of_classes, strategy=st.sampled_from(["auto", "minority", "all", "not minority"])
)
def test_over_sampling_counts_as_imblearn_does(sizes, strategy):
    y = labels(sizes)
    _, ours = resampled(RandomOverSampler(sampling_strategy=strategy, random_state=0), y)
    theirs = imblearn.over_sampling.RandomOverSampler(sampling_strategy=strategy, random_state=0)
    assert Counter(ours) == Counter(theirs.fit_resample(y.reshape(-1, 1), y)[1])


@settings(max_examples=60, deadline=None)
@given(
    sizes=sizes_of_classes, strategy=st.sampled_from(["auto", "majority", "all", "not majority"])
)
def test_under_sampling_counts_as_imblearn_does(sizes, strategy):
    y = labels(sizes)
    _, ours = resampled(RandomUnderSampler(sampling_strategy=strategy, random_state=0), y)
    theirs = imblearn.under_sampling.RandomUnderSampler(sampling_strategy=strategy, random_state=0)
    assert Counter(ours) == Counter(theirs.fit_resample(y.reshape(-1, 1), y)[1])


def test_strategy_may_be_a_share_a_dict_or_a_function():
    y = labels([50, 10])
    for strategy in (0.5, {1: 25}, lambda y: {1: 25}):
        over = RandomOverSampler(sampling_strategy=strategy, random_state=0)
        assert Counter(resampled(over, y)[1]) == {0: 50, 1: 25}
    for strategy in (0.5, {0: 20}, lambda y: {0: 20}):
        under = RandomUnderSampler(sampling_strategy=strategy, random_state=0)
        assert Counter(resampled(under, y)[1]) == {0: 20, 1: 10}


@settings(max_examples=60, deadline=None)
@given(sizes=sizes_of_classes, seed=st.integers(0, 100))
def test_over_sampling_repeats_the_rows_of_a_class_equally_often(sizes, seed):
    y = labels(sizes, seed)
    rows, _ = resampled(RandomOverSampler(random_state=seed), y)
    np.testing.assert_array_equal(rows[: len(y)], np.arange(len(y)))
    times = np.bincount(rows, minlength=len(y))
    for label in range(len(sizes)):
        of_class = times[y == label]
        assert of_class.max() - of_class.min() <= 1


@settings(max_examples=60, deadline=None)
@given(sizes=sizes_of_classes, seed=st.integers(0, 100))
def test_under_sampling_keeps_the_order_and_no_row_twice(sizes, seed):
    rows, _ = resampled(RandomUnderSampler(random_state=seed), labels(sizes, seed))
    assert (np.diff(rows) > 0).all()


@settings(max_examples=200, deadline=None)
@given(sizes=sizes_of_classes, ratio=st.floats(0.01, 1), seed=st.integers(0, 100))
def test_balanced_sampler_does_what_its_formula_says(sizes, ratio, seed):
    y, sizes = labels(sizes, seed), np.array(sizes)
    rows, y_new = resampled(BalancedSampler(ratio, random_state=seed), y)
    counts = np.bincount(y_new, minlength=len(sizes))
    assert len(rows) == len(y)
    assert counts.min() >= ratio * counts.max() - 2  # whole numbers
    assert ((counts >= sizes) | (counts >= counts.max() - 1)).all()  # only the largest shrink
    smallest = ratio * counts.max()
    assert ((counts <= sizes) | (counts <= smallest + 2)).all()  # only the smallest grow
    times = np.bincount(rows, minlength=len(y))
    for label in range(len(sizes)):
        assert np.ptp(times[y == label]) <= 1


@settings(max_examples=60, deadline=None)
@given(sizes=sizes_of_classes)
def test_balanced_sampler_leaves_balanced_data_as_they_are(sizes):
    ratio = min(sizes) / max(sizes)
    rows, y_new = resampled(BalancedSampler(ratio, random_state=0), y := labels(sizes))
    np.testing.assert_array_equal(rows, np.arange(len(y)))
    np.testing.assert_array_equal(y_new, y)


def test_balanced_sampler_makes_equal_shares():
    _, y = resampled(BalancedSampler(random_state=0), labels([900, 60, 41]))
    assert sorted(Counter(y).values()) == [333, 334, 334]


@pytest.mark.parametrize(
    "sampler", [BalancedSampler, RandomOverSampler, RandomUnderSampler], ids=lambda c: c.__name__
)
def test_random_state_decides(sampler):
    y = labels([50, 9, 3])
    first, again = (resampled(sampler(random_state=3), y)[0] for _ in range(2))
    other, _ = resampled(sampler(random_state=4), y)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    random_state = np.random.RandomState(0)
    draws = [resampled(sampler(random_state=random_state), y)[0] for _ in range(2)]
    assert not np.array_equal(*draws)
