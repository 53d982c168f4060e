"""Estimators on data that are not in memory."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier, NetRegressor, OnDisk
from sknn_tricks.fused import _sources, fit_many, fused_training
from sknn_tricks.model_selection import FusedGridSearchCV
from sknn_tricks.nets import MLP
from sknn_tricks.on_disk import _on_disk

pytestmark = pytest.mark.usefixtures("small_windows")


@pytest.fixture
def data():
    """Return X of shape (300, 6), float32, and three classes."""
    X, y = make_classification(
        300, 6, n_informative=5, n_redundant=0, n_classes=3, class_sep=2, random_state=0
    )
    return X.astype(np.float32), np.array(["a", "b", "c"])[y]


@pytest.fixture(params=["memmap", "view", "sliceable", "OnDisk"])
def lay(request, mapped, sliceable):
    """Return a function that lays an array out of memory, in each of the ways there are."""

    def view(X):
        return np.asarray(mapped(np.concatenate([X[:5], X])))[5:]

    ways = {
        "memmap": mapped,
        "view": view,
        "sliceable": sliceable,
        "OnDisk": lambda X: OnDisk(mapped(X)),
    }
    return ways[request.param]


# --- fitting ------------------------------------------------------------------------------------


def test_it_learns_and_predicts_as_from_memory(lay, data, classifier, weights):
    X, y = data
    net = classifier(max_epochs=15).fit(lay(X), y)
    assert net.score(lay(X), y) > 0.8
    assert net.n_features_in_ == 6
    assert net.input_shape_ == (6,)
    for name in ("predict", "predict_proba", "predict_log_proba", "predict_proba_members"):
        np.testing.assert_array_equal(getattr(net, name)(lay(X)), getattr(net, name)(X))
    again = classifier(max_epochs=15).fit(lay(X), y)
    np.testing.assert_array_equal(weights(net), weights(again))


def test_all_ways_to_the_same_rows_give_the_same_net(mapped, sliceable, data, classifier, weights):
    X, y = data
    ways = [mapped(X), OnDisk(mapped(X)), sliceable(X), mapped(X.astype(float)), OnDisk(X)]
    first, *others = [weights(classifier().fit(each, y)) for each in ways]
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_the_order_is_another_one_than_in_memory(mapped, data, classifier, weights):
    X, y = data
    assert (weights(classifier().fit(mapped(X), y)) != weights(classifier().fit(X, y))).any()


def test_what_makes_one_window_is_read_and_gives_the_bits_of_memory(lay, data, classifier, weights):
    X, y = data[0][:32], data[1][:32]
    np.testing.assert_array_equal(
        weights(classifier().fit(lay(X), y)), weights(classifier().fit(X, y))
    )


@pytest.mark.parametrize("y", [np.s_[:, 0], np.s_[:, :2]], ids=["one target", "two"])
def test_regression(lay, data, regressor, y):
    X = data[0]
    y = 100 + X[y]
    net = regressor(max_epochs=30).fit(lay(X), y)
    assert net.score(lay(X), y) > 0.8
    np.testing.assert_array_equal(net.predict(lay(X)), net.predict(X))
    assert net.predict(lay(X)).shape == y.shape


def test_multilabel_rows_of_two_axes_and_bytes(lay, classifier):
    X = np.random.default_rng(0).integers(0, 2, size=(300, 2, 3)).astype(np.uint8)
    y = X[:, 0, :2].astype(int)
    net = classifier(max_epochs=40).fit(lay(X), y)
    assert net.input_shape_ == (2, 3)
    assert net.score(lay(X), y) > 0.9
    np.testing.assert_array_equal(net.predict_proba(lay(X)), net.predict_proba(X))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"early_stopping": True, "patience": 1, "lr": 0.1},
        {"class_weight": "balanced"},
        {"n_members": 3, "bagging": True},
        {"dtype": "float64", "optimizer": "sgd"},
        {"module": MLP(hidden=(8,), batch_norm=True, dropout=0.2)},
    ],
    ids=lambda settings: " ".join(settings),
)
def test_alone_is_together(mapped, data, classifier, weights, settings):
    X, y = mapped(data[0]), data[1]
    alone = [classifier(**settings, weight_decay=d).fit(X, y) for d in (0.0, 0.01)]
    nets = [clone(net) for net in alone] + [clone(alone[0]).set_params(lr=1e-3)]
    together = fit_many([(net, X, y) for net in nets])
    for one, other in zip(alone, together, strict=False):
        np.testing.assert_array_equal(weights(one), weights(other))
        assert one.loss_curve_ == other.loss_curve_
        assert one.validation_scores_ == other.validation_scores_


def test_early_stopping_watches_rows_that_are_not_trained_on(lay, data, classifier):
    X, y = data
    net = classifier(early_stopping=True, validation_fraction=0.3).fit(lay(X), y)
    assert len(net.validation_scores_) == net.n_iter_
    assert net.validation_scores_[-1] > 0.6


def test_validation_data_may_be_in_memory_or_not(lay, data, classifier, weights):
    X, y = data
    watched = X[:100], y[:100]
    first = classifier().fit(lay(X), y, validation_data=watched)
    second = classifier().fit(lay(X), y, validation_data=(lay(watched[0]), watched[1]))
    np.testing.assert_array_equal(weights(first), weights(second))
    assert first.validation_scores_ == second.validation_scores_
    third = classifier().fit(X, y, validation_data=(lay(watched[0]), watched[1]))
    assert third.validation_scores_ == classifier().fit(
        X, y, validation_data=watched
    ).validation_scores_  # fmt: skip


def test_rows_of_weight_0_count_as_absent(mapped, data, classifier, weights):
    X, y = data
    weight = (np.arange(300) % 3 > 0) * 2.0
    present = weight > 0
    first = classifier().fit(mapped(X), y, sample_weight=weight)
    second = classifier().fit(OnDisk(mapped(X))[present], y[present])
    np.testing.assert_allclose(weights(first), weights(second), atol=1e-5)
    X[~present] = np.nan
    classifier().fit(mapped(X), y, sample_weight=weight)


def test_warm_start_goes_on(lay, data, classifier, weights):
    X, y = data
    net = classifier(warm_start=True, max_epochs=2).fit(lay(X), y)
    before = weights(net)
    net.fit(lay(X), y)
    assert (net.n_iter_, len(net.history_)) == (4, 4)
    assert (weights(net) != before).any()


def test_partial_fit_over_chunks_of_a_memmap(mapped, data, classifier, weights):
    X, y = data
    rows, nets = mapped(X), [classifier(), classifier()]
    for start in range(0, 300, 100):
        chunk = slice(start, start + 100)
        nets[0].partial_fit(rows[chunk], y[chunk], classes=["a", "b", "c"])
        nets[1].partial_fit(OnDisk(rows)[chunk], y[chunk], classes=["a", "b", "c"])
    assert nets[0].n_iter_ == 3
    np.testing.assert_array_equal(weights(nets[0]), weights(nets[1]))


def test_partial_fit_over_small_chunks_gives_the_bits_of_memory(mapped, data, classifier, weights):
    X, y = data
    nets = [classifier(), classifier()]
    for net, rows in zip(nets, (mapped(X), X), strict=True):
        for start in range(0, 300, 30):
            chunk = slice(start, start + 30)
            net.partial_fit(rows[chunk], y[chunk], classes=["a", "b", "c"])
    np.testing.assert_array_equal(weights(nets[0]), weights(nets[1]))


# --- memory -------------------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
def test_no_read_is_larger_than_a_window(sliceable, data, early_stopping, monkeypatch):
    monkeypatch.setattr(_on_disk, "READ_AT_ONCE", 4 * 8 * 6)
    X, y = sliceable(data[0]), data[1]
    net = NetClassifier(
        MLP(hidden=(4,)), max_epochs=2, early_stopping=early_stopping, random_state=0
    )
    net.fit(X, y)
    assert max(stop - start for start, stop in X.reads) <= 4 * 8


def test_predictions_read_a_block_at_a_time(sliceable, classifier):
    X = np.random.default_rng(0).normal(size=(5000, 6))
    net = classifier(max_epochs=1).fit(X, X[:, 0] > 0)
    rows = sliceable(X)
    np.testing.assert_array_equal(net.predict_proba(rows), net.predict_proba(X))
    assert [stop - start for start, stop in rows.reads] == [2048, 2048, 904]


def test_an_epoch_reads_each_row_once(sliceable, data, classifier):
    X = sliceable(data[0])
    classifier(max_epochs=3).fit(X, data[1])
    assert sum(stop - start for start, stop in X.reads) == 3 * 300 + 2  # 2 try the module


# --- in any order -------------------------------------------------------------------------------


def test_rows_in_any_order_are_read_in_that_of_the_disk(mapped, data, classifier, weights):
    X, y = data
    index = np.random.default_rng(0).permutation(300)
    rows = OnDisk(mapped(X))
    first, second = classifier().fit(rows, y), classifier().fit(rows[index], y[index])
    np.testing.assert_array_equal(weights(first), weights(second))
    np.testing.assert_allclose(first.predict_proba(rows[index]), first.predict_proba(X[index]))
    assert first.score(rows[index], y[index]) == first.score(X, y)


# --- in scikit-learn ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cv",
    [KFold(3), StratifiedKFold(3, shuffle=True, random_state=0), ShuffleSplit(3, random_state=0)],
    ids=lambda cv: type(cv).__name__,
)
def test_a_fused_search_is_the_stock_one_and_copies_nothing(
    sliceable, data, classifier, cv, monkeypatch
):
    monkeypatch.setattr(_on_disk, "READ_ALONG", 0)
    X, y = sliceable(data[0]), data[1]
    grid = {"lr": [0.01, 0.03], "batch_size": [32, 50]}
    stock = GridSearchCV(classifier(), grid, cv=cv).fit(OnDisk(X), y)
    X.reads.clear()
    fused = FusedGridSearchCV(classifier(), grid, cv=cv).fit(OnDisk(X), y)
    assert stock.cv_results_["mean_test_score"].tolist() == (
        fused.cv_results_["mean_test_score"].tolist()
    )
    assert fused.best_score_ > 0.6
    assert fused.report_.n_nets == 13
    # Predictions read 2,048 rows at once, all of a fold here; nothing else reads more than 8.
    assert sum(stop - start > 8 for start, stop in X.reads) <= 4 * 3


def test_cross_validation_and_a_split(mapped, data, classifier):
    X, y = OnDisk(mapped(data[0])), data[1]
    with fused_training():
        scores = cross_val_score(classifier(), X, y, cv=3)
    assert scores.tolist() == cross_val_score(classifier(), X, y, cv=3).tolist()
    assert cross_val_predict(classifier(), X, y, cv=3).shape == (300,)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    assert classifier().fit(X_train, y_train).score(X_test, y_test) > 0.6


def test_a_search_over_a_bare_memmap_takes_folds_into_memory(mapped, data, classifier):
    X, y = data
    of_memmap, in_memory = (cross_val_score(classifier(), each, y, cv=3) for each in (mapped(X), X))
    assert of_memmap.tolist() == in_memory.tolist()


def test_a_scaler_in_front_reads_all(mapped, data, classifier, weights):
    X, y = data
    pipes = [make_pipeline(StandardScaler(), classifier()) for _ in range(2)]
    first, second = pipes[0].fit(OnDisk(mapped(X)), y)[-1], pipes[1].fit(X, y)[-1]
    np.testing.assert_array_equal(weights(first), weights(second))


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda X: X[:, 0], r"wrong shape. Expected rows of .*; got \(300,\)"),
        (lambda X: X[:, :0], r"wrong shape. Expected rows of .*; got \(300, 0\)"),
        (lambda X: X.astype(complex), "does not hold numbers.*got complex128"),
        (lambda X: X.astype("U3"), "does not hold numbers.*got <U3"),
    ],
)
def test_data_of_the_wrong_kind(sliceable, data, classifier, make, text, monkeypatch):
    monkeypatch.setattr(_sources, "BLOCK_NUMBERS", 32)
    with pytest.raises(ValueError, match=text):
        classifier().fit(sliceable(make(data[0])), data[1])


def test_targets_of_the_wrong_kind(mapped, data, classifier, regressor):
    X, y = mapped(data[0]), data[1]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(X, y[:-1])
    with pytest.raises(ValueError, match="requires y to be passed"):
        classifier().fit(X, None)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        regressor().fit(X, np.full(300, np.nan))


def test_other_features_than_in_fit(mapped, data, classifier):
    X, y = data
    net = classifier().fit(mapped(X), y)
    with pytest.raises(ValueError, match="X has 5 features, but NetClassifier is expecting 6"):
        net.predict(mapped(X[:, :5].copy()))


@pytest.mark.parametrize("estimator", [NetClassifier, NetRegressor])
def test_a_row_that_is_not_finite_is_named_and_the_estimator_unchanged(mapped, data, estimator):
    X, y = data[0], np.arange(300) % 2
    net = estimator(MLP(hidden=(4,)), max_epochs=1, random_state=0).fit(mapped(X), y)
    before = dict(vars(net))
    X[123, 4] = np.inf
    with pytest.raises(ValueError, match=r"Row 123 of the data on the disk .* got inf"):
        net.fit(mapped(X), y)
    assert dict(vars(net)) == before
    with pytest.raises(ValueError, match=r"Row 123 of the data on the disk"):
        net.predict(mapped(X))


def test_a_fold_with_such_a_row_fails_and_the_others_go_on(mapped, data, classifier):
    X, y = data
    X[7, 1] = np.nan
    with fused_training(), pytest.warns(match="(?s)Row 7 of the data on the disk|non-finite"):
        search = GridSearchCV(
            classifier(), {"lr": [0.01, 0.02]}, cv=KFold(3), refit=False, scoring="accuracy"
        ).fit(OnDisk(mapped(X)), y)
    assert np.isnan(search.cv_results_["split1_test_score"]).all()
    assert np.isnan(search.cv_results_["split2_test_score"]).all()
