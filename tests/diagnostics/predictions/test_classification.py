import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics

from sknn_tricks.diagnostics import prediction_report


def predictions(n=300, n_classes=4, seed=0, skill=1.0):
    """Return true and predicted classes, and the probabilities that are right for them."""
    rng = np.random.default_rng(seed)
    logits = skill * rng.normal(size=(n, n_classes)) * 2
    proba = np.exp(logits)
    proba /= proba.sum(axis=1, keepdims=True)
    true = (rng.random(n)[:, None] > proba.cumsum(axis=1)).sum(axis=1).clip(max=n_classes - 1)
    return true, proba.argmax(axis=1), proba


def weights(n, seed=1):
    return np.random.default_rng(seed).exponential(size=n)


# --- scores -----------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [None, weights(300)], ids=["plain", "weighted"])
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_scores_are_those_of_scikit_learn(n_classes, weight):
    true, predicted, proba = predictions(n_classes=n_classes)
    report = prediction_report(true, predicted, proba=proba, sample_weight=weight)
    of_second = proba[:, 1] if n_classes == 2 else proba
    one_hot = true[:, None] == np.arange(n_classes)
    given = {"sample_weight": weight}
    expected = {
        "accuracy": metrics.accuracy_score(true, predicted, **given),
        "balanced_accuracy": metrics.balanced_accuracy_score(true, predicted, **given),
        "f1_macro": metrics.f1_score(true, predicted, average="macro", **given),
        "roc_auc": np.mean(
            [metrics.roc_auc_score(o, p, **given) for o, p in zip(one_hot.T, proba.T, strict=True)]
        ),
        "average_precision": metrics.average_precision_score(
            true if n_classes == 2 else one_hot, of_second, **given
        ),
        "log_loss": metrics.log_loss(true, proba, **given),
        "brier": metrics.brier_score_loss(true, of_second, **given),
    }
    scores = report.scores
    assert scores.keys() == {*expected, "ece"}
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, rel=1e-9), name
    if weight is None and n_classes > 2:
        auc = metrics.roc_auc_score(true, proba, multi_class="ovr", average="macro")
        assert scores["roc_auc"] == pytest.approx(auc)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weight", [None, weights(300)], ids=["plain", "weighted"])
def test_curves_are_those_of_scikit_learn(weight, ties):
    true, predicted, proba = predictions()
    score = np.round(proba, 1) if ties else proba
    report = prediction_report(true, predicted, decision=score, sample_weight=weight)
    for k, curves in enumerate(report.curves):
        given = true == k, score[:, k]
        fpr, tpr, _ = metrics.roc_curve(*given, sample_weight=weight)
        grid = np.linspace(0, 1, 51)[1:-1] + 1e-6  # between the steps
        assert_allclose(
            np.interp(grid, curves.false_positive_rate, curves.true_positive_rate),
            np.interp(grid, fpr, tpr),
        )
        precision, recall, _ = metrics.precision_recall_curve(
            *given, sample_weight=weight, drop_intermediate=True
        )
        assert_allclose(curves.precision, precision)
        assert_allclose(curves.recall, recall)
        assert curves.roc_auc == pytest.approx(metrics.roc_auc_score(*given, sample_weight=weight))
        assert curves.average_precision == pytest.approx(
            metrics.average_precision_score(*given, sample_weight=weight)
        )


def test_per_class_is_that_of_scikit_learn():
    true, predicted, proba = predictions()
    found = prediction_report(true, predicted, proba=proba).per_class
    expected = metrics.precision_recall_fscore_support(true, predicted)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert_allclose(found[name], values)
    assert list(found.columns[4:]) == ["roc_auc", "average_precision"]


def test_classes_without_rows_are_left_out_of_means():
    true, predicted, proba = predictions(n_classes=3)
    few = true < 2
    report = prediction_report(true[few], predicted[few], proba=proba[few], classes=[0, 1, 2])
    assert report.curves[2] is None
    assert np.isnan(report.per_class.loc[2, ["recall", "roc_auc", "average_precision"]]).all()
    one_hot = true[few][:, None] == [0, 1]
    aucs = [metrics.roc_auc_score(one_hot[:, k], proba[few, k]) for k in (0, 1)]
    assert report.scores["roc_auc"] == pytest.approx(np.mean(aucs))
    recalls = [np.mean(predicted[few][true[few] == k] == k) for k in (0, 1)]
    assert report.scores["balanced_accuracy"] == pytest.approx(np.mean(recalls))


def test_rows_of_one_class_only():
    report = prediction_report([1, 1, 1], [1, 0, 1], proba=[0.9, 0.4, 0.8], classes=[0, 1])
    assert np.isnan(report.scores["roc_auc"])
    assert report.scores["accuracy"] == pytest.approx(2 / 3)
    assert set(report.figures()) == {"confusion", "calibration"}
    assert "| roc_auc | - |" in report.to_markdown()


def test_a_class_that_is_never_predicted_has_no_precision():
    report = prediction_report([0, 1, 1], [0, 0, 0])
    assert np.isnan(report.per_class.loc[1, "precision"])
    assert report.per_class.loc[1, "f1"] == 0


@settings(max_examples=50, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40),
)
def test_confusion_counts_each_row_once(pairs):
    true, predicted = map(np.array, zip(*pairs, strict=True))
    report = prediction_report(true, predicted, classes=range(4))
    assert report.confusion.to_numpy().sum() == len(pairs)
    for pair in pairs:
        assert report.confusion.loc[pair] == pairs.count(pair)
    n_wrong = np.count_nonzero(true != predicted)
    assert report.most_confused["count"].sum() == n_wrong
    assert report.most_confused["count"].is_monotonic_decreasing
    assert (report.most_confused["true"] != report.most_confused["predicted"]).all()
    assert len(report.worst_rows(100)) == n_wrong
    assert report.per_class["support"].sum() == len(pairs)
    for score in report.scores.values():
        assert 0 <= score <= 1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n_classes=st.integers(2, 4), scale=st.integers(1, 5))
def test_the_order_of_rows_and_the_scale_of_weights_do_not_matter(seed, n_classes, scale):
    true, predicted, proba = predictions(60, n_classes, seed)
    rng = np.random.default_rng(seed)
    weight, order = rng.integers(1, 4, 60), rng.permutation(60)
    given = {"classes": range(n_classes)}
    report = prediction_report(true, predicted, proba=proba, sample_weight=weight, **given)
    other = prediction_report(
        true[order],
        predicted[order],
        proba=proba[order],
        sample_weight=scale * weight[order],
        **given,
    )
    repeated = prediction_report(
        true.repeat(weight), predicted.repeat(weight), proba=proba.repeat(weight, axis=0), **given
    )
    assert other.scores == pytest.approx(report.scores, nan_ok=True)
    assert repeated.scores == pytest.approx(report.scores, nan_ok=True)


# --- calibration ------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n_classes=st.integers(2, 5))
def test_right_probabilities_have_a_calibration_error_near_zero(seed, n_classes):
    n = 5000
    true, predicted, proba = predictions(n, n_classes, seed)
    report = prediction_report(true, predicted, proba=proba, classes=range(n_classes))
    # Of B bins, the mean is at most sqrt(B / 4n), as |mean of a bin - p| is sqrt(p (1 - p) / n_b)
    # at most; twice that is far out.
    bound = 2 * np.sqrt(15 / (4 * n))
    assert 0 <= report.scores["ece"] < bound
    wrong = prediction_report(
        true, predicted, proba=np.eye(n_classes)[predicted], classes=range(n_classes)
    )
    assert wrong.scores["ece"] == pytest.approx(1 - report.scores["accuracy"])
    assert wrong.scores["ece"] > bound


def test_calibration_error_by_hand():
    # Bins of 15: 0.9 (two rows, half of them right), 0.6 (one row, right)
    report = prediction_report([1, 0, 1], [1, 1, 1], proba=[0.9, 0.9, 0.6])
    assert report.scores["ece"] == pytest.approx((2 * 0.4 + 0.4) / 3)
    assert report.calibration["rows"].tolist() == [1, 2]
    assert_allclose(report.calibration[["confidence", "accuracy"]], [[0.6, 1], [0.9, 0.5]])


def test_the_edges_of_bins_belong_to_the_bin_below():
    proba = np.array([9, 12, 15]) / 15
    report = prediction_report([1, 0, 1], [1, 1, 1], proba=proba)
    assert_allclose(report.calibration["high"], proba)


def test_a_constant_prediction_of_the_shares_is_calibrated():
    true = np.repeat([0, 1, 2], [50, 30, 20])
    proba = np.tile([0.5, 0.3, 0.2], (100, 1))
    assert prediction_report(true, np.zeros(100, int), proba=proba).scores["ece"] < 1e-12


# --- what is confused -------------------------------------------------------------------------


def test_most_confused():
    true = ["a"] * 5 + ["b"] * 5
    report = prediction_report(true, [*"aaabb", *"bbbba"])
    expected = pd.DataFrame(
        {"true": ["a", "b"], "predicted": ["b", "a"], "count": [2, 1], "share": [0.4, 0.2]}
    )
    pd.testing.assert_frame_equal(report.most_confused, expected, check_dtype=False)


def test_worst_rows_are_the_most_confident_ones():
    true, predicted, proba = predictions(200)
    fold = np.arange(200) % 3
    found = prediction_report(true, predicted, proba=proba, fold=fold).worst_rows(10)
    assert list(found) == ["row", "fold", "y_true", "y_pred", "confidence", "proba_true"]
    rows = found["row"].to_numpy()
    assert (true[rows] != predicted[rows]).all()
    assert_allclose(found["confidence"], np.sort(proba.max(axis=1)[true != predicted])[::-1][:10])
    assert_allclose(found["proba_true"], proba[rows, true[rows]])
    assert_array_equal(found["fold"], fold[rows])


def test_worst_rows_by_decision_value_and_without_any():
    true, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    report = prediction_report(true, predicted, decision=[-1.0, 0.5, -2.0, 3.0])
    assert report.worst_rows()["row"].tolist() == [2, 1]
    assert report.worst_rows()["margin"].tolist() == [4, 1]
    assert prediction_report(true, predicted).worst_rows()["row"].tolist() == [1, 2]


# --- folds ------------------------------------------------------------------------------------


def test_by_fold():
    true, predicted, proba = predictions()
    fold = np.arange(300) % 3
    found = prediction_report(true, predicted, proba=proba, fold=fold).by_fold
    for k in range(3):
        rows = fold == k
        alone = prediction_report(true[rows], predicted[rows], proba=proba[rows])
        assert found.loc[k].to_dict() == pytest.approx(alone.scores)


def test_no_scores_by_fold_of_one_fold_or_of_hundreds():
    true, predicted, _ = predictions()
    assert prediction_report(true, predicted).by_fold is None
    assert prediction_report(true, predicted, fold=np.zeros(300)).by_fold is None
    assert prediction_report(true, predicted, fold=np.arange(300)).by_fold is None


def test_folds_of_one_class_have_no_auc():
    report = prediction_report(
        [0, 0, 1, 1, 0, 1],
        [0, 0, 1, 1, 0, 1],
        proba=[0.1, 0.2, 0.8, 0.9, 0.3, 0.7],
        fold=[0, 0, 1, 1, 2, 2],
    )
    assert report.by_fold["roc_auc"].isna().tolist() == [True, True, False]
    assert "| roc_auc | 1 | 1 ± 0 |" in report.to_markdown()


# --- text -------------------------------------------------------------------------------------


def test_markdown():
    true, predicted, proba = predictions(40, 3)
    report = prediction_report(true, predicted, proba=proba, fold=np.arange(40) % 2)
    text = report.to_markdown()
    assert text.startswith(
        "## Predictions of 40 rows\n\n| score | all rows | mean ± sd of 2 folds |\n"
    )
    assert f"| accuracy | {report.scores['accuracy']:.4g} | " in text
    worst = report.most_confused.iloc[0]
    assert f"- Most often confused: {worst.true} taken for {worst.predicted} (" in text
    assert f"- Lowest recall: {report.per_class['recall'].idxmin()} (" in text
    assert text.endswith(".\n")


def test_names_of_classes_do_nothing():
    names = np.array(["</td><script>alert(1)</script>", "a|b\n# *c* [d](http://e.f)"])
    text = prediction_report(names[[0, 0, 1]], names[[0, 1, 0]]).to_markdown()
    assert "<" not in text
    assert "a|b" not in text
    assert "\n#" not in text[3:]
    assert "*c*" not in text
    assert "](" not in text
    assert "//" not in text or "http://" not in text


def test_nothing_wrong():
    report = prediction_report([0, 1], [0, 1])
    assert "- Every row was given its class." in report.to_markdown()
    assert report.most_confused.empty
    assert report.worst_rows().empty
    assert report.scores == {"accuracy": 1.0, "balanced_accuracy": 1.0, "f1_macro": 1.0}


def test_weights_are_said_to_be_weights():
    report = prediction_report([0, 1, 1], [1, 1, 1], sample_weight=[0.5, 1, 1])
    assert "0 taken for 1 (a weight of 0.5, 100 % of 0)" in repr(report)
