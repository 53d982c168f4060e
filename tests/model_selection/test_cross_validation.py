"""`cross_validate` with callbacks returns what it returns without, and shows all of it to them."""

import numpy as np
import pytest
from sklearn import config_context, model_selection
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.callback import ProgressBar
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, StratifiedKFold
from sklearn.svm import LinearSVC

from sknn_tricks.model_selection import cross_validate

GROUPS = np.arange(60) % 4


class Recorder:
    """Remembers the tasks it was told of."""

    max_propagation_depth = None
    listens_to_epochs = False

    def __init__(self):
        self.begun, self.ended, self.n_setups, self.weights = [], [], 0, []

    def setup(self, estimator, context):
        self.n_setups += 1

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, *, metadata):
        self.begun.append((context.source_task_name or context.task_name, context.task_id))
        self.weights.append(metadata)

    def on_fit_task_end(self, estimator, context):
        self.ended.append((context.source_task_name or context.task_name, context.task_id))


class FailsAtTimes(ClassifierMixin, BaseEstimator):
    """Cannot be fitted to data that begin with a positive number."""

    def fit(self, X, y):
        if X[0, 0] > 0:
            raise ValueError("an accident")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.fixture
def recorder():
    return Recorder()


def same(first, second):
    """Compare all but times and estimators."""
    assert list(first) == list(second)
    for name in first:
        if name.startswith(("test", "train")):
            np.testing.assert_array_equal(first[name], second[name])


def multi(estimator, X, y):
    accuracy = accuracy_score(y, estimator.predict(X))
    return {"right": accuracy, "wrong": 1 - accuracy}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"scoring": "roc_auc", "return_train_score": True},
        {"scoring": ["accuracy", "f1"], "return_train_score": True},
        {"scoring": make_scorer(accuracy_score), "error_score": "raise"},
        {"scoring": multi},
        {"cv": KFold(4, shuffle=True, random_state=0)},
        {"cv": list(StratifiedKFold(3).split(np.zeros(60), GROUPS))},
        {"cv": GroupKFold(2), "groups": GROUPS},
        {"cv": LeaveOneGroupOut(), "groups": GROUPS},
        {"params": {"sample_weight": np.linspace(0.5, 1.5, 60)}},
        pytest.param({"n_jobs": 2}, marks=pytest.mark.slow),
        {"verbose": 0, "return_indices": True, "return_estimator": True},
    ],
)
@pytest.mark.parametrize("name", ["net", "linear"])
def test_it_returns_what_it_does_without_callbacks(name, settings, pipe, data, recorder):
    estimator = LogisticRegression() if name == "linear" else pipe
    if name == "net" and "params" in settings:
        settings = {"params": {"net__sample_weight": settings["params"]["sample_weight"]}}
    settings = {"cv": 3, **settings}
    expected = model_selection.cross_validate(estimator, *data, **settings)
    results = cross_validate(estimator, *data, callbacks=[recorder, ProgressBar()], **settings)
    same(expected, results)
    n = len(expected["test_score" if "test_score" in expected else list(expected)[-1]])
    folds = [("candidate-split-evaluation", i) for i in range(n)]
    assert recorder.n_setups == 1
    assert recorder.begun[0] == recorder.ended[-1] == ("cross-validation", 0)
    assert [task for task in recorder.begun if task in folds] == folds
    assert sorted(task for task in recorder.ended if task in folds) == folds


def test_what_it_returns_of_indices_and_estimators(pipe, data, recorder):
    settings = {"cv": 3, "return_indices": True, "return_estimator": True}
    expected = model_selection.cross_validate(pipe, *data, **settings)
    results = cross_validate(pipe, *data, callbacks=[recorder], **settings)
    for part in ("train", "test"):
        for mine, other in zip(results["indices"][part], expected["indices"][part], strict=True):
            np.testing.assert_array_equal(mine, other)
    for mine, other in zip(results["estimator"], expected["estimator"], strict=True):
        assert mine.__dict__.keys() == other.__dict__.keys()
        np.testing.assert_array_equal(mine.predict_proba(data[0]), other.predict_proba(data[0]))
        mine.fit(*data)  # as any other
    assert recorder.begun.count(("cross-validation", 0)) == 1


def test_a_splitter_that_is_used_up(data, recorder):
    splits = (each for each in KFold(3).split(data[0]))
    results = cross_validate(LogisticRegression(), *data, cv=splits, callbacks=[recorder])
    assert len(results["test_score"]) == 3


@pytest.mark.filterwarnings("ignore:One or more:UserWarning")
def test_folds_that_fail(data, recorder):
    X, y = np.where(np.arange(60) < 20, -1.0, 1.0)[:, None], data[1]
    with pytest.warns(FitFailedWarning, match="1 fits failed out of a total of 3"):
        expected = model_selection.cross_validate(FailsAtTimes(), X, y, cv=KFold(3))
    with (
        pytest.warns(FitFailedWarning, match="1 fits failed out of a total of 3"),
        pytest.warns(UserWarning, match="does not support callbacks"),
    ):
        results = cross_validate(FailsAtTimes(), X, y, cv=KFold(3), callbacks=[recorder])
    same(expected, results)
    assert len(recorder.ended) == 4


def test_an_estimator_that_cannot_be_scored_is_refused_as_ever(data, recorder):
    class NoScore(BaseEstimator):
        def fit(self, X, y):
            return self

    with pytest.raises(TypeError, match="should have a 'score' method"):
        cross_validate(NoScore(), *data, callbacks=[recorder])
    assert recorder.n_setups == 1


def test_metadata_are_routed(data, recorder):
    weight = np.linspace(0.5, 1.5, 60)
    with config_context(enable_metadata_routing=True):
        net = LogisticRegression().set_fit_request(sample_weight=True)
        params = {"sample_weight": weight, "groups": GROUPS}
        scoring = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        settings = {"cv": GroupKFold(2), "params": params, "scoring": scoring}
        expected = model_selection.cross_validate(net, *data, **settings)
        results = cross_validate(net, *data, callbacks=[recorder], **settings)
    same(expected, results)
    train = next(GroupKFold(2).split(*data, GROUPS))[0]
    np.testing.assert_array_equal(recorder.weights[1]["sample_weight"], weight[train])


def test_callbacks_of_the_estimator_see_one_whole(pipe, data, recorder):
    other = Recorder()
    pipe.set_callbacks(recorder)
    cross_validate(pipe, *data, cv=3, callbacks=[recorder, other])
    assert recorder.n_setups == other.n_setups == 1
    assert recorder.begun == other.begun
    assert pipe._skl_callbacks == [recorder]
    cross_validate(pipe, *data, cv=3)
    assert recorder.n_setups == 2


def test_the_estimator_stays_as_it_is(pipe, data, recorder):
    before = dict(pipe.__dict__)
    cross_validate(pipe, *data, cv=3, callbacks=[recorder])
    assert pipe.__dict__ == before


def test_a_search_within_is_one_fit_a_fold(pipe, data, recorder):
    search = model_selection.GridSearchCV(pipe, {"net__lr": [0.01, 0.1]}, cv=2)
    results = cross_validate(search, *data, cv=3, callbacks=[recorder])
    expected = model_selection.cross_validate(search, *data, cv=3)
    same(expected, results)
    assert recorder.n_setups == 1


def test_callbacks_are_callbacks(data):
    with pytest.raises(TypeError, match="FitCallback protocol"):
        cross_validate(LinearSVC(), *data, callbacks=["mlflow"])
