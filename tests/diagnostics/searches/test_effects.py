from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import loguniform, uniform
from sklearn.model_selection import RandomizedSearchCV

from sknn_tricks.diagnostics import search_report
from sknn_tricks.diagnostics.searches._effects import group

NAN = float("nan")


def test_effects_of_an_additive_grid(additive_search):
    report = search_report(additive_search)
    assert [factor.name for factor in report.factors] == ["init", "dropout"]
    effects = report.effects.set_index(["factor", "value"])
    assert list(report.effects["value"]) == ["normal", "xavier", "kaiming", "0", "0.2", "0.5"]
    assert effects.loc[("init", "kaiming"), "mean"] == pytest.approx(0.9 + 0.01 - 0.07 / 3)
    assert effects.loc[("dropout", "0.5"), "best"] == pytest.approx(0.9 - 0.05 + 0.01)
    assert (report.effects["n"] == 3).all()
    # without interactions, the shares of a full grid add up to all of the variance
    assert report.effects.groupby("factor")["share"].first().sum() == pytest.approx(1)
    assert (report.effects["by_chance"] == 2 / 8).all()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n=st.integers(2, 12))
def test_effects_are_those_of_pandas(found_search, data, n):
    score = st.one_of(st.floats(-1e3, 1e3, allow_subnormal=False), st.just(NAN))
    scores = data.draw(st.lists(st.tuples(score, score), min_size=n, max_size=n))
    inits = data.draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n))
    search = found_search([{"init": init, "lr": i} for i, init in enumerate(inits)], scores)
    report = search_report(search)
    table = pd.DataFrame({"value": inits, "mean": np.mean(scores, axis=1)})
    by_value = table.groupby("value")["mean"]
    expected = pd.DataFrame(
        {
            "n": by_value.count(),
            "failed": by_value.size() - by_value.count(),
            "mean": by_value.mean(),
            "std": by_value.std(),
            "best": by_value.max(),
        }
    )
    effects = report.effects[report.effects["factor"] == "init"].set_index("value").sort_index()
    if len(expected) == 1:  # no factor
        assert effects.empty
        return
    for name in expected:
        np.testing.assert_allclose(effects[name], expected[name], rtol=1e-9, atol=1e-9)
    share = effects["share"].iloc[0]
    assert np.isnan(share) or 0 <= share <= 1


def test_share_by_chance_is_the_mean_over_all_permutations():
    scores, codes = np.array([0.1, 0.5, 0.2, 0.9, 0.4]), np.array([0, 0, 1, 1, 2])
    shares = [group(np.array(each), codes, 3).share for each in permutations(scores)]
    assert np.mean(shares) == pytest.approx(group(scores, codes, 3).by_chance)


def test_share_is_that_of_an_analysis_of_variance():
    rng = np.random.default_rng(0)
    scores, codes = rng.normal(size=30), rng.integers(0, 4, 30)
    dummies = np.eye(4)[codes]
    residual = scores - dummies @ np.linalg.lstsq(dummies, scores, rcond=None)[0]
    assert group(scores, codes, 4).share == pytest.approx(1 - residual.var() / scores.var())


def test_a_factor_of_as_many_values_as_candidates_is_worth_nothing(run_search):
    def distinct(i):
        return lambda: i

    grid = {"clip": [distinct(i) for i in range(4)], "init": ["a", "b"]}
    search = run_search(grid, lambda p, fold: (p.init == "a") + 0.01 * p.clip() + 0.1 * fold)
    assert [factor.name for factor in search_report(search).factors] == ["init", "clip"]
    names = [f"value{i}" for i in range(8)]
    search = run_search({"clip": names}, lambda p, fold: names.index(p.clip) + fold)
    effects = search_report(search).effects
    assert (effects["share"] == effects["by_chance"]).all()


def test_equal_scores_explain_nothing(run_search):
    report = search_report(run_search({"lr": [0.1, 0.2], "init": ["a", "b"]}, lambda p, f: f))
    assert report.effects["share"].isna().all()
    assert "Effects: none, all scores are equal" in repr(report)
    assert report.plot_effects() is not None
    assert report.plot_interactions() is not None


def continuous(run_search, n_iter=40):
    return run_search(
        {"lr": loguniform(1e-4, 1e-1), "dropout": uniform(0, 0.8), "init": ["a", "b"]},
        lambda p, fold: -((np.log10(p.lr) + 2) ** 2) + 0.01 * fold,
        search=RandomizedSearchCV,
        n_iter=n_iter,
        random_state=0,
    )


def test_continuous_parameters_are_put_in_bins(run_search):
    report = search_report(continuous(run_search))
    lr = next(factor for factor in report.factors if factor.name == "lr")
    assert lr is report.factors[0]
    assert lr.is_binned
    assert len(lr.values) == 40
    assert len(lr.levels) == 6  # about the root of 40
    assert lr.is_log
    assert not next(f for f in report.factors if f.name == "dropout").is_log
    by_level = [lr.numbers[lr.codes == level] for level in range(len(lr.levels))]
    assert {len(numbers) for numbers in by_level} <= {6, 7}
    for lower, upper in pairwise(by_level):
        assert lower.max() < upper.min()
    assert any("unequal company" in line for line in report.advice)


def test_a_full_grid_is_in_equal_company(additive_search):
    assert not any("unequal company" in line for line in search_report(additive_search).advice)


# --- interactions ---------------------------------------------------------------------------


def test_interactions_are_means_of_pairs(run_search):
    grid = {"init": ["a", "b"], "dropout": [0.0, 0.5], "lr": [0.1, 0.2, 0.3]}
    search = run_search(
        grid, lambda p, f: (p.init == "a") * (p.dropout > 0) + 0.01 * p.lr + 0.1 * f
    )
    report = search_report(search)
    assert len(report.interactions) == 3
    assert set(next(iter(report.interactions))) == {"init", "dropout"}
    table = pd.DataFrame(search.cv_results_["params"])
    table["score"] = search.cv_results_["mean_test_score"]
    for (first, second), means in report.interactions.items():
        expected = table.pivot_table("score", first, second, "mean")
        np.testing.assert_allclose(means, expected)
        assert (means.index.name, means.columns.name) == (first, second)


def test_pairs_that_were_not_tried_are_missing(run_search):
    grid = [{"init": ["a"], "lr": [0.1]}, {"init": ["b"], "lr": [0.1, 0.2]}]
    report = search_report(run_search(grid, lambda p, fold: p.lr + fold))
    (means,) = report.interactions.values()
    assert means.isna().to_numpy().sum() == 1
    assert report.plot_interactions() is not None


def test_names_that_are_all_different_have_no_table(found_search):
    params = [{"init": f"i{i}", "clip": f"c{i}", "lr": i % 2} for i in range(3000)]
    scores = np.random.default_rng(0).normal(size=(3000, 2)) + np.arange(3000)[:, None] % 2
    report = search_report(found_search(params, scores))
    assert report.interactions == {}
    assert not report.has_interactions
    assert report.factors[0].name == "lr"
