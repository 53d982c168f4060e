"""What is taken for predictions, and what is refused."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from sknn_tricks.diagnostics import (
    ClassificationReport,
    MultiOutputReport,
    RegressionReport,
    prediction_report,
)


def exactly(text):
    return "^" + re.escape(text) + "$"


@pytest.mark.parametrize(
    ("true", "predicted", "kind"),
    [
        ([0, 1, 1], [0, 1, 0], ClassificationReport),
        ([0.0, 1.0, 1.0], [0.0, 1.0, 0.0], ClassificationReport),
        (["a", "b"], ["a", "a"], ClassificationReport),
        ([True, False], [True, True], ClassificationReport),
        (pd.Series(["a", "b"], dtype="category"), ["a", "a"], ClassificationReport),
        (pd.Series([1, 2], dtype="Int64"), [1, 1], ClassificationReport),
        (torch.tensor([0, 1]), torch.tensor([1, 1]), ClassificationReport),
        ([[0], [1]], [[0], [0]], ClassificationReport),
        (["a", "b"], np.array(["a", "a"], object), ClassificationReport),
        ([0, 1, 2], [0.5, 1.0, 2.0], RegressionReport),
        ([0.0, 1.0, 2.0], [0.5, 1.0, 2.0], RegressionReport),
        (np.arange(21.0), np.arange(21.0), RegressionReport),
        ([0.5, 1.5], [1, 2], RegressionReport),
        ([[0.5, 1.5], [1.0, 2.0]], [[0.0, 1.0], [1.0, 2.0]], RegressionReport),
        ([[0, 1], [1, 0]], [[0, 1], [1, 1]], MultiOutputReport),
        ([[0, 2], [1, 0]], [[0, 2], [1, 0]], MultiOutputReport),
    ],
)
def test_what_is_predicted(true, predicted, kind):
    assert type(prediction_report(true, predicted)) is kind


def test_the_task_can_be_told():
    assert isinstance(prediction_report([0, 1], [0, 1], task="regression"), RegressionReport)
    report = prediction_report(np.arange(30.0), np.arange(30.0), task="classification")
    assert isinstance(report, ClassificationReport)
    assert report.scores["accuracy"] == 1


def test_classes_come_in_the_order_that_is_given():
    given = {"classes": ["b", "a"], "proba": [[0.9, 0.1], [0.2, 0.8]]}
    report = prediction_report(["b", "a"], ["b", "a"], **given)
    assert report.classes == ("b", "a")
    assert report.scores["roc_auc"] == 1


def test_booleans_are_classes():
    report = prediction_report([True, False], [True, True], proba=[0.9, 0.6])
    assert report.classes == (False, True)
    assert report.scores["roc_auc"] == 1


def test_probabilities_of_the_second_class_are_enough():
    both = prediction_report([0, 1, 1], [0, 1, 0], proba=[[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]])
    for second in ([0.1, 0.7, 0.4], [[0.1], [0.7], [0.4]]):
        assert prediction_report([0, 1, 1], [0, 1, 0], proba=second).scores == pytest.approx(
            both.scores
        )


def test_probabilities_of_float16_and_float32_are_scaled():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(50), size=20)
    true, predicted = rng.integers(0, 50, 20), proba.argmax(axis=1)
    expected = prediction_report(true, predicted, proba=proba, classes=range(50)).scores
    for dtype, tolerance in ((np.float32, 1e-5), (np.float16, 1e-2)):
        given = {"proba": proba.astype(dtype), "classes": range(50)}
        assert prediction_report(true, predicted, **given).scores == pytest.approx(
            expected, abs=tolerance
        )


Y = [0, 1, 1]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"y_pred": [0, 1]},
            "y_pred is not a prediction of y_true. Expected shape (3,), as y_true has; got (2,). "
            "Give a prediction for each target, in the same order.",
        ),
        (
            {"y_true": [], "y_pred": []},
            "y_true has the wrong shape. Expected a target for each row, (N,), or several, "
            "(N, O); got (0,). Reshape it.",
        ),
        (
            {"y_pred": [0.5, None, 1.5]},
            "y_pred is missing somewhere. Expected a label or number for each row; got 1 missing. "
            "Leave these rows out.",
        ),
        (
            {"y_true": [0.5, 1.5, 2.5], "y_pred": [1, np.inf, 2]},
            "y_pred has values that are not finite. Expected finite numbers; got inf in row 1. "
            "Find out why, as a diverged net, or leave these rows out.",
        ),
        (
            {"y_true": ["a", "b", "c"], "y_pred": ["a", "b", "c"], "task": "regression"},
            "y_true is no target of a regression. Expected numbers; got <U1 such as 'a'. Use "
            "task='classification' for labels.",
        ),
        (
            {"proba": [0.1, 0.2]},
            "proba has the wrong shape. Expected a row for each target and a column for each "
            "class, (3, 2) for the classes 0, 1; got (2, 2). Give the labels of all columns in "
            "classes=, as estimator.classes_ has them.",
        ),
        (
            {"proba": np.full((3, 3), 1 / 3)},
            "proba has the wrong shape. Expected a row for each target and a column for each "
            "class, (3, 2) for the classes 0, 1; got (3, 3). Give the labels of all columns in "
            "classes=, as estimator.classes_ has them.",
        ),
        (
            {"proba": [0.1, 1.2, 0.3]},
            "proba has what is no probability. Expected numbers from 0 to 1; got 1.2 in row 1. "
            "Give such values as decision=.",
        ),
        (
            {"proba": [[0.5, 0.5], [0.5, 0.4], [0.5, 0.5]]},
            "The probabilities of a row do not sum to 1. Expected a sum of 1 for each row; got "
            "0.9 in row 1. Give the probabilities of all classes.",
        ),
        (
            {"proba": [0.5, np.nan, 0.5]},
            "proba has values that are not finite. Expected finite numbers; got nan in row 1. "
            "Find out why, as a diverged net, or leave these rows out.",
        ),
        (
            {"decision": [0.5, np.inf, 0.5]},
            "decision has values that are not finite. Expected finite numbers; got -inf in row 1. "
            "Find out why, as a diverged net, or leave these rows out.",
        ),
        (
            {"classes": [0, 2]},
            "y_true has a label that is not among the classes. Expected one of 0, 2; got 1. Give "
            "all classes in classes=.",
        ),
        (
            {"y_pred": [0, 1, 7], "classes": [0, 1]},
            "y_pred has a label that is not among the classes. Expected one of 0, 1; got 7. Give "
            "all classes in classes=.",
        ),
        (
            {"y_true": [1, 1, 1], "y_pred": [1, 1, 1]},
            "There is nothing to tell apart. Expected two classes or more; got only 1. Give all "
            "classes in classes=.",
        ),
        (
            {"fold": [0, 1]},
            "fold has the wrong shape. Expected one for each row, (3,); got (2,). Give as many as "
            "there are predictions.",
        ),
        (
            {"sample_weight": [1, 1]},
            "sample_weight has the wrong shape. Expected one for each row, (3,); got (2,). Give "
            "as many as there are predictions.",
        ),
        (
            {"sample_weight": [1, -1, 1]},
            "sample_weight cannot be weights. Expected finite numbers from 0, and one above it; "
            "got -1.0 to 1.0. Correct them, or leave them out.",
        ),
        (
            {"task": "clasification"},
            "task='clasification' is not known. Expected one of 'auto', 'classification', "
            "'regression'; got 'clasification'. Did you mean 'classification'?",
        ),
        (
            {"task": "regression", "classes": [0, 1]},
            "A regression has no classes. Expected y_true and y_pred only; got proba, decision or "
            "classes. Leave them out, or use task='classification'.",
        ),
        (
            {"y_true": [[0, 1], [1, 0]], "y_pred": [[0, 1], [1, 0]], "proba": [0.1, 0.2]},
            "proba is not of all outputs. Expected probabilities or values of 2 outputs; got 1. "
            "Give a column for each label, or a list with an array for each output.",
        ),
    ],
)
def test_errors(given, text):
    given = {"y_true": Y, "y_pred": Y} | given
    with pytest.raises(ValueError, match=exactly(text)):
        prediction_report(given.pop("y_true"), given.pop("y_pred"), **given)


def test_curves_need_probabilities():
    report = prediction_report(Y, [0, 1, 0])
    with pytest.raises(
        ValueError,
        match=exactly(
            "There is no ROC curve of these predictions. Expected proba or decision, and rows of "
            "two classes; got neither. Give the probabilities of all classes."
        ),
    ):
        report.plot_roc()
    with pytest.raises(ValueError, match=r"^There is no calibration of these predictions\."):
        report.plot_calibration()
