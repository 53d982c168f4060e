import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn import metrics

from sknn_tricks.diagnostics import MultiOutputReport, prediction_report


def labels(n=200, n_labels=3, seed=0):
    rng = np.random.default_rng(seed)
    proba = rng.random((n, n_labels))
    return (rng.random((n, n_labels)) < proba).astype(int), (proba > 0.5).astype(int), proba


@pytest.mark.parametrize("weight", [None, np.random.default_rng(1).exponential(size=200)])
def test_scores_of_labels_are_those_of_scikit_learn(weight):
    true, predicted, proba = labels()
    report = prediction_report(true, predicted, proba=proba, sample_weight=weight)
    given = {"sample_weight": weight}
    expected = {
        "exact_match": metrics.accuracy_score(true, predicted, **given),
        "hamming_loss": metrics.hamming_loss(true, predicted, **given),
        "f1_macro": metrics.f1_score(true, predicted, average="macro", **given),
        "roc_auc": metrics.roc_auc_score(true, proba, **given),
        "average_precision": metrics.average_precision_score(true, proba, **given),
        "log_loss": np.mean([metrics.log_loss(true[:, k], proba[:, k], **given) for k in range(3)]),
    }
    found = {name: report.scores[name] for name in expected}
    assert found == pytest.approx(expected)


def test_per_output_of_labels():
    true, predicted, proba = labels()
    report = prediction_report(pd.DataFrame(true, columns=["a", "b", "c"]), predicted, proba=proba)
    expected = metrics.precision_recall_fscore_support(true, predicted)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert report.per_output[name].to_numpy() == pytest.approx(values)
    assert list(report.per_output.index) == list(report.reports) == ["a", "b", "c"]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n_labels=st.integers(2, 5))
def test_a_row_is_an_exact_match_if_no_label_is_wrong(seed, n_labels):
    true, predicted, _ = labels(30, n_labels, seed)
    scores = prediction_report(true, predicted).scores
    wrong = (true != predicted).sum(axis=1)
    assert scores["exact_match"] == pytest.approx(np.mean(wrong == 0))
    assert scores["hamming_loss"] == pytest.approx(wrong.mean() / n_labels)


def test_outputs_of_several_classes():
    rng = np.random.default_rng(0)
    true = np.stack([rng.choice(["a", "b", "c"], 90), rng.choice(["x", "y"], 90)], axis=1)
    predicted = np.where(rng.random((90, 2)) < 0.7, true, [["a", "x"]])
    proba = [np.full((90, 3), 1 / 3), np.full((90, 2), 0.5)]
    report = prediction_report(true, predicted, proba=proba, fold=np.arange(90) % 3)
    assert isinstance(report, MultiOutputReport)
    assert report.kind == "multioutput"
    for k, part in enumerate(report.reports.values()):
        alone = prediction_report(true[:, k], predicted[:, k], proba=proba[k])
        assert part.scores == pytest.approx(alone.scores)
    assert list(report.figures()) == ["confusion_0", "confusion_1"]
    assert len(report.by_fold) == 3
    with pytest.raises(ValueError, match=r"^There is no ROC curve of all outputs\."):
        report.plot_roc()


def test_a_label_that_is_never_there():
    true, predicted, proba = labels()
    true[:, 1] = 0
    report = prediction_report(true, predicted, proba=proba)
    assert np.isnan(report.per_output.loc["1", "roc_auc"])
    others = metrics.roc_auc_score(true[:, [0, 2]], proba[:, [0, 2]])
    assert report.scores["roc_auc"] == pytest.approx(others)
    report.plot_roc()


def test_booleans_and_floats_are_labels_too():
    true, predicted, proba = labels()
    expected = prediction_report(true, predicted, proba=proba).scores
    assert (
        prediction_report(true.astype(bool), predicted.astype(float), proba=proba).scores
        == expected
    )
    assert (
        prediction_report(true.astype(float), predicted.astype(bool), proba=proba).scores
        == expected
    )


def test_figures():
    true, predicted, proba = labels()
    assert list(prediction_report(true, predicted, proba=proba).figures()) == [
        "roc",
        "precision_recall",
    ]
    assert prediction_report(true, predicted).figures() == {}
    with pytest.raises(ValueError, match=r"^There is no precision-recall curve of all outputs\."):
        prediction_report(true, predicted).plot_precision_recall()


def test_texts():
    true, predicted, proba = labels()
    true = pd.DataFrame(true, columns=["a", "b", "<b>"])
    report = prediction_report(true, predicted, proba=proba, fold=np.arange(200) % 2)
    text = report.to_markdown()
    assert text.startswith("## Predictions of 200 rows, 3 outputs\n\n| score | all rows | mean")
    assert "&lt;b&gt;" in text
    assert "<b>" not in text
    assert repr(report).startswith("Predictions of 200 rows, 3 outputs\n  exact_match:")


def test_parts():
    true, predicted, proba = labels()
    rows = np.arange(200) < 50
    report = prediction_report(true, predicted, proba=proba)
    part = report.part(rows)
    assert_array_equal(part.first.true, true[:50, 0])
    assert part.scores == pytest.approx(
        prediction_report(true[:50], predicted[:50], proba=proba[:50]).scores
    )
