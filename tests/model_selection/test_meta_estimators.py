"""Nets inside other estimators, and searches inside of cross-validations."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score, permutation_test_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sknn_tricks.fused import fit_many, fused_training


def two(net):
    return [("a", net()), ("b", net(lr=0.05))]


ENSEMBLES = {
    "voting": (lambda net: VotingClassifier(two(net), voting="soft"), [2]),
    "bagging": (lambda net: BaggingClassifier(net(), 20, oob_score=True, random_state=0), [20]),
    "stacking": (lambda net: StackingClassifier(two(net), net(), cv=3), [2, 6, 1]),
    "one vs rest": (lambda net: OneVsRestClassifier(net()), [3]),
    "calibrated": (lambda net: CalibratedClassifierCV(net(), cv=3), [3]),
    "calibrated ensemble": (
        lambda net: CalibratedClassifierCV(
            BaggingClassifier(net(), 2, random_state=0), cv=3, ensemble=False
        ),
        [6, 2],
    ),
    "in a pipeline": (
        lambda net: make_pipeline(StandardScaler(), VotingClassifier(two(net), voting="soft")),
        [2],
    ),
}


@pytest.mark.parametrize(("make", "sizes"), ENSEMBLES.values(), ids=ENSEMBLES)
def test_ensembles(make, sizes, net, data, batches):
    X, y = data[0], np.arange(60) % 3
    alone = make(net).fit(X, y)
    with fused_training():
        fused = make(net).fit(X, y)
    assert batches == sizes
    np.testing.assert_array_equal(fused.predict_proba(X), alone.predict_proba(X))


@pytest.mark.parametrize("kind", [MultiOutputClassifier, ClassifierChain])
def test_several_targets(kind, net, data, batches):
    X, y = data[0], (data[0][:, :3] > 0).astype(int)
    alone = kind(net()).fit(X, y)
    with fused_training():
        fused = kind(net()).fit(X, y)
    assert batches == ([3] if kind is MultiOutputClassifier else [1, 1, 1])
    np.testing.assert_array_equal(fused.predict(X), alone.predict(X))


def test_a_search_in_a_cross_validation(pipe, data, batches):
    search = GridSearchCV(pipe, {"net__lr": [0.001, 0.01, 0.1, 0.2]}, cv=4)
    alone = cross_val_score(search, *data, cv=3)
    with fused_training():
        fused = cross_val_score(search, *data, cv=3)
    assert batches == [48, 3]
    np.testing.assert_array_equal(fused, alone)


def test_permutations(pipe, data, batches):
    settings = {"cv": 3, "n_permutations": 4, "random_state": 0}
    alone = permutation_test_score(pipe, *data, **settings)
    with fused_training():
        fused = permutation_test_score(pipe, *data, **settings)
    assert batches == [1, 1, 1, 4, 4, 4]
    np.testing.assert_array_equal(fused[1], alone[1])


class FitAnother(Callback):
    def __init__(self, make):
        self.make = make

    def on_epoch_end(self, net, **kwargs):
        self.losses_ = self.make().loss_curve_


def test_a_fit_within_a_fit(net, data):
    """A callback fits another net, or a whole search, after each epoch."""

    def search():
        with fused_training():
            return GridSearchCV(net(), {"lr": [0.01]}, cv=2).fit(*data).best_estimator_

    for make in (lambda: net().fit(*data), search):
        outer = net(callbacks=[("another", FitAnother(make))])
        fit_many([(outer, *data), (net(lr=0.1), *data)])
        assert len(dict(outer.net_.callbacks_)["another"].losses_) == 2


def test_fit_many(net, data, batches):
    X, y = data
    nets = [net(lr=lr) for lr in (0.01, 0.02, 0.03)]
    fitted = fit_many((each, X, y) for each in nets)
    assert fitted == nets
    assert batches == [3]
    expected = [net(lr=lr).fit(X, y).loss_curve_ for lr in (0.01, 0.02, 0.03)]
    assert [each.loss_curve_ for each in fitted] == expected


def test_fit_many_raises(net, data):
    with pytest.raises(ValueError, match="lr"):
        fit_many([(net(), *data), (net(lr=-1), *data)])
    assert fit_many([]) == []
