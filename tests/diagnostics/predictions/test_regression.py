import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics

from sknn_tricks.diagnostics import RegressionReport, prediction_report


def numbers(n=200, n_targets=None, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.normal(size=n if n_targets is None else (n, n_targets)) * 10
    return true, true + rng.normal(size=true.shape) + 0.5


@pytest.mark.parametrize("weight", [None, np.random.default_rng(1).exponential(size=200)])
@pytest.mark.parametrize("n_targets", [None, 3])
def test_scores_are_those_of_scikit_learn(n_targets, weight):
    true, predicted = numbers(n_targets=n_targets)
    report = prediction_report(true, predicted, sample_weight=weight)
    given = {"sample_weight": weight}
    expected = {
        "r2": metrics.r2_score(true, predicted, **given),
        "rmse": metrics.root_mean_squared_error(true, predicted, **given),
        "mae": metrics.mean_absolute_error(true, predicted, **given),
        "bias": np.average(predicted - true, axis=0, weights=weight).mean(),
    }
    assert report.scores == pytest.approx(expected)
    assert_array_equal(report.residuals, true - predicted)


# scikit-learn's R^2 divides by squares, which overflows where targets differ by 1e-150.
any_number = st.floats(-1e6, 1e6).map(lambda number: round(number, 9))


@settings(max_examples=50, deadline=None)
@given(pairs=st.lists(st.tuples(any_number, any_number), min_size=2, max_size=20))
def test_what_always_holds(pairs):
    true, predicted = map(np.array, zip(*pairs, strict=True))
    scores = prediction_report(true, predicted, task="regression").scores
    tolerance = 1 + 1e-9
    assert abs(scores["bias"]) <= scores["mae"] * tolerance + 1e-9
    assert scores["mae"] <= scores["rmse"] * tolerance + 1e-9
    assert scores["r2"] <= 1


def test_scores_of_one_row():
    scores = prediction_report([1.5], [2.0]).scores
    assert np.isnan(scores["r2"])
    assert (scores["rmse"], scores["mae"], scores["bias"]) == (0.5, 0.5, 0.5)
    report = prediction_report([1.5, 2.5, 3.5], [2.0, 2.0, 2.0], fold=[0, 1, 1])
    assert np.isnan(report.by_fold["r2"][0])


def test_by_fold():
    true, predicted = numbers()
    fold = np.array(["a", "b"])[np.arange(200) % 2]
    found = prediction_report(true, predicted, fold=fold).by_fold
    assert found.index.tolist() == ["a", "b"]
    alone = prediction_report(true[fold == "b"], predicted[fold == "b"])
    assert found.loc["b"].to_dict() == pytest.approx(alone.scores)


def test_worst_rows():
    true, predicted = numbers()
    found = prediction_report(true, predicted, fold=np.arange(200)).worst_rows(5)
    order = np.argsort(-np.abs(true - predicted))[:5]
    assert found["row"].tolist() == found["fold"].tolist() == order.tolist()
    assert_allclose(found["residual"], found["y_true"] - found["y_pred"])


def test_worst_rows_of_several_targets_are_told_in_their_own_units():
    true = np.stack([np.arange(10.0), 1000 * np.arange(10.0)], axis=1)
    predicted = true.copy()
    predicted[3, 0] += 4  # more than a standard deviation
    predicted[5, 1] += 1000  # a third of one
    found = prediction_report(true, predicted, task="regression").worst_rows(2)
    assert found["row"].tolist() == [3, 5]
    assert found["target"].tolist() == ["0", "1"]


def test_a_constant_target():
    report = prediction_report([2.5, 2.5, 2.5], [2.5, 2.0, 2.5])
    assert isinstance(report, RegressionReport)
    assert report.worst_rows(1)["row"].tolist() == [1]
    assert report.scores["r2"] == metrics.r2_score([2.5, 2.5, 2.5], [2.5, 2.0, 2.5])


def test_texts():
    true, predicted = numbers(n_targets=2)
    report = prediction_report(true, predicted, fold=np.arange(200) % 4)
    text = report.to_markdown()
    assert text.startswith(
        "## Predictions of 200 rows\n\n| score | all rows | mean ± sd of 4 folds |\n"
    )
    assert f"| rmse | {report.scores['rmse']:.4g} | " in text
    assert "- Farthest off: target " in text
    assert "- Lowest R2: " in text
    assert repr(report).startswith("Predictions of 200 rows, 2 targets\n  r2:   ")
