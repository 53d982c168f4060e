"""Each search finds the same: stock, stock in a block, and with our class."""

from types import SimpleNamespace

import numpy as np
import pytest
import sklearn
from scipy.stats import loguniform
from sklearn import model_selection
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

import sknn_tricks.model_selection as ours
from sknn_tricks.fused import fused_training

KINDS = ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")
STOCK = SimpleNamespace(**{kind: getattr(model_selection, kind) for kind in KINDS})
FUSED = SimpleNamespace(**{kind: getattr(ours, f"Fused{kind}") for kind in KINDS})
RATES = {"net__lr": [0.001, 0.1]}


@pytest.fixture
def check(outcome, found, assert_same, batches, data):
    """Return a function that runs a search three times and compares."""

    def run(make, X=None, y=None, alone=False, **fit_params):
        X, y = data[0] if X is None else X, data[1] if y is None else y
        fit = lambda kit: outcome(lambda: make(kit).fit(X, y, **fit_params))  # noqa: E731
        expected, warned = fit(STOCK)
        assert not batches
        with fused_training():
            in_block, warned_in_block = fit(STOCK)
        ours, warned_by_ours = fit(FUSED)
        assert alone or max(batches) > 1
        assert warned == warned_in_block == warned_by_ours
        if isinstance(expected, str):
            assert expected == in_block == ours
            return expected, warned
        assert_same(found(expected, X), found(in_block, X))
        assert_same(found(expected, X), found(ours, X))
        return ours, warned

    return run


def test_a_grid(check, pipe, batches):
    grid = {"net__lr": [0.001, 0.1], "net__weight_decay": [0.0, 0.1]}
    check(lambda kit: kit.GridSearchCV(pipe, grid, cv=3))
    assert batches == [12, 1] * 2


def test_a_list_of_grids(check, pipe):
    grids = [RATES, {"net__module__hidden": [(4,), (4, 4)], "net__max_epochs": [1, 2]}]
    check(lambda kit: kit.GridSearchCV(pipe, grids, cv=2))


def test_several_scores(check, pipe):
    scoring = ["accuracy", "neg_log_loss"]
    check(lambda kit: kit.GridSearchCV(pipe, RATES, cv=2, scoring=scoring, refit="neg_log_loss"))


def test_a_callable_chooses(check, pipe):
    refit = lambda results: int(np.argmin(results["mean_test_score"]))  # noqa: E731
    check(lambda kit: kit.GridSearchCV(pipe, RATES, cv=2, refit=refit))


def test_no_refit(check, pipe):
    check(lambda kit: kit.GridSearchCV(pipe, RATES, cv=2, refit=False))


def test_scores_of_the_training_rows(check, pipe):
    check(lambda kit: kit.GridSearchCV(pipe, RATES, cv=2, return_train_score=True))


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_candidate_diverges(check, pipe):
    grid = {"net__lr": [0.01, 1e30], "net__optimizer": ["sgd"], "net__max_epochs": [4]}
    search, warned = check(lambda kit: kit.GridSearchCV(pipe, grid, cv=2))
    np.testing.assert_array_equal(np.isnan(search.cv_results_["mean_test_score"]), [False, True])
    assert "2 fits failed out of a total of 4." in warned[0][1]


def test_a_candidate_fails_before_its_net(check, pipe):
    grid = {"scale": [StandardScaler(), FunctionTransformer(_refuse)]}
    search, _ = check(lambda kit: kit.GridSearchCV(pipe, grid, cv=2, error_score=-1))
    assert search.cv_results_["mean_test_score"][1] == -1


def _refuse(X):
    raise ValueError("no such thing")


def test_all_fail(check, pipe):
    check(lambda kit: kit.GridSearchCV(pipe, {"net__lr": [-1, -2]}, cv=2), alone=True)


def test_a_failure_is_raised(check, pipe):
    grid = {"net__lr": [0.1, -1]}
    message, _ = check(lambda kit: kit.GridSearchCV(pipe, grid, cv=2, error_score="raise"), alone=1)
    assert message.startswith("InvalidParameterError: ")


def test_a_scorer_fails_at_times(check, pipe):
    check(lambda kit: kit.GridSearchCV(pipe, RATES, cv=2, scoring=_moody))


def test_one_of_several_scorers_fails(check, pipe):
    scoring = {"fine": "accuracy", "moody": _moody}
    check(lambda kit: kit.GridSearchCV(pipe, RATES, cv=2, scoring=scoring, refit="fine"))


def _moody(estimator, X, y):
    if estimator["net"].lr == 0.1:
        raise ValueError("not today")
    return accuracy_score(y, estimator.predict(X))


def test_groups(check, pipe):
    groups = np.arange(60) % 5
    check(lambda kit: kit.GridSearchCV(pipe, RATES, cv=GroupKFold(3)), groups=groups)


def test_sample_weight(check, net):
    weight = np.random.default_rng(0).uniform(0.5, 1.5, 60)
    grid = {"lr": [0.001, 0.1]}
    check(lambda kit: kit.GridSearchCV(net(), grid, cv=2), sample_weight=weight)


def test_routed_sample_weight(check, net):
    weight = np.random.default_rng(0).uniform(0.5, 1.5, 60)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = net().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        grid = {"lr": [0.001, 0.1]}
        check(lambda kit: kit.GridSearchCV(routed, grid, cv=2), sample_weight=weight)


def test_class_weight(check, net, data):
    grid = {"class_weight": [None, "balanced"]}
    check(lambda kit: kit.GridSearchCV(net(), grid, cv=2), y=(data[0][:, 0] > 0.7).astype(int))


def test_several_labels(check, net, data):
    y = (data[0][:, :3] > 0).astype(int)
    check(lambda kit: kit.GridSearchCV(net(), {"lr": [0.001, 0.1]}, cv=2), y=y)


def test_names_of_classes(check, pipe, data):
    check(lambda kit: kit.GridSearchCV(pipe, RATES, cv=2), y=np.array(["no", "yes"])[data[1]])


def test_regression(check, regressor, data):
    grid = {"lr": [0.001, 0.1], "weight_decay": [0, 0.1]}
    y = data[0] @ np.arange(4.0)
    check(lambda kit: kit.GridSearchCV(regressor(), grid, cv=2), y=y)


def test_steps_before_the_net(check, pipe):
    grid = {"scale": [StandardScaler(), MinMaxScaler(), "passthrough"]}
    check(lambda kit: kit.GridSearchCV(pipe, grid, cv=2))


def test_other_estimators_beside_nets(check, pipe, net):
    others = [LogisticRegression(), RandomForestClassifier(5, n_jobs=2, random_state=0), net()]
    check(lambda kit: kit.GridSearchCV(pipe, {"net": others}, cv=2))


def test_no_net_at_all(check):
    grid = {"C": [0.1, 1.0]}
    check(lambda kit: kit.GridSearchCV(LogisticRegression(), grid, cv=2), alone=True)


def test_early_stopping(check, net):
    grid = {"lr": [0.001, 0.5], "patience": [1, 2]}
    stopping = net(early_stopping=True, max_epochs=6)
    check(lambda kit: kit.GridSearchCV(stopping, grid, cv=2))


def test_warnings_of_training(check, pipe):
    grid = {"net__lr": [0.01, 50.0], "net__optimizer": ["sgd"], "net__max_epochs": [12]}
    _, warned = check(lambda kit: kit.GridSearchCV(pipe, grid, cv=2))
    assert {category.__name__ for category, _ in warned} >= {"ConvergenceWarning"}


def test_randomized(check, pipe):
    rates = {"net__lr": loguniform(1e-3, 1e-1), "net__module__hidden": [(4,), (8,)]}
    check(lambda kit: kit.RandomizedSearchCV(pipe, rates, n_iter=4, cv=2, random_state=0))


def test_halving(check, pipe, batches):
    grid = {"net__lr": [0.0001, 0.001, 0.01, 0.1]}
    check(lambda kit: kit.HalvingGridSearchCV(pipe, grid, cv=2, factor=2, random_state=0))
    assert batches == [8, 4, 2, 1] * 2


def test_halving_of_random_candidates_by_epochs(check, pipe):
    rates = {"net__lr": loguniform(1e-3, 1e-1)}
    check(
        lambda kit: kit.HalvingRandomSearchCV(
            pipe, rates, resource="net__max_epochs", max_resources=4, n_candidates=4, cv=2,
            factor=2, random_state=0,
        )
    )  # fmt: skip
