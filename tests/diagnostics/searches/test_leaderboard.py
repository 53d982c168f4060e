import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV

from sknn_tricks.diagnostics import search_report


def test_columns_and_values(additive_search):
    board = search_report(additive_search).leaderboard
    names = ["rank", "init", "dropout", "mean", "std", "min", "max", "fit_seconds"]
    assert list(board.columns) == names
    assert board.index.name == "row"
    results = additive_search.cv_results_
    folds = np.column_stack([results[f"split{i}_test_score"] for i in range(3)])
    for row, line in board.iterrows():
        params = results["params"][row]
        assert (line["init"], line["dropout"]) == (params["init"], params["dropout"])
        assert line["mean"] == results["mean_test_score"][row]
        assert line["std"] == results["std_test_score"][row]
        assert (line["min"], line["max"]) == (folds[row].min(), folds[row].max())
        assert line["fit_seconds"] == results["mean_fit_time"][row]


# few different scores, so that there are ties
SCORES = st.sampled_from([0.1, 0.2, 0.3, float("nan")])


@settings(max_examples=60, deadline=None)
@given(scores=st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=8))
def test_order_and_ranks_are_scikit_learns(found_search, scores):
    search = found_search([{"lr": i} for i in range(len(scores))], scores)
    report = search_report(search)
    ranks = search.cv_results_["rank_test_score"]
    order = np.argsort(ranks, kind="stable")
    np.testing.assert_array_equal(report.leaderboard.index, order)
    if not np.isnan(scores).all(axis=None):
        np.testing.assert_array_equal(report.leaderboard["rank"], ranks[order])
    assert report.winner in (search.best_index_, None)


def test_failed_candidates_come_last_without_numbers(found_search):
    nan = float("nan")
    search = found_search([{"lr": 1}, {"lr": 2}, {"lr": 3}], [[nan, 0.9], [0.1, 0.2], [0.3, 0.4]])
    report = search_report(search)
    assert list(report.leaderboard.index) == [2, 1, 0]
    assert report.leaderboard.loc[0, ["mean", "std", "min", "max"]].isna().all()
    assert report.n_candidates == 3


def test_all_failed(found_search):
    report = search_report(found_search([{"lr": 1}, {"lr": 2}], [[np.nan] * 2] * 2))
    assert report.winner is None
    assert report.comparison is None
    assert not report.has_effects
    assert report.effects["mean"].isna().all()
    assert "No candidate has a score" in report.to_markdown()
    assert "2 of 2 candidates failed" in report.advice[0]


def test_values_of_all_kinds(run_search):
    def first(x):
        return x

    grid = {"clip": [None, 1.0, first], "hidden": [(8,), (8, 8)], "n_units": [1, 2]}
    search = run_search(grid, lambda p, fold: p.n_units + len(p.hidden) + fold)
    board = search_report(search).leaderboard
    assert set(map(str, board["clip"])) == {"None", "1.0", first.__qualname__}
    assert set(board["hidden"]) == {"(8,)", "(8, 8)"}
    assert board["n_units"].dtype == np.int64


@pytest.mark.parametrize("name", ["rank", "mean", "pruned"])
def test_a_parameter_that_is_called_like_a_column(found_search, name):
    search = found_search([{f"net__{name}": 1}, {f"net__{name}": 2}], [[0.1, 0.2], [0.3, 0.4]])
    assert f"net__{name}" in search_report(search).leaderboard
    search = found_search([{name: 1}, {name: 2}], [[0.1, 0.2], [0.3, 0.4]])
    assert list(search_report(search).leaderboard[f"param_{name}"]) == [2, 1]


# --- halving --------------------------------------------------------------------------------


def halving(run_search, **more):
    lrs = {"lr": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}
    options = {"factor": 3, "min_resources": 4, "random_state": 0, "n_splits": 4}
    options |= more
    return run_search(lrs, lambda p, f: p.lr - f / 10, search=HalvingGridSearchCV, **options)


@pytest.mark.parametrize(
    "resource",
    [{}, {"resource": "n_units", "max_resources": 9, "min_resources": 1}],
    ids=["rows", "a parameter"],
)
def test_halving_has_a_row_for_each_candidate(run_search, resource):
    search = halving(run_search, **resource)
    report = search_report(search)
    n_rows = len(search.cv_results_["params"])
    assert n_rows > 9 == report.n_candidates == len(report.leaderboard)
    assert [factor.name for factor in report.factors] == ["lr"]
    rounds = search.cv_results_["iter"][report.leaderboard.index]
    assert list(rounds) == sorted(rounds, reverse=True)
    assert report.winner == search.best_index_ == report.leaderboard.index[0]
    resources = search.cv_results_["n_resources"][report.leaderboard.index]
    np.testing.assert_array_equal(report.leaderboard["resources"], resources)


def test_halving_compares_within_a_round(run_search):
    report = search_report(halving(run_search))
    rounds = report.trials.rounds
    assert rounds[report.comparison.first] == rounds[report.comparison.second]
    assert report.trials.params[report.comparison.first]["lr"] == 0.9
    assert report.trials.params[report.comparison.second]["lr"] == 0.8


def test_effects_of_halving_are_those_of_the_first_round(run_search):
    search = halving(run_search)
    report = search_report(search)
    first = search.cv_results_["iter"] == 0
    assert report.effects["n"].sum() == first.sum() == 9
    assert any("first round" in line for line in report.advice)
    star = report.plot_effects().axes[0].collections[-1]
    assert star.get_label() == "the winner"
    assert len(star.get_offsets()) == 1
    best = search.cv_results_["mean_test_score"][first].max()
    assert report.effects["best"].max() == best


# --- pruned ---------------------------------------------------------------------------------


def test_pruned_candidates_are_between_the_others_and_failed_ones(found_search):
    scores = [[np.nan, 1], [0.9, 0.9], [0.1, 0.2], [0.3, 0.3]]
    search = found_search([{"lr": i} for i in range(4)], scores)
    search.cv_results_["pruned"] = np.array([False, True, False, False])
    search.best_index_ = 3
    report = search_report(search)
    assert list(report.leaderboard.index) == [3, 2, 1, 0]
    assert list(report.leaderboard["pruned"]) == [False, False, True, False]
    assert report.comparison.second == 2
    assert report.effects.set_index("value")["n"].to_dict() == {"0": 0, "1": 0, "2": 1, "3": 1}
    assert any("1 pruned candidate" in line for line in report.advice)
