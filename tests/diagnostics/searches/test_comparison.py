import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel
from sklearn.model_selection import (
    GroupShuffleSplit,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)

from sknn_tricks.diagnostics import search_report
from sknn_tricks.diagnostics.searches._comparison import compare
from sknn_tricks.diagnostics.searches._trials import held_out_ratio

SCORES = st.lists(st.tuples(st.floats(-10, 10), st.floats(-10, 10)), min_size=2, max_size=10).map(
    np.array
)


@given(pairs=SCORES)
def test_antisymmetric(pairs):
    there, back = (compare(*pairs.T[order], 0.25) for order in ([0, 1], [1, 0]))
    assert back.gap == pytest.approx(-there.gap)
    assert back.interval == pytest.approx((-there.interval[1], -there.interval[0]), nan_ok=True)
    assert back.t == pytest.approx(-there.t, nan_ok=True)
    assert back.p_value == pytest.approx(there.p_value, nan_ok=True)
    assert there.n_won + back.n_won + there.n_tied == len(pairs)


@given(pairs=SCORES)
def test_zero_is_outside_of_the_interval_if_the_gap_is_clear(pairs):
    found = compare(*pairs.T, 0.25)
    low, high = found.interval
    if not math.isnan(found.p_value) and abs(found.p_value - 0.05) > 1e-9:
        assert found.is_clear == (not low <= 0 <= high)


def test_without_correction_it_is_the_paired_t_test():
    first, second = np.random.default_rng(0).normal(size=(2, 10))
    plain = ttest_rel(first, second)
    found = compare(first, second, 0.0)
    assert (found.t, found.p_value) == pytest.approx((plain.statistic, plain.pvalue))
    assert found.interval == pytest.approx(tuple(plain.confidence_interval(0.95)))


def test_the_correction_is_that_of_nadeau_and_bengio():
    first, second = np.random.default_rng(0).normal(size=(2, 10))
    plain, found = compare(first, second, 0.0), compare(first, second, 1 / 9)
    assert found.t == pytest.approx(plain.t * math.sqrt((1 / 10) / (1 / 10 + 1 / 9)))
    assert found.p_value > plain.p_value


def test_it_finds_what_is_not_there_in_about_a_twentieth_of_all_cases():
    # scores of folds whose training sets overlap: correlated as the correction supposes
    rng = np.random.default_rng(0)
    n, ratio, n_cases = 5, 0.25, 1500
    correlation = ratio / (1 + ratio)
    shared = rng.normal(size=(n_cases, 1)) * math.sqrt(correlation)
    gaps = shared + rng.normal(size=(n_cases, n)) * math.sqrt(1 - correlation)
    n_clear = sum(compare(gap, np.zeros(n), ratio).is_clear for gap in gaps)
    assert 0.035 < n_clear / n_cases < 0.065


def test_verdicts():
    higher, lower = np.array([0.91, 0.92, 0.9, 0.93, 0.91]), np.array([0.5, 0.51, 0.5, 0.5, 0.49])
    other = np.array([0.9, 0.93, 0.89, 0.94, 0.9])
    assert compare(higher, lower, 0.25).verdict == (
        "The folds tell them apart: a gap of 0.414 (95% interval 0.3928 to 0.4352, p = 7e-07, 5 of "
        "5 folds won)."
    )
    assert compare(lower, higher, 0.25).verdict.startswith("The folds tell them apart: a gap of -0")
    assert compare(higher, other, 0.25).verdict == (
        "The folds cannot tell them apart: a gap of 0.002 (95% interval -0.0184 to 0.0224, "
        "p = 0.8, 3 of 5 folds won)."
    )
    assert compare(lower, lower, 0.25).verdict == "They have the same score in each fold."
    assert compare(lower + 0.25, lower, 0.25).verdict == (
        "A gap of 0.25, the same in each fold (5 of 5 folds won): no spread to test by."
    )
    assert compare(higher[:1], lower[:1], math.nan).verdict == (
        "A single split cannot tell how much a gap of 0.41 means."
    )
    assert math.isnan(compare(lower + 0.25, lower, 0.25).p_value)


@pytest.mark.parametrize(
    ("cv", "n_splits", "ratio"),
    [
        (None, 5, 0.25),
        (3, 3, 0.5),
        (KFold(10), 10, 1 / 9),
        (RepeatedStratifiedKFold(n_splits=5, n_repeats=3), 15, 0.25),
        (ShuffleSplit(4), 4, 1 / 9),
        (GroupShuffleSplit(4), 4, 0.25),
        (ShuffleSplit(4, test_size=0.5), 4, 1),
        (ShuffleSplit(4, train_size=0.8), 4, 0.25),
        (ShuffleSplit(4, test_size=0.1, train_size=0.4), 4, 0.25),
        (ShuffleSplit(4, test_size=10, train_size=40), 4, 0.25),
        (ShuffleSplit(4, test_size=10), 4, math.nan),
        (TimeSeriesSplit(5), 5, 0.25),
        ([(range(8), range(2)), (range(8), range(2))], 2, 0.25),
        ([([True, True, False], [False, False, True])], 1, 0.5),
        (ShuffleSplit(1, test_size=0.2), 1, 0.25),
        (iter(()), 1, math.nan),
    ],
)
def test_held_out_ratio(cv, n_splits, ratio):
    assert held_out_ratio(cv, n_splits) == pytest.approx(ratio, nan_ok=True)


def test_winner_against_runner_up(additive_search):
    report = search_report(additive_search)
    found = report.comparison
    assert found.first == report.winner == additive_search.best_index_
    assert found.second == report.leaderboard.index[1]
    assert found.gap == pytest.approx(0.02)
    assert found.held_out_ratio == 0.5
    assert str(report.compare(found.first, found.second)) == str(found)
    assert report.compare(found.second, found.first).gap == pytest.approx(-0.02)


def test_a_winner_that_is_not_the_best(run_search):
    def second_best(results):
        return int(np.argsort(results["rank_test_score"])[1])

    grid = {"lr": [0.1, 0.2, 0.3]}
    search = run_search(grid, lambda p, f: p.lr + f * p.lr**2, refit=second_best)
    report = search_report(search)
    assert report.winner == search.best_index_ == 1
    assert report.leaderboard.loc[report.winner, "rank"] == 2
    assert report.comparison.second == 2
    assert report.comparison.gap < 0


def test_candidates_within_the_noise(found_search):
    scores = [[0.8, 1.0], [0.8, 0.8], [0.75, 0.75], [0.85, 0.9]]  # the winner's error is 0.1
    report = search_report(found_search([{"lr": i} for i in range(4)], scores))
    assert report.winner == 0
    assert report.n_within_noise == 2


def test_a_single_candidate_has_no_runner_up(found_search):
    report = search_report(found_search([{"lr": 1}], [[0.1, 0.2]]))
    assert report.comparison is None
    assert report.n_within_noise == 0


def test_rows_that_cannot_be_compared(found_search):
    report = search_report(found_search([{"lr": 1}, {"lr": 2}], [[0.1, 0.2], [np.nan, 0.5]]))
    text = (
        "There is no row 7. Expected a row of cv_results_, 0 to 1; got 7. "
        "Take it from the index of report.leaderboard."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        report.compare(0, 7)
    text = (
        "Row 1 cannot be compared. Expected a score in each fold; got scores [nan, 0.5]. "
        "Choose a candidate that did not fail."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        report.compare(0, 1)
