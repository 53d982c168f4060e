import base64
import json
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sknn_tricks.tracking.views._boards import Boards
from sknn_tricks.tracking.views._shape import SearchShape

METRICS = [
    *("cv_score", "cv_score_std", "cv_score_min", "cv_score_max", "cv_score_rank", "fold_score"),
    *("fit_time", "best_epoch", "n_parameters"),
    *("curve/train_loss", "curve/train_loss_std", "curve/valid_loss", "curve/grad_norm"),
    *("fold_0/train_loss", "fold_1/train_loss"),
]
FACTORS = {
    "init": ["normal", "zeros"],
    "dropout": ["0.0", "0.2", "0.5"],
    "weight_decay": ["0.0", "0.001", "0.1"],
    "solver": ["adam"],
}


def boards(factors=FACTORS, metrics=METRICS, **options):
    return Boards(SearchShape("1f", "cv_score", factors, **options), metrics)


def charts_of(view, kind=None):
    """Return the charts that are seen at once."""
    return [
        chart
        for section in view.sections
        for chart in section.charts
        if section.is_open and kind in (None, chart["type"])
    ]


def test_there_is_a_view_for_each_factor_that_varies():
    names = [view.name for view in boards().every()]
    assert names == [
        "Leaderboard",
        "Grid dashboard",
        "Ten best",
        "Effect of init",
        "Effect of dropout",
        "Effect of weight_decay",
    ]


def test_the_leaderboard_is_a_table_of_scores_then_factors_then_costs_best_first():
    view = boards().leaderboard()
    assert not view.is_chart
    assert view.columns == [
        "metrics.`cv_score_rank`",
        "metrics.`cv_score`",
        "metrics.`cv_score_std`",
        "params.`init`",
        "params.`dropout`",
        "params.`weight_decay`",
        "params.`solver`",
        "metrics.`cv_score_min`",
        "metrics.`cv_score_max`",
        "metrics.`best_epoch`",
        "metrics.`fit_time`",
        "metrics.`n_parameters`",
    ]
    assert view.state["orderByKey"] == "metrics.`cv_score`"
    assert view.state["orderByAsc"] is False


def test_the_least_comes_first_where_less_is_better():
    assert boards(greater_is_better=False).leaderboard().state["orderByAsc"] is True


def test_the_dashboard_shows_all_candidates_across_the_factors_that_vary():
    view = boards().dashboard()
    assert view.state["runsHiddenMode"] == "SHOW_ALL"
    (parallel,) = charts_of(view, "PARALLEL")
    assert parallel["selectedParams"] == ["init", "dropout", "weight_decay"]
    assert parallel["selectedMetrics"] == ["cv_score"]
    x_axes = [chart["xaxis"]["key"] for chart in charts_of(view, "SCATTER")]
    assert x_axes == ["init", "dropout", "weight_decay", "cv_score_std", "fit_time", "n_parameters"]
    (contour,) = charts_of(view, "CONTOUR")
    assert (contour["xaxis"]["key"], contour["yaxis"]["key"]) == ("dropout", "weight_decay")


@pytest.mark.parametrize("values", [["0.0", "0.1"], ["0.1", "auto", "1e-3"], ["0", "1", "nan"]])
def test_two_values_and_words_make_no_contour(values):
    assert not charts_of(boards({**FACTORS, "dropout": values}).dashboard(), "CONTOUR")


def test_a_search_of_one_candidate_has_a_dashboard_without_factors():
    view = boards({"solver": ["adam"]}).dashboard()
    assert [chart["xaxis"]["key"] for chart in charts_of(view)] == [
        "cv_score_std",
        "fit_time",
        "n_parameters",
    ]


def test_the_ten_best_are_drawn_over_epochs_and_over_folds():
    view = boards().ten_best()
    assert view.state["runsHiddenMode"] == "FIRST_10_RUNS"
    drawn = [chart["metricKey"] for chart in charts_of(view, "LINE")]
    assert drawn == ["curve/valid_loss", "curve/train_loss", "fold_score"]


def test_an_effect_averages_over_the_other_factors_and_lists_no_single_candidates():
    state = boards().effect("init").state
    assert state["groupBy"] == {
        "aggregateFunction": "average",
        "groupByKeys": [{"mode": "param", "groupByData": "init"}],
    }
    assert state["groupsExpanded"] == {"param.init.normal": False, "param.init.zeros": False}


def test_values_drawn_at_random_are_dots_not_groups():
    view = boards({"lr": [str(i / 100) for i in range(40)]}).effect("lr")
    assert view.group_by is None
    assert [chart["xaxis"]["key"] for chart in charts_of(view)] == ["lr"]


def test_only_metrics_that_there_are_get_charts_and_columns():
    for view in boards(metrics=["cv_score", "fit_time"]).every():
        text = json.dumps(view.state)
        assert "cv_score_std" not in text
        assert "curve" not in text
        assert "fit_time" in text


def test_charts_of_single_folds_are_kept_off_the_page_and_other_curves_are_folded():
    for view in boards().every():
        charts = view.state["compareRunCharts"]
        hidden = {chart["metricKey"] for chart in charts if chart["deleted"]}
        assert hidden == {"fold_0/train_loss", "fold_1/train_loss", "curve/train_loss_std"}
        sections = {s["name"]: s["display"] for s in view.state["compareRunSections"]}
        assert sections["curve"] is False  # has grad_norm, at least
        assert sections["Model metrics"] is False


def test_each_chart_stands_in_a_section_of_its_view():
    for view in boards().every():
        sections = [section["uuid"] for section in view.state["compareRunSections"]]
        charts = view.state["compareRunCharts"]
        assert len(set(sections)) == len(sections)
        assert {chart["metricSectionId"] for chart in charts} <= set(sections)
        assert len({chart["uuid"] for chart in charts}) == len(charts)


@given(
    name=st.text(min_size=1),
    values=st.lists(st.text(), min_size=2, max_size=4, unique=True),
)
def test_any_name_and_value_makes_a_tag_that_a_store_takes(name, values):
    *_, effect = boards({name: values}).every()
    assert re.fullmatch(r"effect-of-[\w.-]{1,100}", effect.id)
    envelope = json.loads(effect.to_tag(7))
    packed = envelope.pop("state").removeprefix("deflate;")
    assert envelope == {"name": effect.name, "createdAt": 7, "updatedAt": 7}
    assert json.loads(zlib.decompress(base64.b64decode(packed))) == effect.state
