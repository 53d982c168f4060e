"""Which data are refused, and in which words."""

import re

import numpy as np
import pytest
import scipy.sparse

from sknn_tricks.nets import MLP

STRANGE = (
    "The targets have classes that the net does not know. Expected classes {}; got {}. "
    "Fit anew with warm_start=False, or name all classes at the first call."
)
ONE_ROW = (
    "BatchNorm cannot train on 1 sample at a time. Expected batches of 2 samples or more; "
    "got n_samples=1, batch_size=32. Give more rows, a larger batch_size, or a net without "
    "BatchNorm."
)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["X", "y"])
def test_missing_and_infinite_numbers_are_refused(value, where, number_data, regressor):
    X, y = number_data
    net = regressor().fit(X, y)
    X, y = X.copy(), y.copy()
    (X[:, 2] if where == "X" else y)[5] = value
    with pytest.raises(ValueError, match=f"Input {where} contains (NaN|infinity)"):
        regressor().fit(X, y)
    if where == "X":
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            net.predict(X)


def test_another_number_of_features_is_refused(number_data, regressor):
    X, y = number_data
    net = regressor().fit(X, y)
    text = "X has 3 features, but NetRegressor is expecting 5 features as input"
    with pytest.raises(ValueError, match=text):
        net.predict(X[:, :3])
    with pytest.raises(ValueError, match=text):
        net.partial_fit(X[:, :3], y)
    with pytest.raises(ValueError, match=text):
        net.fit(X, y, validation_data=(X[:, :3], y))


def test_rows_of_another_shape_are_refused(class_data, classifier):
    _, y = class_data
    net = classifier().fit(np.zeros((150, 2, 3, 4)), y)
    with pytest.raises(ValueError, match="shape") as caught:
        net.predict(np.zeros((5, 2, 4, 3)))
    assert str(caught.value) == (
        "X has rows of another shape than in fit. Expected rows of shape (2, 3, 4); got (2, 4, 3). "
        "Give the same features as in fit."
    )


def test_no_rows_are_refused(class_data, classifier):
    X, y = class_data
    net = classifier().fit(X, y)
    text = re.escape("Found array with 0 sample(s)")
    for call in (lambda: classifier().fit(X[:0], y[:0]), lambda: net.predict(X[:0])):
        with pytest.raises(ValueError, match=text):
            call()


def test_one_axis_is_refused_with_sklearns_advice(class_data, classifier):
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array instead"):
        classifier().fit(class_data[0][:, 0], class_data[1])


def test_lengths_that_do_not_match_are_refused(class_data, classifier):
    X, y = class_data
    text = "Found input variables with inconsistent numbers of samples"
    with pytest.raises(ValueError, match=text):
        classifier().fit(X, y[:-1])
    with pytest.raises(ValueError, match=text):
        classifier().fit(X, y, validation_data=(X, y[:-1]))
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(3,\), expected \(150,\)"):
        classifier().fit(X, y, sample_weight=[1, 2, 3])


def test_numbers_as_classes_are_refused(number_data, classifier):
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        classifier().fit(*number_data)


def test_targets_of_several_classes_each_are_refused(class_data, classifier):
    X, y = class_data
    with pytest.raises(ValueError, match="multiclass-multioutput"):
        classifier().fit(X, np.c_[y, y])


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_sparse_targets_are_refused(kind, class_data, classifier, regressor):
    X, y = class_data
    make = classifier if kind == "classifier" else regressor
    with pytest.raises(TypeError, match="Sparse data was passed"):
        make().fit(X, scipy.sparse.csr_array(np.c_[y > 0, y > 1].astype(float)))


@pytest.mark.parametrize(("label", "shown"), [(7, "7"), ("ant", "'ant'"), (True, "True")])
def test_one_class_is_refused(label, shown, class_data, classifier):
    with pytest.raises(ValueError, match="class") as caught:
        classifier().fit(class_data[0], [label] * 150)
    assert str(caught.value) == (
        "There is only 1 class to learn. Expected targets of 2 classes or more (rows of weight 0 "
        f"do not count); got only {shown}. Give rows of another class."
    )


def test_one_class_left_by_weights_is_refused(class_data, classifier):
    X, y = class_data
    with pytest.raises(ValueError, match="There is only 1 class to learn"):
        classifier().fit(X, y, sample_weight=(y == 1) * 1.0)


def test_weights_of_0_only_are_refused(class_data, classifier):
    text = "Sample weights must contain at least one non-zero number"
    with pytest.raises(ValueError, match=text):
        classifier().fit(*class_data, sample_weight=np.zeros(150))


def test_class_weights_of_0_only_are_refused(class_data, classifier):
    X, y = class_data
    with pytest.raises(ValueError, match="class_weight"):
        classifier(class_weight={0: 0.0, 1: 0.0, 2: 0.0}).fit(X, y)


def test_negative_weights_are_refused(class_data, classifier):
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        classifier().fit(*class_data, sample_weight=np.linspace(-1, 1, 150))


@pytest.mark.parametrize(("n_rows", "early_stopping"), [(1, False), (2, True)])
def test_one_row_to_train_on_is_refused_under_batch_norm(
    n_rows, early_stopping, number_data, regressor
):
    X, y = number_data
    net = regressor(MLP((8,), batch_norm=True), early_stopping=early_stopping)
    with pytest.raises(ValueError, match="BatchNorm") as caught:
        net.fit(X[:n_rows], y[:n_rows])
    assert str(caught.value) == ONE_ROW


def test_one_row_is_enough_without_batch_norm(number_data, regressor):
    X, y = number_data
    assert regressor().fit(X[:1], y[:1]).predict(X).shape == (150,)


def test_one_row_is_refused_by_early_stopping(number_data, regressor):
    X, y = number_data
    with pytest.raises(ValueError, match="Early stopping") as caught:
        regressor(early_stopping=True).fit(X[:1], y[:1])
    assert str(caught.value) == (
        "Early stopping cannot hold rows out of 1 sample. Expected 2 samples or more; "
        "got n_samples=1. Give more rows, or early_stopping=False."
    )


@pytest.mark.parametrize(("given", "shown"), [(3, "int"), ((1, 2, 3), "tuple"), ("Xy", "str")])
def test_validation_data_that_are_no_pair_are_refused(given, shown, class_data, classifier):
    with pytest.raises(ValueError, match="pair") as caught:
        classifier().fit(*class_data, validation_data=given)
    assert str(caught.value) == (
        f"validation_data is no pair. Expected validation_data=(X, y); got {shown}. "
        "Give the rows and their targets."
    )


def test_an_unknown_class_in_the_validation_data_is_refused(class_data, classifier):
    X, y = class_data
    with pytest.raises(ValueError, match="classes") as caught:
        classifier().fit(X, y, validation_data=(X, y + 1))
    assert str(caught.value) == STRANGE.format([0, 1, 2], [3])


def test_validation_targets_of_another_kind_are_refused(class_data, classifier):
    X, y = class_data
    labels = np.c_[y == 0, y < 2].astype(int)
    text = "The targets are of another kind than in fit"
    for train, valid in ((y, labels), (labels, y > 0), (labels, labels[:, [0, 1, 1]])):
        with pytest.raises(ValueError, match=text):
            classifier().fit(X, train, validation_data=(X, valid))


def test_warm_start_refuses_targets_of_another_kind(class_data, classifier):
    X, y = class_data
    labels = np.c_[y == 0, y < 2].astype(int)
    text = "The targets are of another kind than in fit"
    for first, second in ((y, labels), (labels, y > 0)):
        with pytest.raises(ValueError, match=text):
            classifier(warm_start=True).fit(X, first).fit(X, second)


def test_another_number_of_targets_is_refused(number_data, regressor):
    X, y = number_data
    text = (
        "y has another number of targets than before. Expected 1; got 2. "
        "Give the same targets, or fit anew with warm_start=False."
    )
    net = regressor(warm_start=True).fit(X, y)
    for call in (
        lambda: net.fit(X, np.c_[y, y]),
        lambda: net.partial_fit(X, np.c_[y, y]),
        lambda: regressor().fit(X, y, validation_data=(X, np.c_[y, y])),
    ):
        with pytest.raises(ValueError, match="targets") as caught:
            call()
        assert str(caught.value) == text


def test_partial_fit_needs_the_classes_at_its_first_call(class_data, classifier):
    with pytest.raises(ValueError, match="classes") as caught:
        classifier().partial_fit(*class_data)
    assert str(caught.value) == (
        "The first call of partial_fit does not say which classes there are. Expected "
        "classes=<all labels that will ever come>; got classes=None. Pass classes at the first "
        "call, such as classes=np.unique(y_all)."
    )


@pytest.mark.parametrize(
    ("classes", "later", "shown"),
    [([0, 1], None, [2]), ([0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3]), ([5, 6], None, [0, 1, 2])],
)
def test_partial_fit_refuses_classes_it_was_not_told_of(
    classes, later, shown, class_data, classifier
):
    X, y = class_data
    net = classifier()
    with pytest.raises(ValueError, match="classes") as caught:
        net.partial_fit(X, y, classes=classes).partial_fit(X, y, classes=later)
    assert str(caught.value) == STRANGE.format(classes, shown)
