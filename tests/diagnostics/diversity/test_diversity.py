import io
import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from sknn_tricks import OnDisk
from sknn_tricks.diagnostics import Classes, diversity_report


def exactly(text):
    return "^" + re.escape(text) + "$"


def table(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "town": rng.choice(["Ulm", "Bonn", None], n),
            "kind": pd.Categorical(rng.choice(["a", "b"], n)),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, n), unit="D"),
            "flag": rng.random(n) < 0.5,
            "always": 1,
        }
    )


# --- classes --------------------------------------------------------------------------------


def test_classes():
    y = ["a"] * 6 + ["b"] * 3 + ["c"]
    classes = diversity_report(np.eye(10), y).classes
    assert classes.labels == ("a", "b", "c")
    assert classes.counts == (6, 3, 1)
    assert classes.shares == (0.6, 0.3, 0.1)
    assert classes.imbalance_ratio == 6
    entropy = -(0.6 * np.log(0.6) + 0.3 * np.log(0.3) + 0.1 * np.log(0.1))
    assert classes.effective_number == pytest.approx(np.exp(entropy))
    assert classes.test_counts is None


@given(counts=st.lists(st.integers(1, 100), min_size=1, max_size=9))
def test_effective_number_is_between_one_and_the_number_of_classes(counts):
    classes = Classes(tuple(range(len(counts))), tuple(sorted(counts, reverse=True)))
    assert 1 - 1e-9 <= classes.effective_number <= len(counts) + 1e-9
    equal = Classes(classes.labels, (7,) * len(counts))
    assert equal.effective_number == pytest.approx(len(counts))


def test_classes_of_the_test_set():
    classes = diversity_report([[0], [1], [2]], [0, 0, 1], [[3], [4], [5]], [1, 7, 7]).classes
    assert classes.labels == (0, 1)
    assert classes.test_counts == (0, 1)
    assert classes.unseen == (7,)


@pytest.mark.parametrize(
    ("y", "task", "labels"),
    [
        ([1, 0, 1, 0], "auto", (0, 1)),
        ([True, False, True, False], "auto", (False, True)),
        (["b", "b", "a", "a"], "auto", ("a", "b")),
        ([0.0, 1.0, 0.0, 1.0], "auto", (0.0, 1.0)),
        ([[0], [1], [0], [1]], "auto", (0, 1)),
        (pd.Series(["b", "a"] * 2, dtype="category"), "auto", ("a", "b")),
        (torch.tensor([2, 1, 1, 2]), "auto", (1, 2)),
        (np.array([1, "a", 1, "a"], object), "auto", (1, "a")),
        ([0.5, 1.5, 0.5, 1.5], "auto", None),
        ([0.5, 1.5, 0.5, 1.5], "classification", (0.5, 1.5)),
        ([0, 1, 0, 1], "regression", None),
        ([[0, 1], [1, 1], [0, 1], [1, 0]], "auto", None),
    ],
)
def test_what_labels_are(y, task, labels):
    classes = diversity_report(np.eye(4), y, task=task).classes
    assert classes is None if labels is None else classes.labels == labels


def test_floats_of_many_whole_numbers_are_targets():
    X, y = load_diabetes(return_X_y=True)
    assert (y == np.floor(y)).all()
    assert diversity_report(X, y).classes is None
    assert diversity_report(X, y, task="classification").classes is not None


# --- rows -----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), min_size=1, max_size=20),
    test=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=9),
)
def test_rows_are_counted_as_one_would_by_hand(rows, test):
    (x, y), (x_test, y_test) = zip(*rows, strict=True), zip(*test, strict=True)
    report = diversity_report(np.array(x)[:, None], y, np.array(x_test)[:, None], y_test)
    groups = {value: [b for a, b in rows if a == value] for value in set(x)}
    found = report.duplicates
    assert found.n_copies == len(rows) - len(groups)
    assert found.n_groups == sum(len(labels) > 1 for labels in groups.values())
    assert found.largest_group == max(map(len, groups.values()))
    assert found.n_contradictory == sum(len(g) for g in groups.values() if len(set(g)) > 1)
    best = sum(max(g.count(label) for label in g) for g in groups.values())
    assert found.best_accuracy == pytest.approx(best / len(rows))
    assert report.overlap.n_seen == sum(value in groups for value in x_test)
    assert report.overlap.n_same_target == sum(pair in rows for pair in test)
    assert report.overlap.n_other_target == report.overlap.n_seen - report.overlap.n_same_target
    for group in found.examples:
        assert len({x[i] for i in group}) == 1
        assert len(group) > 1
    for i, j in report.overlap.examples:
        assert x_test[i] == x[j]


def test_groups_keep_equal_rows_on_one_side():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 5)), rng.integers(0, 2, 60)
    X, y = np.tile(X, (3, 1)), np.tile(y, 3)  # there is nothing to learn but by heart
    groups = diversity_report(X, y).groups
    knn = KNeighborsClassifier(1)
    assert cross_val_score(knn, X, y, cv=5).mean() == 1
    assert cross_val_score(knn, X, y, cv=GroupKFold(5), groups=groups).mean() < 0.65


def test_targets_of_regression_contradict_each_other_too():
    report = diversity_report([[1], [1], [2]], [0.1, 0.2, 0.3])
    assert report.duplicates.n_contradictory == 2
    assert report.duplicates.best_accuracy is None
    assert diversity_report([[1], [1], [2]]).duplicates.n_contradictory is None


def test_iris_has_a_copy():
    X, y = load_iris(return_X_y=True)
    found = diversity_report(X, y).duplicates
    assert (found.n_copies, found.examples, found.best_accuracy) == (1, ((101, 142),), 1.0)


# --- features -------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.sampled_from([0.0, 1.0, 2.0, np.nan]), min_size=1, max_size=30),
    dtype=st.sampled_from(["float64", "float32", "uint8"]),
)
def test_share_of_the_most_common_value(values, dtype):
    x = np.nan_to_num(values, nan=3).astype(dtype) if dtype == "uint8" else np.array(values, dtype)
    features = diversity_report(np.c_[x, x[::-1]]).features
    counts = pd.Series(x).value_counts(dropna=False)
    assert features.top_shares.tolist() == [counts.iloc[0] / len(x)] * 2
    assert features.missing_shares.tolist() == [np.isnan(x.astype(float)).mean()] * 2


def test_constant_features_and_gaps():
    X = np.random.default_rng(0).normal(size=(200, 4))
    X[:, 1], X[:, 2], X[0, 2], X[:50, 3] = 7, 0, 1, np.nan
    features = diversity_report(X).features
    assert features.constant == ("x1",)
    assert features.nearly_constant == ("x2",)
    assert features.incomplete == ("x3",)


def test_features_of_tables_and_pictures_have_names():
    features = diversity_report(table()).features
    assert features.names == ("size", "town", "kind", "day", "flag", "always")
    assert features.constant == ("always",)
    assert features.incomplete == ("town",)
    digits = load_digits().images
    features = diversity_report(digits).features
    assert features.shape == (8, 8)
    assert features.constant == ("x[0, 0]", "x[4, 0]", "x[4, 7]")


def test_features_of_many_rows_are_looked_at_in_some():
    X = np.arange(1000.0)[:, None] % 10
    report = diversity_report(X, max_rows=100)
    assert (report.n_rows, report.features.n_rows) == (1000, 100)
    assert report.duplicates.n_copies == 990
    assert "0 nearly constant (one value in 99 %) (seen in 100 rows)" in str(report)


def test_columns_of_many_blocks(monkeypatch):
    X = np.random.default_rng(0).integers(0, 3, size=(50, 7))
    expected = diversity_report(X).features.top_shares
    monkeypatch.setattr("sknn_tricks.diagnostics.diversity._features.SORTED_AT_ONCE", 1000)
    np.testing.assert_array_equal(diversity_report(X).features.top_shares, expected)


def test_effective_dimensions():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 6))
    assert diversity_report(X).coverage.effective_dimensions == pytest.approx(6, abs=0.1)
    copied = X[:, [0, 0, 0, 1, 1, 1]] * [1, 5, 2, 3, 1, 9] + 4
    assert diversity_report(copied).coverage.effective_dimensions == pytest.approx(2, abs=0.01)
    X[:, 0] = np.nan
    assert diversity_report(X).coverage.n_numbers == 5
    assert diversity_report(np.ones((3, 2))).coverage.effective_dimensions is None


def test_test_values_beyond_those_of_training():
    X = np.array([[0.0, 0], [1, 1], [np.nan, 0.5]])
    X_test = np.array([[0.5, 2], [1.5, 3], [np.nan, 0.5], [0, 0.1]])
    assert diversity_report(X, X_test=X_test).coverage.outside == (("x1", 0.5), ("x0", 0.25))
    new = table(10, seed=1).assign(town="Jena", size=99.0)
    outside = dict(diversity_report(table(), X_test=new).coverage.outside)
    assert outside == {"town": 1, "size": 1}


# --- kinds of data --------------------------------------------------------------------------


def test_all_kinds_of_arrays_give_the_same(mapped):
    X = np.random.default_rng(0).integers(0, 3, size=(80, 2, 2)).astype(np.float32)
    y = np.arange(80) % 3
    expected = diversity_report(X[:60], y[:60], X[60:], y[60:]).to_dict()
    rows = mapped(X)
    for kind in (torch.tensor, lambda part: OnDisk(rows)[: len(part)], np.ndarray.tolist):
        train, test = kind(X[:60]), X[60:]
        assert diversity_report(train, y[:60], test, y[60:]).to_dict() == expected


def test_sparse_rows_and_lists_of_mixed_values():
    X = np.eye(4)[[0, 1, 1, 2]]
    assert diversity_report(csr_array(X)).to_dict() == diversity_report(X).to_dict()
    report = diversity_report([[1, "a"], [2, None], [1, "a"]], X_test=[[1, "b"]])
    assert report.duplicates.n_copies == 1
    assert report.features.incomplete == ("x1",)
    assert report.coverage.outside == (("x1", 1.0),)


def test_the_data_are_left_alone():
    X, before = table(), table()
    diversity_report(X, X["flag"], X)
    pd.testing.assert_frame_equal(X, before)


# --- text, plain values, figure -------------------------------------------------------------


def bad():
    X = np.array([[0.0, 1]] * 3 + [[i, 1] for i in range(1, 58)])
    y = np.array([0, 0, 1] + [0] * 50 + [1] * 7)
    return diversity_report(X, y, [[0, 1], [100, 1]], [0, 2])


def test_text():
    assert repr(bad()) == str(bad())
    assert str(bad()) == "\n".join(
        [
            "60 rows of 2 features, 2 test rows",
            "  Classes:         2, as diverse as 1.5 equal ones; largest to smallest 6.5 to 1 "
            "(smallest: 1 with 8 rows); 2 in the test set only",
            "  Duplicates:      2 of 60 rows copy earlier ones (3.33 %), in 1 group of up to 3; "
            "3 rows in groups of several targets; for instance rows 0 = 1 = 2",
            "  In the test set: 1 of 2 test rows (50 %); for instance test row 0 = row 0",
            "  Features:        2; 1 constant: x1; 0 nearly constant (one value in 99 %)",
            "  Missing:         none",
            "  Coverage:        numerical features that vary: 1, as diverse as 1.0 uncorrelated "
            "ones; test values beyond the training set's in 1 feature, at most 50 % of the rows "
            "(x0)",
            "What to do:",
            *(f"  - {line}" for line in bad().advice),
        ]
    )


def test_advice():
    assert [line.split(":")[0] for line in bad().advice] == [
        "The largest class has 6.5 times the rows of the smallest",
        "Classes of less than 10 rows (1) can hardly be learned or scored",
        "No model can find the classes 2, which only the test set has",
        "Equal rows must not lie on both sides of a split, or scores are too good",
        "3 rows contradict each other, and any classifier is wrong on at least 1 of them",
        "50 % of the test set were seen in training, so its score is too good",
        "Constant features (x1) do nothing",
        "Test rows lie outside of what training shows (x0 50 %)",
    ]


def test_nothing_to_be_done():
    X, y = load_diabetes(return_X_y=True)
    report = diversity_report(X, y)
    assert report.advice == ()
    assert str(report).endswith("\nNothing to be done.")


def test_what_advice_names_exists():
    import sknn_tricks.preprocessing
    import sknn_tricks.resampling

    for name in ("RobustScalerND", "tabular_preprocessor"):
        assert hasattr(sknn_tricks.preprocessing, name)
    for name in ("BalancedSampler", "DropDuplicates", "AugmentedOverSampler", "Resampled"):
        assert hasattr(sknn_tricks.resampling, name)


def test_plain_values_go_through_json():
    y = np.array(["a", "b"])[np.arange(60) % 2]
    for report in (bad(), diversity_report(table(), y, table(9), y[:9])):
        plain = report.to_dict()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["classes"]["labels"] == ["a", "b"]
    assert plain["features"]["missing"] == {"town": pytest.approx(table()["town"].isna().mean())}


def reports():
    rng = np.random.default_rng(0)
    X, y = load_digits(return_X_y=True)
    many = rng.integers(0, 60, 300)
    long = np.array(["a class with a name that no axis has room for", "b"])[many % 2]
    return {
        "digits": diversity_report(X, y, X[:5], y[:5]),
        "pictures": diversity_report(X.reshape(-1, 8, 8), y),
        "colours": diversity_report(rng.integers(0, 9, (20, 3, 8, 8)), np.arange(20) % 2),
        "channels last": diversity_report(rng.integers(0, 9, (20, 8, 8, 3))),
        "many classes": diversity_report(many[:, None], many),
        "table": diversity_report(table(300), long, table(9)),
        "no targets": diversity_report(X),
        "bad": bad(),
    }


@pytest.mark.parametrize("name", list(reports()))
def test_figure(name):
    report = reports()[name]
    figure = report.plot()
    assert type(figure) is Figure
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    titles = [axes.get_title() for axes in figure.axes]
    assert any("again" in title for title in titles)
    assert any("classes" in title for title in titles) == (report.classes is not None)


def test_figure_of_many_classes_shows_the_largest_and_the_smallest():
    report = reports()["many classes"]
    labels = [text.get_text() for text in report.plot().axes[0].get_yticklabels()]
    assert len(labels) == 20
    assert labels[0] == str(report.classes.labels[0])
    assert labels[-1] == str(report.classes.labels[-1])
    assert labels.count("...") == 1


def test_neither_import_nor_report_nor_figure_loads_pyplot():
    code = (
        "import sys, sknn_tricks.diagnostics as d; "
        "report = d.diversity_report([[1.0], [2.0]], [0, 1]); "
        "assert 'matplotlib' not in sys.modules, 'early'; "
        "report.plot(); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- what is said when something is wrong ---------------------------------------------------


def test_missing_targets():
    with pytest.raises(
        ValueError,
        match=exactly(
            "Some targets are missing. Expected a label or target for each row; got 1 missing. "
            "Leave these rows out."
        ),
    ):
        diversity_report([[1], [2]], ["a", None])


@pytest.mark.parametrize(
    ("given", "got"),
    [
        ({"X_test": [[1]], "y_test": [1]}, "y=None"),
        ({"y": [1, 2], "y_test": [1]}, "X_test=None"),
    ],
)
def test_targets_of_nothing(given, got):
    with pytest.raises(
        ValueError,
        match=exactly(
            f"y_test is without its like. Expected X_test and y with it; got {got}. "
            "Give both, or leave y_test out."
        ),
    ):
        diversity_report([[1], [2]], **given)


def test_no_rows_to_look_at():
    text = (
        "max_rows=0 leaves nothing to look at. Expected at least 1; got 0. "
        "Use the default of 100,000."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        diversity_report([[1], [2]], max_rows=0)


def test_lengths_and_tasks():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        diversity_report([[1], [2]], [1])
    with pytest.raises(ValueError, match=re.escape("task='classify' is not known")):
        diversity_report([[1], [2]], task="classify")
    with pytest.raises(ValueError, match="rows of one shape"):
        diversity_report([[1], [2]], X_test=[[1, 2]])
