"""Pipelines, searches and ensembles of scikit-learn's with nets inside."""

import re

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline as SamplingPipeline
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree._tree import Tree

from sknn_tricks import NetClassifier, save
from sknn_tricks.model_selection import FusedGridSearchCV
from sknn_tricks.nets import MLP, ResMLP
from sknn_tricks.preprocessing import Whitener
from sknn_tricks.resampling import AutoSMOTE, DropOutliers, Resampled
from sknn_tricks.saving._save import to_bytes

# Two epochs on rows that are not scaled.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NAMES = np.array(["setosa", "versicolor", "virginica"])


def net(**params):
    return NetClassifier(MLP(hidden=(8,)), max_epochs=2, random_state=0, **params)


def pipe():
    return Pipeline([("scale", StandardScaler()), ("white", Whitener()), ("net", net())])


AROUND = {
    "a pipeline": pipe(),
    "a pipeline with texts for parameters": make_pipeline(
        FunctionTransformer(np.log1p), "passthrough", net()
    ),
    "a union": make_pipeline(FeatureUnion([("pca", PCA(2)), ("white", Whitener())]), net()),
    "columns": make_pipeline(
        make_column_transformer((StandardScaler(), [0, 2]), (Whitener(), slice(1, 3))), net()
    ),
    "selected columns": make_pipeline(
        SequentialFeatureSelector(net(), n_features_to_select=2, cv=2), net()
    ),
    "votes": VotingClassifier([("net", net()), ("line", LogisticRegression())], voting="soft"),
    "a bag": BaggingClassifier(net(), 2, random_state=0),
    "a stack": StackingClassifier([("net", net()), ("pipe", pipe())], cv=2),
    "calibrated, sigmoid": CalibratedClassifierCV(net(), cv=2),
    "calibrated, isotonic": CalibratedClassifierCV(net(), cv=2, method="isotonic"),
    "one against the rest": OneVsRestClassifier(net()),
    "resampled": Resampled(AutoSMOTE(random_state=0), pipe(), prior_correction=True),
    "resampled by imbalanced-learn": Resampled(SMOTE(random_state=0), net()),
    "resampled without outliers": Resampled(DropOutliers(), net()),
    "a pipeline of imbalanced-learn": SamplingPipeline([("smote", SMOTE()), ("net", net())]),
    "a search": GridSearchCV(net(), {"lr": [0.1, 0.01]}, cv=2),
    "a fused search of specs": FusedGridSearchCV(
        pipe(),
        {"net__module": [MLP(hidden=(4,)), ResMLP(width=8)], "net__lr": [0.1, 0.01]},
        scoring=["accuracy", "f1_macro"],
        refit="f1_macro",
        cv=StratifiedKFold(2, shuffle=True, random_state=0),
    ),
    "a search with a scorer": GridSearchCV(
        net(),
        {"dtype": ["float64"]},
        cv=2,
        scoring=make_scorer(fbeta_score, beta=2, average="macro"),
    ),
    "a randomised search": RandomizedSearchCV(
        net(), {"lr": loguniform(1e-3, 1e-1)}, n_iter=2, cv=2, random_state=0
    ),
}


@pytest.mark.parametrize("estimator", AROUND.values(), ids=AROUND)
def test_it_is_the_same_to_the_bit(estimator, again, iris):
    X, y = iris[0][:130], NAMES[iris[1]][:130]  # fewer of the last class, for samplers
    fitted = clone(estimator).fit(X, y)
    loaded = again(fitted)
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    address = re.compile("0x[0-9a-f]+")
    assert address.sub("", repr(loaded)) == address.sub("", repr(fitted))
    assert to_bytes(loaded) == to_bytes(fitted)


def test_a_search_keeps_its_results(again, iris):
    search = FusedGridSearchCV(
        net(), {"module": [MLP(hidden=(4,)), None], "lr": [0.1, 0.01]}, cv=2
    ).fit(*iris)
    loaded = again(search)
    assert loaded.cv_results_.keys() == search.cv_results_.keys()
    for name in ("mean_test_score", "std_test_score", "rank_test_score", "split1_test_score"):
        np.testing.assert_array_equal(loaded.cv_results_[name], search.cv_results_[name])
    assert loaded.cv_results_["param_lr"].tolist() == [0.1, 0.1, 0.01, 0.01]
    assert [repr(each["module"]) for each in loaded.cv_results_["params"]] == [
        repr(each["module"]) for each in search.cv_results_["params"]
    ]
    assert loaded.best_params_["lr"] == search.best_params_["lr"]
    assert loaded.score(*iris) == search.score(*iris)
    assert str(loaded.report_) == str(search.report_)
    # and it is a search still
    again_fitted = [clone(each).fit(*iris).best_score_ for each in (loaded, search)]
    assert again_fitted[0] == again_fitted[1]


def test_a_regressor_of_transformed_targets(again, regressor, iris):
    X, y = iris[0][:, :3], iris[0][:, 3]
    for settings in (
        {"transformer": StandardScaler()},
        {"func": np.log1p, "inverse_func": np.expm1},
    ):
        fitted = TransformedTargetRegressor(regressor(), **settings).fit(X, y)
        np.testing.assert_array_equal(again(fitted).predict(X), fitted.predict(X))


def test_a_frozen_net(again, iris):
    frozen = FrozenEstimator(net().fit(*iris))
    np.testing.assert_array_equal(
        again(frozen).predict_proba(iris[0]), frozen.predict_proba(iris[0])
    )


def test_a_chain_and_a_threshold(again, iris):
    X, y = iris
    chain = ClassifierChain(net()).fit(X, np.column_stack([y > 0, y > 1]).astype(int))
    np.testing.assert_array_equal(again(chain).predict_proba(X), chain.predict_proba(X))
    tuned = TunedThresholdClassifierCV(net(), cv=2).fit(X, (y > 0).astype(int))
    loaded = again(tuned)
    assert loaded.best_threshold_ == tuned.best_threshold_
    np.testing.assert_array_equal(loaded.predict(X), tuned.predict(X))


def test_what_is_one_object_is_one_again(again, iris):
    votes = VotingClassifier([("net", net())]).fit(*iris)
    loaded = again(votes)
    assert loaded.estimators_[0] is loaded.named_estimators_["net"]
    search = again(GridSearchCV(net(n_members=2), {"lr": [0.1]}, cv=2).fit(*iris))
    assert search.best_estimator_.net_ is search.best_estimator_.members_[0].net_


def test_estimators_without_a_net_are_saved_too(again, iris):
    line = LogisticRegression(max_iter=500).fit(*iris)
    np.testing.assert_array_equal(again(line).predict_proba(iris[0]), line.predict_proba(iris[0]))


def test_trees_need_trust(again, iris):
    votes = VotingClassifier([("net", net()), ("trees", RandomForestClassifier(2))]).fit(*iris)
    with pytest.raises(ValueError, match="holds types whose loading") as error:
        again(votes)
    assert str(error.value) == (
        "The file holds types whose loading may run code of theirs, or crash on a crafted file. "
        "Expected trusted=['sklearn.tree._tree.Tree']; got no such trust. Give this if you trust "
        "the file and know the types."
    )
    for trusted in ("sklearn.tree._tree.Tree", Tree, [Tree]):
        loaded = again(votes, trusted=trusted)
        np.testing.assert_array_equal(loaded.predict(iris[0]), votes.predict(iris[0]))


def double(X):
    return 2 * X


def test_a_function_of_the_users_in_a_step_needs_trust(again, iris):
    fitted = make_pipeline(FunctionTransformer(double), net()).fit(*iris)
    with pytest.raises(ValueError, match=r"Expected trusted=\['.*test_around\.double'\]"):
        again(fitted)
    loaded = again(fitted, trusted=[f"{double.__module__}.double"])
    np.testing.assert_array_equal(loaded.predict(iris[0]), fitted.predict(iris[0]))


def test_a_sampler_leaves_the_rows_it_found_others_with_out(again, iris):
    fitted = Resampled(SMOTE(random_state=0), net()).fit(iris[0][:120], iris[1][:120])
    assert fitted.sampler_.nn_k_._fit_X.shape == (20, 4)
    assert not hasattr(again(fitted).sampler_, "nn_k_")


class Own(LogisticRegression):
    def fit(self, X, y):
        self.inner_ = net().fit(X, y)
        return super().fit(X, y)


def test_an_unknown_estimator_with_a_net_inside_is_refused(tmp_path, iris):
    with pytest.raises(ValueError, match="has a net") as error:
        save(make_pipeline(Own(max_iter=500)).fit(*iris), tmp_path / "file")
    assert str(error.value).startswith(
        "steps of Pipeline is an estimator that is written without knowing what is inside, but "
        "has a net. Expected a Pipeline, a search or another estimator of scikit-learn around the "
        "net; got a "
    )
