"""What a search, a cross-validation and a fit have in the store when they have ended."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupShuffleSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknn_tricks
from sknn_tricks import NetClassifier, diagnostics
from sknn_tricks.model_selection import FusedGridSearchCV, cross_validate
from sknn_tricks.tracking import MLflowCallback

FIGURES = ["effects", "interactions", "learning_curves"]
OF_PREDICTIONS = [
    f"out_of_fold_{name}" for name in ("calibration", "confusion", "precision_recall", "roc")
]
GRID = {"netclassifier__init": ["zeros", "kaiming_normal"], "netclassifier__lr": [0.001, 0.01]}


@pytest.fixture
def whole(uri):
    """A callback that logs all there is."""
    return MLflowCallback("demo", tracking_uri=uri)


@pytest.fixture
def files(logged):
    """Return a function that lists a run's files."""

    def read(callback):
        folder = Path(logged(callback).run.info.artifact_uri)
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    return read


def pipe(**params):
    return make_pipeline(StandardScaler(), NetClassifier(max_epochs=2, random_state=0, **params))


def figures(names):
    return {f"figures/{name}.png" for name in names}


def test_a_fused_search_has_all(whole, logged, files, capsys):
    X, y = load_iris(return_X_y=True)
    search = FusedGridSearchCV(pipe(), GRID, cv=3).set_callbacks(whole).fit(X, y)

    tables = {"leaderboard.json", "cv_results.csv", "out_of_fold.json", "out_of_fold.md"}
    rest = {"provenance.json", "model.sknn"}
    assert files(whole) >= tables | rest | figures(FIGURES) | figures(OF_PREDICTIONS)
    seen = logged(whole)
    assert "not_logged" not in seen.run.data.tags
    assert seen.run.data.tags["mlflow.note.content"].startswith("## score")
    folder = Path(seen.run.info.artifact_uri)
    board = json.loads((folder / "leaderboard.json").read_text())
    assert board["columns"][0] == "rank"
    assert len(board["data"]) == 4
    assert len(pd.read_csv(folder / "cv_results.csv")) == 4
    again = sknn_tricks.load(folder / "model.sknn")
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))
    link = whole.links_["Grid dashboard"]
    told = f"The search in MLflow (served by: {whole.ui_command})\n  {link}\n"
    assert capsys.readouterr().out == told


def test_predictions_are_those_of_the_search_s_folds(whole, logged):
    X, y = load_iris(return_X_y=True)
    search = FusedGridSearchCV(pipe(), GRID, cv=3).set_callbacks(whole).fit(X, y)

    table = json.loads(Path(logged(whole).run.info.artifact_uri, "out_of_fold.json").read_text())
    frame = pd.DataFrame(table["data"], columns=table["columns"])
    hits = (frame["y_true"] == frame["y_pred"]).groupby(frame["fold"]).mean()
    scores = [search.cv_results_[f"split{i}_test_score"][search.best_index_] for i in range(3)]
    np.testing.assert_allclose(hits, scores)


def test_the_extra_pass_has_the_splits_that_were_made_with_groups(uri, logged):
    X, y = load_iris(return_X_y=True)
    callback = MLflowCallback("demo", tracking_uri=uri, out_of_fold=True, report=False)
    groups = np.arange(150) // 5
    search = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}, cv=GroupShuffleSplit(3))
    search.set_callbacks(callback).fit(X, y, groups=groups)

    seen = logged(callback)
    table = json.loads(Path(seen.run.info.artifact_uri, "out_of_fold.json").read_text())
    frame = pd.DataFrame(table["data"], columns=table["columns"])
    hits = (frame["y_true"] == frame["y_pred"]).groupby(frame["fold"]).mean()
    scores = [search.cv_results_[f"split{i}_test_score"][search.best_index_] for i in range(3)]
    np.testing.assert_allclose(hits, scores)
    assert len(seen.run.data.tags["splits.digest"]) == 16


def test_a_stock_search_is_not_fitted_again_unasked(whole, files):
    X, y = load_iris(return_X_y=True)
    GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}).set_callbacks(whole).fit(X, y)
    found = files(whole)
    assert "figures/effects.png" in found
    assert not {name for name in found if "out_of_fold" in name}


def test_residuals_of_numbers(uri, files, data):
    X, _ = data
    callback = MLflowCallback("demo", tracking_uri=uri, out_of_fold=True, log_model=False)
    GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=3).set_callbacks(callback).fit(X, X[:, 0])
    assert "figures/out_of_fold_residuals.png" in files(callback)


def test_a_search_within_a_pipeline(whole, files, data):
    pipeline = make_pipeline(
        StandardScaler(), GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]})
    )
    pipeline.set_callbacks(whole).fit(*data)
    assert {"leaderboard.json", "model.sknn"} <= files(whole)
    assert "Grid dashboard" in whole.links_


def test_a_cross_validation(whole, files, data):
    cross_validate(GaussianNB(), *data, cv=3, callbacks=[whole])
    found = files(whole)
    assert "out_of_fold.json" in found
    assert "figures/out_of_fold_confusion.png" in found
    assert "model.sknn" not in found  # nothing was fitted on all rows


def test_a_fit_has_its_model_and_what_it_came_from(whole, files, data, capsys):
    pipe().set_callbacks(whole).fit(*data)
    assert {"model.sknn", "provenance.json"} <= files(whole)
    assert whole.links_ == {}
    assert capsys.readouterr().out == ""


def test_what_is_not_wanted_is_not_made(callback, files, data):
    search = GridSearchCV(pipe(), GRID, cv=2).set_callbacks(callback).fit(*data)
    assert files(callback) == {"config.json", "provenance.json"}
    assert search.best_params_


def test_a_part_that_fails_takes_no_other_with_it(whole, logged, files, data, monkeypatch):
    def fail(self):
        raise OSError("no space left")

    monkeypatch.setattr(diagnostics.SearchReport, "plot_effects", fail)
    search = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}, cv=2).set_callbacks(whole)
    with pytest.warns(RuntimeWarning, match="no space left"):
        search.fit(*data)
    assert search.best_score_ >= 0
    assert logged(whole).run.data.tags["not_logged"] == "report: OSError: no space left"
    assert {"model.sknn", "provenance.json"} <= files(whole)
    assert "Grid dashboard" in whole.links_


def test_predictions_that_fail_are_told(uri, logged, data, monkeypatch):
    callback = MLflowCallback("demo", tracking_uri=uri, out_of_fold=True, log_model=False)
    monkeypatch.setattr(diagnostics, "out_of_fold", lambda *a, **k: 1 / 0)
    search = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, cv=2).set_callbacks(callback)
    with pytest.warns(RuntimeWarning, match="division by zero"):
        search.fit(*data)
    told = logged(callback).run.data.tags["not_logged"]
    assert told == "out_of_fold: ZeroDivisionError: division by zero"
    assert logged(callback).run.info.status == "FINISHED"
