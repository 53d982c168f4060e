import re

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.callback import ScoringMonitor
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
    cross_val_predict,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from sknn_tricks import NetClassifier, NetRegressor, OnDisk
from sknn_tricks.diagnostics import ClassificationReport, RegressionReport, out_of_fold
from sknn_tricks.nets import MLP

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = np.array(["setosa", "versicolor", "virginica"])
ROWS = np.arange(150)
SHUFFLED = KFold(3, shuffle=True, random_state=0)


def exactly(text):
    return "^" + re.escape(text) + "$"


def net(**settings):
    return NetClassifier(MLP(hidden=(8,)), max_epochs=2, random_state=0, **settings)


def in_row_order(found, values):
    return values[np.argsort(found.row)]


# --- what it finds ----------------------------------------------------------------------------


@pytest.mark.parametrize("y", [Y, NAMES[Y], pd.Series(NAMES[Y], dtype="category")])
@pytest.mark.parametrize(
    "estimator",
    [
        net(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(9, random_state=0),
    ],
    ids=["net", "pipeline", "forest"],
)
def test_equals_cross_val_predict(estimator, y):
    found = out_of_fold(estimator, X, y, cv=SHUFFLED)
    labels = np.asarray(y)
    assert found.classes == tuple(np.unique(labels).tolist())
    assert_array_equal(
        in_row_order(found, found.y_pred), cross_val_predict(estimator, X, labels, cv=SHUFFLED)
    )
    assert_array_equal(
        in_row_order(found, found.proba[0]),
        cross_val_predict(estimator, X, labels, cv=SHUFFLED, method="predict_proba"),
    )
    assert_array_equal(in_row_order(found, found.y_true), labels)
    assert found.decision is None


@pytest.mark.parametrize("estimator", [SVC(), LinearSVC()])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_decision_values_without_probabilities(estimator, n_classes):
    rows = n_classes > Y
    found = out_of_fold(estimator, X[rows], NAMES[Y[rows]], cv=SHUFFLED)
    expected = cross_val_predict(
        estimator, X[rows], NAMES[Y[rows]], cv=SHUFFLED, method="decision_function"
    )
    assert found.proba is None
    decision = in_row_order(found, found.decision[0])
    assert_array_equal(decision[:, 1] if n_classes == 2 else decision, expected)
    columns = [name for name in found.table if name.startswith("decision")]
    assert columns == [f"decision_{name}" for name in NAMES[n_classes == 2 : n_classes]]


def test_values_of_pairs_of_classes_are_left_out():
    found = out_of_fold(SVC(decision_function_shape="ovo"), X, Y, cv=SHUFFLED)
    assert found.proba is None
    assert found.decision is None
    assert "roc_auc" not in found.report().scores


@pytest.mark.parametrize(
    "estimator", [LinearRegression(), NetRegressor(max_epochs=2, random_state=0)]
)
def test_regression(estimator):
    X, y = load_diabetes(return_X_y=True)  # whole numbers, which are no classes here
    found = out_of_fold(estimator, X[:120], y[:120], cv=SHUFFLED)
    expected = cross_val_predict(estimator, X[:120], y[:120], cv=SHUFFLED)
    assert_array_equal(in_row_order(found, found.y_pred), expected)
    assert (found.kind, found.classes) == ("regression", ())
    assert list(found.table) == ["row", "fold", "y_true", "y_pred"]
    assert isinstance(found.report(), RegressionReport)


def test_several_targets():
    y = pd.DataFrame({"length": X[:, 0], "width": X[:, 1]})
    found = out_of_fold(Ridge(), X[:, 2:], y, cv=SHUFFLED)
    expected = cross_val_predict(Ridge(), X[:, 2:], y, cv=SHUFFLED)
    assert_array_equal(in_row_order(found, found.y_pred), expected)
    assert list(found.table)[2:] == [
        "y_true_length",
        "y_true_width",
        "y_pred_length",
        "y_pred_width",
    ]
    assert found.report().targets == ("length", "width")


def test_a_target_of_one_column():
    found = out_of_fold(Ridge(), X[:, 1:], X[:, :1], cv=SHUFFLED)
    assert found.y_true.shape == found.y_pred.shape == (150,)


@pytest.mark.parametrize(
    "estimator",
    [
        net(),
        RandomForestClassifier(9, random_state=0),
        KNeighborsClassifier(),
        MultiOutputClassifier(LogisticRegression()),
    ],
    ids=["net", "forest", "neighbours", "one each"],
)
def test_labels(estimator):
    X, y = make_multilabel_classification(90, 8, n_classes=3, random_state=0)
    found = out_of_fold(estimator, X, y, cv=SHUFFLED)
    assert (found.kind, found.classes) == ("multilabel", ((0, 1),) * 3)
    assert_array_equal(
        in_row_order(found, found.y_pred), cross_val_predict(estimator, X, y, cv=SHUFFLED)
    )
    assert list(found.table)[-3:] == ["proba_0", "proba_1", "proba_2"]
    proba = np.stack([in_row_order(found, part)[:, 1] for part in found.proba], axis=1)
    for train, test in SHUFFLED.split(X):
        again = estimator.fit(X[train], y[train]).predict_proba(X[test])
        if isinstance(again, list):
            again = np.stack([part[:, 1] for part in again], axis=1)
        assert_allclose(proba[test], again, rtol=1e-6)


def test_decision_values_of_labels():
    X, y = make_multilabel_classification(90, 8, n_classes=3, random_state=0)
    each = OneVsRestClassifier(LinearSVC())
    found = out_of_fold(each, X, y, cv=SHUFFLED)
    for train, test in SHUFFLED.split(X):
        rows = np.isin(found.row, test)
        again = each.fit(X[train], y[train]).decision_function(X[test])
        assert_allclose(np.stack([part[rows, 1] for part in found.decision], axis=1), again)
    assert list(found.table)[-3:] == ["decision_0", "decision_1", "decision_2"]
    assert "roc" in found.report().figures()


def test_labels_as_a_sparse_matrix():
    X, y = make_multilabel_classification(60, 8, n_classes=3, random_state=0)
    each = OneVsRestClassifier(LogisticRegression())
    found = out_of_fold(each, X, csr_array(y), cv=SHUFFLED)
    assert_array_equal(found.y_pred, out_of_fold(each, X, y, cv=SHUFFLED).y_pred)
    assert_array_equal(found.y_true, y[found.row])


def test_outputs_of_several_classes():
    y = np.stack([NAMES[Y], np.where(X[:, 0] > 0, "long", "short")], axis=1)
    forest = RandomForestClassifier(9, random_state=0)
    found = out_of_fold(forest, X, pd.DataFrame(y, columns=["kind", "size"]), cv=SHUFFLED)
    assert found.kind == "multioutput"
    assert found.classes == (tuple(NAMES), ("long", "short"))
    assert list(found.table)[-2:] == ["proba_size_long", "proba_size_short"]
    expected = cross_val_predict(forest, X, y, cv=SHUFFLED, method="predict_proba")
    for part, again in zip(found.proba, expected, strict=True):
        assert_array_equal(in_row_order(found, part), again)


def test_columns_of_the_same_name_are_told_apart():
    y = pd.DataFrame({"a": np.array(["b_c", "x"])[Y % 2], "a_b": np.array(["c", "x"])[Y % 2]})
    table = out_of_fold(KNeighborsClassifier(), X, y, cv=SHUFFLED).table
    assert list(table)[-4:] == ["proba_a_b_c", "proba_a_x", "proba_a_b_c (2)", "proba_a_b_x"]


# --- splits -----------------------------------------------------------------------------------


def test_repeated_folds_predict_rows_several_times():
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    found = out_of_fold(net(), X, Y, cv=cv)
    assert (np.bincount(found.row) == 2).all()
    assert_array_equal(np.bincount(found.fold), [50] * 6)
    first, second = found.proba[0][found.fold < 3], found.proba[0][found.fold >= 3]
    order = np.argsort(found.row[:150]), np.argsort(found.row[150:])
    assert not np.array_equal(first[order[0]], second[order[1]])
    assert len(found.report().by_fold) == 6


@pytest.mark.parametrize("cv", [ShuffleSplit(2, test_size=0.2, random_state=0), TimeSeriesSplit(4)])
def test_folds_need_not_hold_out_every_row(cv):
    found = out_of_fold(
        LogisticRegression(max_iter=500), X[::-1] + 0, np.tile([0, 1, 2], 50), cv=cv
    )
    assert found.n_rows == 150
    assert len(np.unique(found.row)) < 150
    expected = np.concatenate([test for _, test in cv.split(X)])
    assert_array_equal(found.row, expected)


def test_splits_as_a_list_of_masks_and_negative_numbers():
    last = np.arange(150) >= 140
    found = out_of_fold(net(), X, Y, cv=[(~last, last), (np.arange(100), [-1, -2])])
    assert_array_equal(found.row, [*range(140, 150), 149, 148])
    assert_array_equal(found.fold, [0] * 10 + [1] * 2)


def test_groups():
    groups = np.arange(150) % 7
    found = out_of_fold(net(), X, Y, cv=GroupKFold(3), groups=groups)
    for fold in range(3):
        assert not np.intersect1d(
            groups[found.row[found.fold == fold]], groups[found.row[found.fold != fold]]
        ).size


def test_a_class_that_a_fold_does_not_know_has_probability_zero():
    found = out_of_fold(net(), X, NAMES[Y], cv=KFold(3))  # sorted: each fold holds out a class
    assert found.classes == tuple(NAMES)
    assert (found.proba[0][np.arange(150), Y[found.row]] == 0).all()
    assert_allclose(found.proba[0].sum(axis=1), 1, rtol=1e-6)
    assert found.report().scores["accuracy"] == 0


def test_a_class_that_a_fold_does_not_know_has_the_least_decision_value():
    found = out_of_fold(SVC(), X, Y, cv=KFold(3))
    assert (found.decision[0].argmin(axis=1) == Y[found.row]).all()
    report = found.report()
    assert report.scores["roc_auc"] < 0.5
    assert np.isfinite(report.scores["average_precision"])
    report.worst_rows()


def test_a_label_that_a_fold_does_not_know():
    y = np.stack([np.r_[np.zeros(100), np.ones(50)], np.tile([0, 1], 75)], axis=1).astype(int)
    found = out_of_fold(KNeighborsClassifier(), X, y, cv=[(np.arange(100), np.arange(100, 150))])
    assert (found.proba[0][:, 1] == 0).all()


# --- data and settings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [pd.DataFrame, lambda X: torch.tensor(X), lambda X: X.tolist()],
    ids=["DataFrame", "tensor", "list"],
)
def test_kinds_of_data(make):
    expected = out_of_fold(net(), X.astype(np.float32), Y, cv=SHUFFLED)
    found = out_of_fold(net(), make(X.astype(np.float32)), Y.tolist(), cv=SHUFFLED)
    assert_array_equal(found.proba[0], expected.proba[0])


def test_sparse_data():
    tree = RandomForestClassifier(5, random_state=0)
    found = out_of_fold(tree, csr_array(X), Y, cv=SHUFFLED)
    assert_allclose(found.proba[0], out_of_fold(tree, X, Y, cv=SHUFFLED).proba[0])


def test_data_on_disk(tmp_path):
    rows = np.memmap(tmp_path / "rows", np.float32, "w+", shape=X.shape)
    rows[:] = X
    found = out_of_fold(net(), OnDisk(rows), Y, cv=SHUFFLED)
    assert_array_equal(
        found.proba[0], out_of_fold(net(), X.astype(np.float32), Y, cv=SHUFFLED).proba[0]
    )


def test_a_kernel_is_split_on_both_sides():
    kernel = rbf_kernel(X)
    svc = SVC(kernel="precomputed")
    found = out_of_fold(svc, kernel, Y, cv=SHUFFLED)
    assert_array_equal(
        in_row_order(found, found.y_pred), cross_val_predict(svc, kernel, Y, cv=SHUFFLED)
    )


def test_fit_params_are_split_by_rows():
    weight = np.where(Y == 1, 1.0, 1e-9)
    found = out_of_fold(
        LogisticRegression(), X, Y, cv=SHUFFLED, fit_params={"sample_weight": weight}
    )
    assert (found.y_pred == 1).all()
    listed = {"sample_weight": weight.tolist()}
    again = out_of_fold(LogisticRegression(), X, Y, cv=SHUFFLED, fit_params=listed)
    assert_array_equal(found.proba[0], again.proba[0])


class Told(DummyRegressor):
    """Refuse to be fitted without the settings as they were given."""

    def fit(self, X, y, *, names, text):
        assert (names, text) == (["a", "b"], "x" * 150)
        return super().fit(X, y)


def test_fit_params_of_other_lengths_are_handed_on():
    out_of_fold(Told(), X, X[:, 0], cv=3, fit_params={"names": ["a", "b"], "text": "x" * 150})


def test_a_search_is_an_estimator_too():
    search = GridSearchCV(net(), {"lr": [1e-3, 1e-2]}, cv=2)
    found = out_of_fold(search, X, Y, cv=SHUFFLED)
    assert_array_equal(
        in_row_order(found, found.y_pred), cross_val_predict(search, X, Y, cv=SHUFFLED)
    )


@pytest.mark.parametrize(("fused", "n_jobs"), [(True, 2), (False, None), (False, 2)])
def test_the_same_however_it_is_trained(fused, n_jobs):
    expected = out_of_fold(net(), X, Y, cv=3)
    with parallel_config("threading"):
        found = out_of_fold(net(), X, Y, cv=3, fused=fused, n_jobs=n_jobs)
    assert_array_equal(found.proba[0], expected.proba[0])


class Loud(ScoringMonitor):
    """Fail when called."""

    def setup(self, *args, **kwargs):
        raise AssertionError("called")


def test_callbacks_are_not_called_and_are_still_there():
    inner = net().set_callbacks(Loud(scoring="accuracy"))
    with pytest.raises(AssertionError, match="called"):
        inner.fit(X, Y)
    pipe = make_pipeline(StandardScaler(), inner)
    search = GridSearchCV(pipe, {}, cv=2).set_callbacks(Loud(scoring="accuracy"))
    out_of_fold(search, X, Y, cv=2)
    assert len(search._skl_callbacks) == len(inner._skl_callbacks) == 1
    assert not hasattr(search, "best_score_")


def random_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002


def test_nothing_is_changed():
    state = random_state()
    before = X.copy(), Y.copy()
    estimator = net()
    out_of_fold(estimator, X, Y, cv=SHUFFLED)
    assert_array_equal(state, random_state())
    assert_array_equal(X, before[0])
    assert_array_equal(Y, before[1])
    assert not hasattr(estimator, "net_")


# --- the result -------------------------------------------------------------------------------


def test_table():
    table = out_of_fold(net(), X, NAMES[Y], cv=SHUFFLED).table
    assert list(table) == ["row", "fold", "y_true", "y_pred", *(f"proba_{name}" for name in NAMES)]
    assert len(table) == 150
    assert_array_equal(table["y_true"], NAMES[Y[table["row"]]])
    best = NAMES[table.filter(like="proba_").to_numpy().argmax(axis=1)]
    assert_array_equal(table["y_pred"], best)


def test_report_takes_weights_of_the_rows_of_the_data():
    found = out_of_fold(
        DummyClassifier(), X, Y, cv=RepeatedStratifiedKFold(n_splits=3, n_repeats=2)
    )
    assert isinstance(found.report(), ClassificationReport)
    weight = np.where(Y == 0, 1.0, 0.0)
    guessed = found.report(weight).scores["accuracy"]
    assert guessed == np.mean(found.y_pred[found.y_true == 0] == 0)
    with pytest.raises(
        ValueError,
        match=exactly(
            "sample_weight has the wrong shape. Expected a weight for each of the 150 rows, "
            "(150,); got (300,). Give the weights of all rows of the data, in their order."
        ),
    ):
        found.report(np.ones(300))


def test_text():
    cv = [(ROWS[10:], ROWS[:10]), (ROWS[10:], ROWS[5:10])]
    found = out_of_fold(DummyClassifier(), X, Y, cv=cv)
    assert repr(found) == "OutOfFold(classification: 15 predictions of 10 rows in 2 folds)"
    found = out_of_fold(DummyRegressor(), X, X[:, :2], cv=cv[:1])
    assert repr(found) == (
        "OutOfFold(regression of 2 outputs: 10 predictions of 10 rows in 1 fold)"
    )


# --- errors -----------------------------------------------------------------------------------


class Silent(BaseEstimator):
    """Neither classifier nor regressor."""

    def fit(self, X, y):
        return self


@pytest.mark.parametrize("estimator", [Silent(), KMeans()])
def test_estimators_that_predict_no_targets(estimator):
    name = type(estimator).__name__
    with pytest.raises(
        TypeError,
        match=exactly(
            f"{name} does not say what it predicts. Expected a classifier or a regressor; got an "
            "estimator whose tags name neither. Derive it from sklearn.base.ClassifierMixin or "
            "RegressorMixin."
        ),
    ):
        out_of_fold(estimator, X, Y)


@pytest.mark.parametrize(
    ("cv", "got", "todo"),
    [
        (
            [(ROWS[:100], ROWS[100:]), (ROWS, ROWS[-2:])],
            "split 1 with 2 rows on both sides, such as row 148",
            "Correct cv, as such predictions would not be of unseen rows",
        ),
        ([(ROWS, [])], "split 0 without rows to predict", "Correct cv"),
        ([(np.zeros(150, bool), ROWS)], "split 0 without rows to train on", "Correct cv"),
        ([], "no split", "Give at least one pair of (train, test) in cv"),
    ],
)
def test_splits_that_are_none(cv, got, todo):
    with pytest.raises(
        ValueError,
        match=exactly(
            "cv does not split the rows. Expected rows to train on, and other rows to predict; got "
            f"{got}. {todo}."
        ),
    ):
        out_of_fold(DummyClassifier(), X, Y, cv=cv)


def test_rows_that_are_not_there():
    with pytest.raises(IndexError, match="150"):
        out_of_fold(DummyClassifier(), X, Y, cv=[(ROWS[:9], [150])])


def test_lengths_that_differ():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        out_of_fold(DummyClassifier(), X, Y[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        out_of_fold(DummyClassifier(), X, Y, groups=Y[:-1])


def test_missing_targets():
    y = X[:, 0].copy()
    y[3] = np.nan
    with pytest.raises(
        ValueError,
        match=exactly(
            "y is missing somewhere. Expected a label or number for each row; got 1 missing. Leave "
            "these rows out."
        ),
    ):
        out_of_fold(Ridge(), X, y)


def test_labels_of_two_types():
    with pytest.raises(
        ValueError,
        match=exactly(
            "The labels cannot be put in order. Expected labels of one type; got int and str. Make "
            "them all texts or all numbers."
        ),
    ):
        out_of_fold(DummyClassifier(), X[:4], np.array([1, "a", 1, "a"], object))


def test_a_fit_that_fails_raises():
    with pytest.raises(ValueError, match="lr"):
        out_of_fold(net(lr=-1.0), X, Y, cv=2)
