"""The search with Optuna."""

import inspect
import logging
import pickle
import random
import signal
import subprocess
import sys

import numpy as np
import optuna
import pytest
import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, KFold, ParameterGrid, cross_val_score

from sknn_tricks import NetClassifier
from sknn_tricks.fused import fused_training
from sknn_tricks.model_selection import FusedGridSearchCV, FusedOptunaSearchCV
from sknn_tricks.nets import MLP

RATES = {"net__lr": FloatDistribution(1e-4, 1e-1, log=True)}
SMALL = {"n_trials": 5, "batch_size": 3, "cv": 2, "random_state": 0}


class Bowl(BaseEstimator):
    """Scores best at x = 0.3, y = -0.2."""

    def __init__(self, x=0.0, y=0.0, fails=False):
        self.x, self.y, self.fails = x, y, fails

    def fit(self, X, y=None):
        if self.fails:
            raise ValueError("no")
        return self

    def score(self, X, y=None):
        return -((self.x - 0.3) ** 2) - (self.y + 0.2) ** 2


PLANE = {"x": FloatDistribution(-5, 5), "y": FloatDistribution(-5, 5)}


@pytest.fixture
def rows():
    return np.zeros((4, 1)), np.zeros(4)


@pytest.fixture
def kept(tmp_path):
    return {"storage": f"sqlite:///{tmp_path}/study.db", "study_name": "demo"}


# --- like other searches --------------------------------------------------------------------


def test_it_has_what_other_searches_have(pipe, data):
    search = FusedOptunaSearchCV(pipe, RATES, **SMALL).fit(*data)
    # the stock search of the same candidates
    values = [params["net__lr"] for params in search.cv_results_["params"]]
    stock = GridSearchCV(pipe, {"net__lr": values}, cv=2).fit(*data)
    assert set(vars(stock)) - set(vars(search)) == {"param_grid"}
    assert set(search.cv_results_) - set(stock.cv_results_) == {"trial", "pruned"}
    for name in ("mean_test_score", "rank_test_score", "split1_test_score", "param_net__lr"):
        np.testing.assert_array_equal(search.cv_results_[name], stock.cv_results_[name])
    for name in ("best_index_", "best_params_", "best_score_", "n_splits_"):
        assert getattr(search, name) == getattr(stock, name)
    np.testing.assert_array_equal(search.predict(data[0]), stock.predict(data[0]))
    assert search.study_.best_trial.number == search.best_index_
    assert search.study_.best_value == search.best_score_
    assert search.n_trials_before_ == 0
    np.testing.assert_array_equal(search.cv_results_["trial"], range(5))


def test_the_nets_of_a_batch_train_together(pipe, data, batches):
    search = FusedOptunaSearchCV(pipe, RATES, **SMALL).fit(*data)
    assert batches == [6, 4, 1]
    assert search.report_.n_nets == 11
    with fused_training() as fused:
        assert search.fit(*data).report_ is fused.report


def test_it_looks_like_other_searches(pipe, data):
    search = FusedOptunaSearchCV(pipe, RATES, **SMALL)
    assert clone(search).get_params()["n_trials"] == 5
    assert repr(search).startswith("FusedOptunaSearchCV(")
    assert "net__lr" in search._repr_html_()
    assert inspect.getdoc(FusedOptunaSearchCV.fit) == inspect.getdoc(GridSearchCV.fit)
    ours, theirs = (
        set(inspect.signature(cls).parameters) for cls in (FusedOptunaSearchCV, FusedGridSearchCV)
    )
    assert theirs - ours == {"param_grid"}
    again = pickle.loads(pickle.dumps(search.fit(*data)))
    assert len(again.study_.trials) == 5
    np.testing.assert_array_equal(again.predict(data[0]), search.predict(data[0]))


def test_without_refit(pipe, data):
    search = FusedOptunaSearchCV(pipe, RATES, refit=False, **SMALL).fit(*data)
    assert search.best_params_ == search.study_.best_params
    assert not hasattr(search, "best_estimator_")


def test_nested(pipe, data):
    search = FusedOptunaSearchCV(pipe, RATES, **SMALL)
    with fused_training() as fused:
        scores = cross_val_score(search, *data, cv=2)
    assert fused.report.n_nets == 22
    np.testing.assert_array_equal(scores, cross_val_score(search, *data, cv=2))


def test_a_cache_is_used(pipe, data, tmp_path):
    search = FusedOptunaSearchCV(pipe, RATES, cache=tmp_path, **SMALL).fit(*data)
    assert search.report_.n_cached == 0
    assert search.fit(*data).report_.n_cached == 11


# --- what is searched -----------------------------------------------------------------------


def zero(weight, gain, generator):
    weight.zero_()


def test_every_kind_of_parameter(pipe, data):
    space = {
        "net__lr": FloatDistribution(1e-4, 1e-1, log=True),
        "net__batch_size": IntDistribution(8, 64),
        "net__module__activation": CategoricalDistribution(["relu", "tanh"]),
        "net__module__hidden": [(4,), (8, 8)],
        "net__weight_decay": np.array([0.0, 0.1]),
        "scale": ["passthrough", clone(pipe["scale"])],
        "net__init": [zero, "auto"],
    }
    search = FusedOptunaSearchCV(pipe, space, **SMALL).fit(*data)
    best = search.best_params_
    assert best.keys() == space.keys()
    assert best["net__module__hidden"] in [(4,), (8, 8)]
    assert search.best_estimator_["net"].module.hidden == best["net__module__hidden"]
    choices = search.study_.trials[0].distributions["net__module__hidden"].choices
    assert choices == ("0: (4,)", "1: (8, 8)")
    assert search.study_.trials[0].distributions["net__init"].choices == ("0: zero", "1: 'auto'")


def test_it_finds_an_optimum_in_fewer_trials_than_chance(rows):
    def n_needed(seed, sampler):
        search = FusedOptunaSearchCV(
            Bowl(), PLANE, n_trials=64, batch_size=8, cv=2, sampler=sampler, random_state=seed
        )
        scores = search.fit(*rows).cv_results_["mean_test_score"]
        return np.append(np.flatnonzero(scores > -0.3), 64)[0]

    learns = [n_needed(seed, None) for seed in range(7)]
    draws = [n_needed(seed, optuna.samplers.RandomSampler(seed)) for seed in range(7)]
    assert np.median(learns) < 40
    assert np.median(learns) < np.median(draws)


def test_a_grid_that_is_exhausted_ends_the_search(rows):
    grid = {"x": [0, 1, 2], "y": [0, 1]}
    sampler = optuna.samplers.GridSampler(grid, seed=0)
    search = FusedOptunaSearchCV(Bowl(), grid, sampler=sampler, batch_size=3, cv=2).fit(*rows)
    found = [tuple(sorted(params.items())) for params in search.cv_results_["params"]]
    assert sorted(found) == sorted(tuple(sorted(p.items())) for p in ParameterGrid(grid))


def test_a_timeout_lets_the_batch_end(rows):
    search = FusedOptunaSearchCV(Bowl(), PLANE, timeout=1e-9, batch_size=3, cv=2).fit(*rows)
    assert len(search.study_.trials) == 3


# --- seeds, and what is left of a fit -------------------------------------------------------


def test_the_same_seed_finds_the_same(pipe, data, found, assert_same):
    search = FusedOptunaSearchCV(pipe, RATES, n_trials=14, batch_size=6, cv=2, random_state=1)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    first = found(search.fit(*data), data[0])
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    assert before == after
    assert_same(first, found(search.set_params(n_jobs=2).fit(*data), data[0]))
    other = clone(search).set_params(random_state=2).fit(*data)
    assert other.cv_results_["params"] != first["params"]


def test_a_sampler_of_ones_own_stays_as_it_is(rows):
    sampler = optuna.samplers.RandomSampler(seed=0)
    search = FusedOptunaSearchCV(Bowl(), PLANE, sampler=sampler, **SMALL)
    first, again = (search.fit(*rows).cv_results_["params"] for _ in range(2))
    assert first == again


def test_it_is_silent(rows, capfd):
    logger, said = logging.getLogger("optuna"), []
    listener = logging.Handler()
    listener.emit = lambda record: said.append(record.getMessage())
    logger.addHandler(listener)
    level = logger.level
    search = FusedOptunaSearchCV(Bowl(), PLANE, **SMALL).fit(*rows)
    assert capfd.readouterr() == ("", "")
    assert said == []
    search.set_params(verbose=1).fit(*rows)
    assert "Fitting 2 folds for each of 3 candidates" in capfd.readouterr().out
    assert said == ["A new study created in memory with name: sknn_tricks"]
    assert logger.level == level
    logger.removeHandler(listener)


def test_what_raises_leaves_no_trial_open(rows, kept):
    space = {**PLANE, "fails": [True]}
    search = FusedOptunaSearchCV(Bowl(), space, error_score="raise", **kept, **SMALL)
    with pytest.raises(ValueError, match="no"):
        search.fit(*rows)
    assert not hasattr(search, "cv_results_")
    study = optuna.load_study(**kept)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL] * 3


# --- studies that go on ---------------------------------------------------------------------

SCRIPT = """
import json, os, signal, sys
from optuna.distributions import FloatDistribution
from sklearn.datasets import make_classification
from sknn_tricks import NetClassifier
from sknn_tricks.model_selection import FusedOptunaSearchCV
from sknn_tricks.nets import MLP

calls = []

def score(net, X, y):
    calls.append(net)
    if len(calls) == 16:  # of the second batch, which has the scores 13 to 24
        os.kill(os.getpid(), signal.SIGKILL)
    return net.score(X, y)

net = NetClassifier(MLP((8,)), max_epochs=2, random_state=0)
rates = {"lr": FloatDistribution(1e-4, 1e-1, log=True), "module__hidden": [(4,), (8,)]}
search = FusedOptunaSearchCV(
    net, rates, n_trials=16, batch_size=6, cv=2, scoring=score, random_state=0,
    storage=sys.argv[1], study_name="demo",
)
search.fit(*make_classification(60, 4, n_informative=3, n_redundant=0, random_state=0))
"""


def score(net, X, y):
    return net.score(X, y)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_study_goes_on_after_a_kill(kept, data, found, assert_same):
    killed = subprocess.run([sys.executable, "-c", SCRIPT, kept["storage"]], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    states = [trial.state for trial in optuna.load_study(**kept).trials]
    assert states == [TrialState.COMPLETE] * 6 + [TrialState.RUNNING] * 6

    net = NetClassifier(MLP((8,)), max_epochs=2, random_state=0)
    rates = {"lr": FloatDistribution(1e-4, 1e-1, log=True), "module__hidden": [(4,), (8,)]}
    search = FusedOptunaSearchCV(
        net, rates, n_trials=16, batch_size=6, cv=2, scoring=score, random_state=0
    )
    undisturbed = found(search.fit(*data), data[0])
    search.set_params(**kept).fit(*data)
    assert search.n_trials_before_ == 6
    assert search.report_.n_nets == 2 * 10 + 1
    states = [trial.state for trial in search.study_.trials]
    assert states == [TrialState.COMPLETE] * 6 + [TrialState.FAIL] * 6 + [TrialState.COMPLETE] * 10
    assert len(search.cv_results_["params"]) == 16
    of_trials = {"trial": undisturbed["trial"]}
    assert_same(undisturbed, {**found(search, data[0]), **of_trials})

    # all is there
    again = found(search.fit(*data), data[0])
    assert search.n_trials_before_ == 16
    assert search.report_.n_nets == 2 + 1
    assert_same(undisturbed, {**again, **of_trials})


def test_what_was_evaluated_but_not_yet_told_counts(rows, kept):
    search = FusedOptunaSearchCV(Bowl(), PLANE, **kept, **SMALL).fit(*rows)
    trial = optuna.load_study(**kept).ask(PLANE)
    folds = [{"test_scores": 1.0, "fit_time": 0.0, "score_time": 0.0}] * 2
    trial.set_user_attr("sknn_tricks:result", {"score": 1.0, "pruned": False, "folds": folds})
    search.set_params(n_trials=7).fit(*rows)
    assert [trial.state for trial in search.study_.trials] == [TrialState.COMPLETE] * 7
    assert search.best_index_ == 5
    assert search.best_score_ == search.study_.best_value == 1.0
    assert search.best_params_ == trial.params


def test_the_best_may_be_of_an_earlier_fit(rows, kept):
    near = {name: FloatDistribution(-1, 1) for name in PLANE}
    far = {name: FloatDistribution(5, 9) for name in PLANE}
    best = FusedOptunaSearchCV(Bowl(), near, **kept, **SMALL).fit(*rows).best_params_
    search = FusedOptunaSearchCV(Bowl(), far, **kept, **SMALL).set_params(n_trials=9).fit(*rows)
    assert search.best_params_ == best
    assert search.best_index_ < search.n_trials_before_ == 5
    assert len(search.study_.trials) == 9


def test_a_sampler_of_ones_own_goes_on(rows, kept):
    search = FusedOptunaSearchCV(
        Bowl(), PLANE, sampler=optuna.samplers.RandomSampler(seed=0), **kept, **SMALL
    ).fit(*rows)
    search.set_params(n_trials=10).fit(*rows)
    assert len({params["x"] for params in search.cv_results_["params"]}) == 10


def test_trials_of_others_teach_but_have_no_row(rows, kept):
    study = optuna.create_study(direction="maximize", **kept)
    study.enqueue_trial({"x": 0.3, "y": -0.2})
    study.add_trial(
        optuna.create_trial(params={"x": 0.0}, distributions={"x": PLANE["x"]}, value=1.0)
    )
    search = FusedOptunaSearchCV(Bowl(), PLANE, **kept, **SMALL).fit(*rows)
    assert search.best_params_ == {"x": 0.3, "y": -0.2}
    assert len(search.cv_results_["params"]) == 5
    assert len(search.study_.trials) == 6


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"cv": 3},
            "The study 'demo' was made for another search. Expected {'n_splits': 2, "
            "'scoring': None, 'optimised': 'score', 'return_train_score': False}; got "
            "{'n_splits': 3, 'scoring': None, 'optimised': 'score', 'return_train_score': False}. "
            "Give the new search a study_name of its own.",
        ),
        (
            {"param_distributions": {"x": [1, 2]}},
            "The study has drawn x from something else before. Expected FloatDistribution("
            "high=5.0, log=False, low=-5.0, step=None); got CategoricalDistribution("
            "choices=(1, 2)). Give the new search a study_name of its own.",
        ),
        (
            {"study_name": "other"},
            "The study 'other' was made for something else. Expected a study that maximizes one "
            "score; got one with the directions minimize. Give the search a study_name of its own.",
        ),
    ],
)
def test_a_study_of_something_else_is_refused(settings, text, rows, kept):
    search = FusedOptunaSearchCV(Bowl(), PLANE, **kept, **SMALL).fit(*rows)
    optuna.create_study(storage=kept["storage"], study_name="other")
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the text follows
        search.set_params(**settings).fit(*rows)
    assert str(raised.value) == text


# --- scores ---------------------------------------------------------------------------------


def both(net, X, y):
    return {"right": net.score(X, y), "wrong": 1 - net.score(X, y)}


@pytest.mark.parametrize("scoring", [["accuracy", "neg_log_loss"], both])
def test_several_metrics(scoring, pipe, data):
    metric = "wrong" if scoring is both else "neg_log_loss"
    search = FusedOptunaSearchCV(pipe, RATES, scoring=scoring, refit=metric, **SMALL).fit(*data)
    means = search.cv_results_[f"mean_test_{metric}"]
    assert [trial.value for trial in search.study_.trials] == means.tolist()
    assert search.best_score_ == means.max()


@pytest.mark.parametrize("refit", [True, False, "f1", len])
@pytest.mark.parametrize("scoring", [["accuracy", "r2"], both])
def test_it_must_be_told_which_metric_counts(refit, scoring, pipe, data):
    search = FusedOptunaSearchCV(pipe, RATES, scoring=scoring, refit=refit, **SMALL)
    names = "'right', 'wrong'" if scoring is both else "'accuracy', 'r2'"
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the text follows
        search.fit(*data)
    assert str(raised.value) == (
        "Of several metrics, refit names the one that is optimised. "
        f"Expected one of {names}; got refit={refit!r}. Set refit to the metric that counts."
    )


def test_candidates_without_a_score_fail(rows, kept):
    space = {**PLANE, "fails": [True, False]}
    search = FusedOptunaSearchCV(Bowl(), space, n_trials=8, batch_size=8, cv=2, random_state=0)
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        search.set_params(**kept).fit(*rows)
    failed = [params["fails"] for params in search.cv_results_["params"]]
    assert 0 < sum(failed) < 8
    assert failed == [trial.state == TrialState.FAIL for trial in search.study_.trials]
    assert not search.best_params_["fails"]
    # they count in a fit that goes on
    with pytest.warns(UserWarning, match="non-finite"):
        search.set_params(n_trials=9, random_state=3).fit(*rows)
    assert len(search.study_.trials) == 9
    assert np.isnan(search.cv_results_["mean_test_score"][:8]).tolist() == failed


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"param_distributions": {}},
            "param_distributions is empty. Expected parameters and what to draw them from; got {}. "
            "Name a parameter, such as {'lr': FloatDistribution(1e-4, 1e-1, log=True)}.",
        ),
        (
            {"param_distributions": {"x": loguniform(1e-4, 1e-1)}},
            "param_distributions['x'] is nothing that Optuna can draw from. Expected a list of "
            "values or a distribution of optuna.distributions; got a distribution of scipy. Write "
            "loguniform(1e-4, 1e-1) as FloatDistribution(1e-4, 1e-1, log=True), and randint(1, 9) "
            "as IntDistribution(1, 8).",
        ),
        (
            {"param_distributions": {"x": []}},
            "param_distributions['x'] is nothing that Optuna can draw from. Expected a list of "
            "values or a distribution of optuna.distributions; got []. Write loguniform(1e-4, "
            "1e-1) as FloatDistribution(1e-4, 1e-1, log=True), and randint(1, 9) as "
            "IntDistribution(1, 8).",
        ),
        (
            {"storage": "sqlite:///study.db"},
            "A study in a storage needs a name to be found again by. Expected study_name='...'; "
            "got study_name=None with storage='sqlite:///study.db'. Give it a name.",
        ),
        (
            {"sampler": "tpe"},
            "sampler is nothing that Optuna can use. Expected an instance of a class of "
            "optuna.samplers, or None; got 'tpe'. Make one, or leave sampler out.",
        ),
        (
            {"pruner": "median"},
            "pruner is nothing that Optuna can use. Expected an instance of a class of "
            "optuna.pruners, or None; got 'median'. Make one, or leave pruner out.",
        ),
        (
            {"cv": KFold(2, shuffle=True)},
            "cv gives other folds each time it is asked, and batches could not be compared. "
            "Expected a cv that does not shuffle, or whose random_state is an int; got KFold("
            "n_splits=2, random_state=None, shuffle=True). Set its random_state to an int.",
        ),
        (
            {"n_trials": 0},
            "The 'n_trials' parameter of FusedOptunaSearchCV must be an int in the range [1, inf). "
            "Got 0 instead.",
        ),
        (
            {"timeout": 0},
            "The 'timeout' parameter of FusedOptunaSearchCV must be a float in the range (0.0, "
            "inf) or None. Got 0 instead.",
        ),
    ],
)
def test_what_is_refused(settings, text, rows):
    search = FusedOptunaSearchCV(Bowl(), PLANE, cv=2).set_params(**settings)
    with pytest.raises((TypeError, ValueError)) as raised:
        search.fit(*rows)
    assert str(raised.value) == text


def test_without_optuna(rows, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError) as raised:
        FusedOptunaSearchCV(Bowl(), {"x": [1]}).fit(*rows)
    assert str(raised.value) == (
        "FusedOptunaSearchCV needs Optuna. Expected the package optuna; got none. "
        'Install it with pip install "sknn-tricks[optuna]".'
    )
