"""What y and the row weights may be."""

import numpy as np
import pytest
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import recall_score
from sklearn.utils.class_weight import compute_sample_weight

from sknn_tricks.nets import MLP

LABELS = {
    "strings": np.array(["ant", "bee", "cow"]),
    "objects": np.array(["ant", "bee", "cow"], dtype=object),
    "integers with gaps": np.array([-7, 3, 1000]),
    "floats": np.array([0.0, 1.0, 5.0]),
    "bytes": np.array([1, 2, 3], dtype=np.uint8),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_of_any_type_come_back_from_predict(labels, class_data, classifier):
    X, y = class_data
    net = classifier(max_epochs=20).fit(X, labels[y])
    np.testing.assert_array_equal(net.classes_, labels)
    assert net.predict(X).dtype == labels.dtype
    assert net.score(X, labels[y]) > 0.8
    np.testing.assert_array_equal(
        net.predict_proba(X), classifier(max_epochs=20).fit(X, y).predict_proba(X)
    )


@pytest.mark.parametrize("labels", [[False, True], ["no", "yes"], [-1, 1]])
def test_two_classes_have_two_columns_of_probabilities(labels, class_data, classifier):
    X, y = class_data
    target = np.array(labels)[(y > 0).astype(int)]
    net = classifier(max_epochs=20).fit(X, target)
    proba = net.predict_proba(X)
    assert proba.shape == (150, 2)
    np.testing.assert_array_equal(net.classes_[proba.argmax(axis=1)], net.predict(X))
    assert net.score(X, target) > 0.8


def test_labels_may_be_a_list(class_data, classifier):
    X, y = class_data
    words = [["ant", "bee", "cow"][label] for label in y]
    assert set(classifier().fit(X.tolist(), words).predict(X)) <= {"ant", "bee", "cow"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_are_float64_and_sum_to_1(dtype, class_data, classifier):
    proba = classifier(dtype=dtype).fit(*class_data).predict_proba(class_data[0])
    assert proba.dtype == np.float64
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-15)


def test_multi_label_targets_are_predicted_as_an_indicator(class_data, classifier):
    X, y = class_data
    labels = np.c_[y == 0, y < 2, y > 0].astype(int)
    net = classifier(max_epochs=30).fit(X, labels)
    proba, predicted = net.predict_proba(X), net.predict(X)
    assert proba.shape == predicted.shape == (150, 3)
    assert proba.dtype == np.float64
    np.testing.assert_array_equal(predicted, proba > 0.5)
    np.testing.assert_array_equal(net.classes_, [0, 1, 2])
    assert net.score(X, labels) > 0.7


def test_a_column_of_labels_warns_and_counts_as_one_axis(class_data, classifier):
    X, y = class_data
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        net = classifier().fit(X, y[:, None])
    assert net.predict(X).shape == (150,)


@pytest.mark.parametrize("shape", [(150,), (150, 1), (150, 3)])
def test_predicted_numbers_have_the_shape_of_the_targets(shape, number_data, regressor):
    X, y = number_data
    targets = np.c_[y, -y, 2 * y][:, : shape[-1]].reshape(shape) if len(shape) > 1 else y
    net = regressor(max_epochs=60).fit(X, targets)
    assert net.predict(X).shape == shape
    assert net.predict(X).dtype == np.float64
    assert net.score(X, targets) > 0.9


def test_the_unit_of_a_target_does_not_matter(number_data, regressor):
    X, y = number_data
    predicted = regressor(dtype="float64").fit(X, y).predict(X)
    in_other_units = regressor(dtype="float64").fit(X, y * 1e6 - 3e9).predict(X)
    np.testing.assert_allclose(in_other_units, predicted * 1e6 - 3e9, rtol=1e-9)


def test_integer_targets_are_numbers_too(number_data, regressor):
    X, y = number_data
    whole = y.astype(int)
    np.testing.assert_array_equal(
        regressor().fit(X, whole).predict(X), regressor().fit(X, whole.astype(float)).predict(X)
    )


@pytest.mark.parametrize("value", [0.0, 1e-300, 0.1, -12345.678, 1e12])
def test_a_constant_target_is_predicted_back(value, number_data, regressor):
    X, _ = number_data
    net = regressor(max_epochs=60).fit(X, np.full(150, value))
    assert net.target_scale_.tolist() == [1.0]
    np.testing.assert_allclose(net.predict(X), value, atol=0.2, rtol=1e-12)


def test_balanced_class_weights_raise_the_recall_of_the_rare_class(classifier):
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.08).astype(int)
    X = rng.normal(size=(600, 2)) + y[:, None]
    plain, balanced = (
        recall_score(y, classifier(class_weight=weight, max_epochs=10).fit(X, y).predict(X))
        for weight in (None, "balanced")
    )
    assert balanced > plain + 0.2


@pytest.mark.parametrize("given", [False, True])
def test_class_weights_are_row_weights(given, class_data, classifier, weights):
    X, y = class_data
    own = np.linspace(0.5, 2, 150) if given else None
    by_class = {0: 1.0, 1: 3.0, 2: 0.5}
    rows = compute_sample_weight(by_class, y) * (1.0 if own is None else own)
    np.testing.assert_allclose(
        weights(classifier(class_weight=by_class).fit(X, y, sample_weight=own)),
        weights(classifier().fit(X, y, sample_weight=rows)),
        rtol=1e-4 if given else 0,  # the product of the two is rounded elsewhere
    )


def test_class_weights_need_not_name_a_class_of_the_validation_rows(class_data, classifier):
    X, y = class_data
    kept = y == 0
    net = classifier(class_weight={1: 3.0}).fit(X, y, validation_data=(X[kept], y[kept]))
    assert len(net.validation_scores_) == 5


@pytest.mark.parametrize("module", [MLP((8,)), MLP((8,), batch_norm=True, dropout=0.2)])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_row_of_weight_0_counts_as_absent(
    module, early_stopping, class_data, classifier, weights
):
    X, y = class_data
    kept = np.arange(150) % 4 > 0
    X[~kept] = 1e10
    y[~kept] = 99
    weighted = classifier(module, early_stopping=early_stopping)
    removed = classifier(module, early_stopping=early_stopping)
    weighted.fit(X, y, sample_weight=kept * 1.0)
    removed.fit(X[kept], y[kept], sample_weight=np.ones(kept.sum()))
    np.testing.assert_array_equal(weighted.classes_, [0, 1, 2])
    np.testing.assert_array_equal(weights(weighted), weights(removed))


def test_a_row_of_weight_0_does_not_move_the_scale_of_targets(number_data, regressor):
    X, y = number_data
    kept = np.arange(150) % 4 > 0
    y = np.where(kept, y, 1e9)
    weighted = regressor().fit(X, y, sample_weight=kept * 1.0).predict(X)
    removed = regressor().fit(X[kept], y[kept], sample_weight=np.ones(kept.sum())).predict(X)
    np.testing.assert_array_equal(weighted, removed)


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_a_weight_of_2_is_a_row_twice(kind, class_data, classifier, regressor):
    X, y = class_data
    times = np.arange(150) % 3 + 1
    make = classifier if kind == "classifier" else regressor
    settings = {"dtype": "float64", "batch_size": 1000, "max_epochs": 20}
    weighted = make(**settings).fit(X, y, sample_weight=times)
    repeated = make(**settings).fit(X.repeat(times, axis=0), y.repeat(times))
    method = "predict_proba" if kind == "classifier" else "predict"
    np.testing.assert_allclose(
        getattr(weighted, method)(X), getattr(repeated, method)(X), rtol=1e-7
    )


def test_the_scale_of_weights_does_not_matter(number_data, regressor):
    X, y = number_data
    sample_weight = np.linspace(1, 2, 150)
    np.testing.assert_array_equal(
        regressor().fit(X, y, sample_weight=sample_weight).predict(X),
        regressor().fit(X, y, sample_weight=sample_weight * 1024).predict(X),
    )


def test_logarithms_of_probabilities(class_data, classifier):
    X, y = class_data
    net = classifier().fit(X, y)
    np.testing.assert_allclose(np.exp(net.predict_log_proba(X)), net.predict_proba(X), rtol=1e-12)
    labels = np.c_[y == 0, y < 2].astype(int)
    net = classifier().fit(X, labels)
    np.testing.assert_allclose(np.exp(net.predict_log_proba(X)), net.predict_proba(X), rtol=1e-12)
