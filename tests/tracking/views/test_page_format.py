"""MLflow documents no format of views: these names must be in the page that it ships."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from sknn_tricks.tracking.views._boards import Boards
from sknn_tricks.tracking.views._shape import SearchShape
from sknn_tricks.tracking.views._view import TEN_RUNS

METRICS = ("cv_score", "cv_score_std", "curve/valid_loss", "fold_0/valid_loss", "fit_time")
FACTORS = {"dropout": ["0.0", "0.2", "0.5"], "lr": ["0.1", "0.2", "0.3"]}


@pytest.fixture(scope="module")
def page():
    """Return the program of MLflow's page."""
    folder = Path(find_spec("mlflow").origin).parent / "server/js/build/static/js"
    return "".join(file.read_text("utf-8") for file in folder.glob("*.js"))


def test_the_page_knows_the_tags_and_what_the_links_say(page):
    for word in ("mlflow.sharedViewState.", "viewStateShareKey", "compareRunsMode", "workflowType"):
        assert f'"{word}"' in page
    for tag in ("mlflow.note.content", "mlflow.experimentKind", "custom_model_development"):
        assert f'"{tag}"' in page


def test_the_page_knows_every_key_of_a_view_of_its_charts_and_of_its_sections(page):
    for view in Boards(SearchShape("1f", "cv_score", FACTORS), METRICS).every():
        state = view.state
        parts = [state, *state["compareRunCharts"], *state["compareRunSections"]]
        keys = {key for part in parts for key in part}
        assert {key for key in keys if key not in page} == set()


def test_the_page_knows_every_kind_of_chart_and_which_runs_to_show(page):
    charts = Boards(SearchShape("1f", "cv_score", FACTORS), METRICS).dashboard().state
    kinds = {chart["type"] for chart in charts["compareRunCharts"]}
    assert kinds == {"PARALLEL", "SCATTER", "CONTOUR", "BAR"}
    for word in (*kinds, "LINE", "SHOW_ALL", TEN_RUNS):
        assert f'="{word}"' in page


def test_the_page_calls_the_columns_that_a_view_orders_as_it_does(page):
    for column in ("Run Name", "runDateAndNestInfo"):
        assert f'"{column}"' in page
