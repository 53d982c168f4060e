"""A browser on MLflow's page, as a user sees it after a search."""

import json
import os
from typing import NamedTuple
from unittest import mock

import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.nets import MLP
from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.stores._links import view_url
from sknn_tricks.tracking.stores._quiet import quiet_mlflow

pytestmark = pytest.mark.slow

IMAGE = "<img src=x onerror=window.hacked=1>"
CRAFTED = [IMAGE, f"\"'`{IMAGE}`|*_[x](javascript:window.hacked=1)", "x" * 6000, "two\nlines 🙂"]
GRID = {
    "net__init": ["normal", "xavier_normal", "kaiming_normal"],
    "net__module__dropout": [0.0, 0.2, 0.5],
    "net__weight_decay": [0.0, 0.01, 0.1],
}


class Labelled(TransformerMixin, BaseEstimator):
    """Do nothing, with a parameter of any text."""

    def __init__(self, label=""):
        self.label = label

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


class Logged(NamedTuple):
    uri: str
    digits: MLflowCallback
    crafted: MLflowCallback


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Log a search as a user does, and one with crafted names into another experiment."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    net = NetClassifier(
        MLP(hidden=(32,)), max_epochs=6, early_stopping=True, batch_size=32, random_state=0
    )
    with mock.patch.dict(os.environ, {"MLFLOW_DISABLE_TELEMETRY": "true"}):
        pipe = Pipeline([("label", Labelled()), ("net", net)])
        crafted = log(uri, f"{IMAGE}'\"", pipe, {"label__label": CRAFTED, "net__lr": [1e-3, 1e-2]})
        pipe = Pipeline([("scale", StandardScaler()), ("net", net)])
        digits = log(uri, "digits", pipe, GRID)
    return Logged(uri, digits, crafted)


def log(uri, experiment, pipe, grid):
    X, y = load_digits(return_X_y=True)
    callback = MLflowCallback(experiment, tracking_uri=uri, print_link=False)
    GridSearchCV(pipe, grid, cv=3).set_callbacks(callback).fit(X[:400] / 16, y[:400])
    return callback


@pytest.fixture(scope="module")
def link(store, served):
    return served(store.uri)


def view_of(link, experiment_id, view_id, **options):
    return view_url(link.partition("/#")[0], experiment_id, view_id, **options)


def test_the_printed_link_opens_the_dashboard_of_the_latest_search(browser, link):
    page = browser.open(link)
    page.get_by_test_id("saved-views-trigger").get_by_text("Grid dashboard").wait_for()
    page.locator("g.dimension").nth(3).wait_for()
    axes = page.locator("g.dimension").all_text_contents()
    for axis, name in zip(axes, ("init", "dropout", "weight_decay", "cv_score"), strict=True):
        assert name in axis
    for chart in ("init vs. cv_score", "dropout vs. cv_score", "weight_decay vs. cv_score"):
        page.get_by_text(chart, exact=True).wait_for()
    page.locator(".js-plotly-plot .scatterlayer .point").first.wait_for()
    page.get_by_text("27 matching runs").wait_for()
    browser.keep(page, "dashboard")
    assert browser.errors == []


def test_the_leaderboard_has_scores_and_factors_best_first(browser, link):
    page = browser.open(link)
    with browser.context.expect_page() as opened:
        page.get_by_role("link", name="Leaderboard").click()
    board = browser.watch(opened.value)
    board.locator("[role=columnheader][col-id='params.`init`']").wait_for()
    headers = board.locator("[role=columnheader]").all_text_contents()
    for name in ("cv_score", "cv_score_std", "cv_score_rank", "init", "dropout", "weight_decay"):
        assert name in headers
    board.locator("[row-index='0'] [col-id='metrics.`cv_score_rank`']").get_by_text("1").wait_for()
    browser.keep(board, "leaderboard")
    assert browser.errors == []


def test_the_effect_of_a_factor_is_in_the_menu(browser, link):
    page = browser.open(link)
    page.get_by_test_id("saved-views-trigger").click()
    page.get_by_test_id("saved-views-item-effect-of-init").click()
    page.get_by_text("Group: kaiming_normal").wait_for()
    page.get_by_text("Group: normal").wait_for()
    browser.keep(page, "effect-of-init-table")
    assert browser.errors == []


def test_the_effect_of_a_factor_is_linked_from_the_description(browser, link):
    page = browser.open(link)
    with browser.context.expect_page() as opened:
        page.get_by_role("link", name="Effect of init").click()
    effect = browser.watch(opened.value)
    effect.get_by_text("Score by init: mean of its candidates").wait_for()
    effect.locator(".js-plotly-plot .barlayer .point").nth(2).wait_for()
    effect.get_by_text("curve/train_loss", exact=True).wait_for()
    effect.locator(".js-plotly-plot .scatterlayer .js-line").first.wait_for()
    browser.keep(effect, "effect-of-init")
    assert browser.errors == []


def test_the_ten_best_have_their_curves(browser, store, link):
    page = browser.open(view_of(link, store.digits.experiment_id_, "ten-best"))
    page.get_by_text("curve/valid_loss", exact=True).wait_for()
    page.locator(".js-plotly-plot .scatterlayer .js-line").nth(9).wait_for()
    browser.keep(page, "ten-best")
    assert browser.errors == []


@pytest.mark.parametrize("view", ["dashboard", "leaderboard", "effect-of-label"])
def test_crafted_names_and_values_are_shown_as_text(browser, store, link, view):
    page = browser.open(
        view_of(link, store.crafted.experiment_id_, view, charts=view != "leaderboard")
    )
    page.get_by_text("onerror").first.wait_for()
    drawn = "[col-id='params.`label`']" if view == "leaderboard" else ".js-plotly-plot"
    page.locator(drawn).first.wait_for()
    browser.keep(page, f"crafted-{view}")
    assert page.evaluate("window.hacked") is None
    assert browser.errors == []


def test_the_note_of_a_search_with_crafted_values_is_shown_as_text(browser, store, link):
    page = browser.open(view_of(link, store.crafted.experiment_id_, "dashboard"))
    with browser.context.expect_page() as opened:
        page.get_by_role("link", name="Report").click()
    page = browser.watch(opened.value)
    page.get_by_role("heading", name="Description").wait_for()
    page.get_by_text("Show more").first.click()
    page.get_by_text("onerror").first.wait_for()
    browser.keep(page, "crafted-search")
    assert page.evaluate("window.hacked") is None
    assert browser.errors == []


def test_a_page_that_knows_no_such_view_opens_all_the_same(browser, store, link):
    with quiet_mlflow():
        from mlflow import MlflowClient

        client = MlflowClient(store.uri)
    state = json.dumps({"anew": [1], "compareRunCharts": [{"uuid": "1", "type": "HOLOGRAM"}]})
    envelope = json.dumps({"name": "Later", "createdAt": 1, "state": state})
    client.set_experiment_tag(store.digits.experiment_id_, "mlflow.sharedViewState.later", envelope)
    page = browser.open(view_of(link, store.digits.experiment_id_, "later", charts=False))
    page.get_by_text("matching runs").wait_for()
    page.get_by_role("link", name="GridSearchCV").first.wait_for()
