"""Heads that start as linear models."""

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, RidgeCV

from sknn_tricks.transfer._start import linear_head


def outputs(head, X):
    with torch.no_grad():
        return head(torch.from_numpy(X)).numpy()


def test_classes_are_told_apart_and_the_probabilities_make_sense():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    seen, unseen = slice(0, 900), slice(900, None)

    logits = outputs(linear_head(X[seen], y[seen], 10, kind="classes"), X[unseen])

    assert (logits.argmax(axis=1) == y[unseen]).mean() > 0.88
    loss = -log_softmax(logits, axis=1)[np.arange(len(logits)), y[unseen]].mean()
    best = LogisticRegression(C=0.1, max_iter=1000).fit(X[seen], y[seen])
    other = -best.predict_log_proba(X[unseen])[np.arange(len(logits)), y[unseen]].mean()
    assert loss < 1.5 * other


def test_numbers_are_those_of_ridge_regression():
    X, y = load_diabetes(return_X_y=True)
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    penalties = np.logspace(-4, 2, 13) * X.shape[1]

    found = outputs(linear_head(X, y, 1, kind="numbers"), X)

    expected = RidgeCV(penalties).fit(X, y).predict(X)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-8)


def test_each_label_has_its_logit():
    X, y = load_digits(return_X_y=True)
    X, labels = X / 16, np.stack([y > 4, y % 2 == 0, y == 3], axis=1).astype(float)

    logits = outputs(linear_head(X, labels, 3, kind="labels"), X)

    assert ((logits > 0) == labels).mean() > 0.87
    assert np.abs(expit(logits).mean(axis=0) - labels.mean(axis=0)).max() < 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_in_the_precision_of_the_features(dtype):
    X = np.random.default_rng(0).normal(size=(20, 50)).astype(dtype)

    head = linear_head(X, np.arange(20) % 2, 2, kind="classes")

    assert (outputs(head, X).argmax(axis=1) == np.arange(20) % 2).all()
    assert head.output.weight.dtype == torch.from_numpy(X).dtype


def test_a_frozen_head_is_good_after_one_epoch(tuner, new, unseen):
    one = tuner("linear_probe", max_epochs=1, lr=1e-4).fit(*new)
    drawn = tuner("linear_probe", max_epochs=1, lr=1e-4, init="kaiming_normal").fit(*new)

    assert one.score(*unseen) > 0.8
    assert drawn.score(*unseen) < 0.6
