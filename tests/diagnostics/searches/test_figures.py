import io
import re

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_hex
from scipy.stats import loguniform
from sklearn.model_selection import RandomizedSearchCV

from sknn_tricks.diagnostics import search_report
from sknn_tricks.diagnostics._drawing import RED, best_levels, lower_end

CRAFTED = ["$x^", "a$b$c", "</table>", "激活\n", "x" * 500, r"\frac"]


def png(figure):
    written = io.BytesIO()
    figure.savefig(written, metadata={"Software": None})
    return written.getvalue()


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]


def ticks(axes):
    return [text.get_text() for text in axes.get_xticklabels()]


def some_curves(n_epochs=6):
    def fold(n, by):
        return [
            {"epoch": i, "train_loss": by / i, "valid_loss": by / i + 0.1, "valid_score": i / 9}
            for i in range(1, n + 1)
        ]

    return {row: [fold(n_epochs - k, 1 + row) for k in range(3)] for row in range(9)}


def test_effects_have_a_panel_for_each_factor(additive_search):
    report = search_report(additive_search)
    figure = report.plot_effects()
    assert titles(figure) == ["init", "dropout"]
    assert [axes.get_title(loc="right") for axes in figure.axes] == [
        "explains 99 % (chance: 25 %)",
        "explains 1 % (chance: 25 %)",
    ]
    dots, stars = figure.axes[0].collections[0], figure.axes[0].collections[-1]
    assert len(dots.get_offsets()) == 9
    assert to_hex(stars.get_facecolor()[0]) == RED
    at, height = stars.get_offsets()[0]
    assert round(at) == 2  # the place of kaiming
    assert height == report.leaderboard["mean"].iloc[0]
    (means,) = [c for c in figure.axes[0].collections if c.get_label() == "mean"]
    heights = [path[0, 1] for path in means.get_segments()]
    np.testing.assert_allclose(heights, report.effects["mean"][:3])
    figure.draw_without_rendering()
    assert ticks(figure.axes[0]) == ["normal", "xavier", "kaiming"]


def test_numbers_in_bins_are_drawn_where_they_are(run_search):
    search = run_search(
        {"lr": loguniform(1e-4, 1)},
        lambda p, f: np.log10(p.lr) + f,
        search=RandomizedSearchCV,
        n_iter=50,
        random_state=0,
    )
    report = search_report(search)
    axes = report.plot_effects().axes[0]
    assert axes.get_xscale() == "log"
    np.testing.assert_allclose(axes.collections[0].get_offsets()[:, 0], report.factors[0].numbers)


def test_a_few_that_are_far_below_do_not_flatten_the_others(found_search):
    scores = [[0.9 + 0.01 * i, 0.9] for i in range(8)] + [[0.1, 0.1]]
    search = found_search([{"init": str(i % 3)} for i in range(9)], scores)
    axes = search_report(search).plot_effects().axes[0]
    assert axes.get_ylim()[0] > 0.8
    (below,) = [c for c in axes.collections if c.get_label().startswith("below")]
    assert len(below.get_offsets()) == 1


def test_of_many_values_the_best_are_drawn(run_search):
    search = run_search(
        {"init": [f"i{n}" for n in range(30)]}, lambda p, f: int(p.init[1:]) + f / 9
    )
    axes = search_report(search).plot_effects().axes[0]
    assert ticks(axes) == [f"i{n}" for n in range(18, 30)]
    assert axes.get_xlabel() == "the best 12 of 30 values"


def test_of_many_factors_nine_are_drawn(found_search):
    rng = np.random.default_rng(0)
    params = [{f"p{j}": int(rng.integers(3)) for j in range(12)} for _ in range(40)]
    report = search_report(found_search(params, rng.normal(size=(40, 3))))
    figure = report.plot_effects()
    assert len(titles(figure)) == 9
    assert "9 of 12 factors" in figure.get_suptitle()
    assert len(report.plot_interactions().axes) == 6 + 1  # of the colours
    assert "6 of 66 pairs" in report.plot_interactions().get_suptitle()


def test_interactions_show_the_means(additive_search):
    report = search_report(additive_search)
    figure = report.plot_interactions()
    (table,) = report.interactions.values()
    image = figure.axes[0].images[0].get_array()
    shown = sorted(f"{mean:.3f}" for mean in table.to_numpy().ravel())
    np.testing.assert_allclose(np.sort(image.ravel()), np.sort(table.to_numpy().ravel()))
    assert sorted(text.get_text() for text in figure.axes[0].texts) == shown
    (frame,) = figure.axes[0].patches
    column, row = (int(at + 0.5) for at in frame.get_xy())
    assert image[row, column] == image.max()


def test_curves_are_those_of_the_best(additive_search):
    report = search_report(additive_search, curves=some_curves())
    figure = report.plot_curves()
    assert titles(figure) == ["loss", "score"]
    score = figure.axes[1]
    assert len(score.get_lines()) == 4 * 2  # while all folds train, and after
    assert len(score.collections) == 4  # bands
    winner = score.get_lines()[-2]
    assert to_hex(winner.get_color()) == RED
    np.testing.assert_allclose(winner.get_xdata(), [1, 2, 3, 4])
    np.testing.assert_allclose(winner.get_ydata(), np.arange(1, 5) / 9)
    legend = figure.legends[0].get_texts()
    assert legend[0].get_text() == "1. init=kaiming, dropout=0: 0.91"
    assert len(legend) == 4


def test_curves_of_others_than_the_winner(additive_search):
    report = search_report(additive_search, curves={0: some_curves()[0]})
    figure = report.plot_curves()
    assert figure.get_suptitle().startswith("How the best that have curves learned")
    assert len(figure.legends[0].get_texts()) == 1


@pytest.mark.parametrize(
    ("what", "needed"),
    [
        ("effects", "a factor with two values and scores"),
        ("interactions", "two factors and scores"),
        ("curves", "search_report(search, curves=...) with epochs"),
    ],
)
def test_nothing_to_draw(run_search, what, needed):
    report = search_report(run_search({"lr": [0.1]}, lambda p, f: f))
    assert not getattr(report, f"has_{what}")
    text = f"There are no {what} to draw. Expected {needed}; got none. Ask report.has_{what} first."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        getattr(report, f"plot_{what}")()


def test_whatever_names_and_values_are_the_figures_can_be_drawn(found_search):
    values = [*CRAFTED, None, 3]
    params = [{name: values[(i + j) % 8] for j, name in enumerate(CRAFTED)} for i in range(16)]
    search = found_search(params, np.random.default_rng(0).normal(size=(16, 3)))
    report = search_report(search, curves=some_curves())
    effects = report.plot_effects()
    for figure in (effects, report.plot_interactions(), report.plot_curves()):
        figure.draw_without_rendering()
    assert "a\\$b\\$c" in ticks(effects.axes[0])
    assert r"\$x^" in titles(effects)


def test_figures_are_the_same_each_time(additive_search):
    for name in ("plot_effects", "plot_interactions", "plot_curves"):
        first, second = (
            png(getattr(search_report(additive_search, curves=some_curves()), name)())
            for _ in range(2)
        )
        assert first == second


def test_lower_end_and_best_levels():
    assert lower_end(np.array([1.0, 1.0, 1.0])) == 1
    assert lower_end(np.array([0.0, 1.0, 1.0, 1.0, 1.0])) == 0  # no spread to judge by
    assert list(best_levels(np.array([np.nan, 3.0, 1.0]))) == [0, 1, 2]
    assert list(best_levels(np.arange(20.0))) == list(range(8, 20))


def test_pyplot_and_its_settings_are_not_touched(additive_search):
    before = pyplot.rcParams.copy(), pyplot.get_fignums()
    report = search_report(additive_search, curves=some_curves())
    for figure in (report.plot_effects(), report.plot_interactions(), report.plot_curves()):
        figure.draw_without_rendering()
    assert (pyplot.rcParams.copy(), pyplot.get_fignums()) == before
