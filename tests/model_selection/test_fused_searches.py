"""The classes and functions themselves."""

import inspect
import pickle
import time

import joblib
import numpy as np
import pytest
from joblib import parallel_config
from sklearn import model_selection
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

import sknn_tricks.model_selection as ours
from sknn_tricks.fused import fused_training
from sknn_tricks.fused.rendezvous import _backend
from sknn_tricks.model_selection import FusedGridSearchCV

CLASSES = [f"Fused{name}" for name in model_selection.__all__ if f"Fused{name}" in ours.__all__]
FUNCTIONS = [name for name in ours.__all__ if name in model_selection.__all__]
RATES = {"net__lr": [0.001, 0.1]}


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_looks_like_the_stock_one(name, pipe):
    cls, stock = getattr(ours, name), getattr(model_selection, name.removeprefix("Fused"))
    own = str(inspect.signature(cls)).replace(", cache=None)", ")")
    assert own == str(inspect.signature(stock))
    assert [*inspect.signature(cls.fit).parameters] == [*inspect.signature(stock.fit).parameters]
    search = cls(pipe, RATES, cv=3, n_jobs=2)
    assert repr(search).startswith(f"{name}(")
    assert clone(search).get_params()["cv"] == 3
    assert get_tags(search) == get_tags(stock(pipe, RATES))
    assert inspect.getdoc(cls.fit) == inspect.getdoc(GridSearchCV.fit)
    assert "net__lr" in search._repr_html_()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_looks_like_the_stock_one(name):
    function, stock = getattr(ours, name), getattr(model_selection, name)
    own = str(inspect.signature(function)).replace(", callbacks=None)", ")")
    assert own == str(inspect.signature(stock))
    assert inspect.getdoc(function).splitlines()[0] == inspect.getdoc(stock).splitlines()[0]
    assert "trained together" in function.__doc__
    assert pickle.loads(pickle.dumps(function)) is function


CALLS = {
    "cross_validate": ({"return_train_score": True, "scoring": ["accuracy", "roc_auc"]}, [3]),
    "cross_val_score": ({"scoring": "neg_log_loss"}, [3]),
    "cross_val_predict": ({"method": "predict_proba"}, [3]),
    "learning_curve": ({"train_sizes": [0.5, 0.8, 1.0]}, [9]),
    "validation_curve": ({"param_name": "net__lr", "param_range": [0.001, 0.01, 0.1]}, [9]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_return_the_same(name, pipe, data, batches):
    settings, sizes = CALLS[name]
    expected = getattr(model_selection, name)(pipe, *data, cv=3, **settings)
    result = getattr(ours, name)(pipe, *data, cv=3, **settings)
    assert batches == sizes
    if isinstance(expected, dict):
        times = ("fit_time", "score_time")
        expected, result = (
            [scores[key] for key in sorted(scores) if key not in times]
            for scores in (expected, result)
        )
    for first, second in zip(expected, result, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_fitted_search_survives_pickling(pipe, data):
    search = FusedGridSearchCV(pipe, RATES, cv=2).fit(*data)
    again = pickle.loads(pickle.dumps(search))
    assert again.report_.n_nets == search.report_.n_nets == 5
    np.testing.assert_array_equal(again.predict(data[0]), search.predict(data[0]))


def test_reports(pipe, data):
    search = FusedGridSearchCV(pipe, RATES, cv=2)
    with fused_training() as fused:
        search.fit(*data)
        GridSearchCV(pipe, RATES, cv=2, refit=False).fit(*data)
        pipe.fit(*data)
    assert search.report_ is fused.report
    assert fused.report.n_nets == 5 + 4 + 1
    assert search.fit(*data).report_.n_nets == 5


def test_what_raises_leaves_no_report(pipe, data):
    search = FusedGridSearchCV(pipe, {"net__lr": [-1]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="lr"):
        search.fit(*data)
    assert not hasattr(search, "report_")


# --- cores ----------------------------------------------------------------------------------


@pytest.fixture
def n_cores(monkeypatch):
    """How many cores each training was given."""
    numbers, train = [], _backend.train

    def spy(jobs, *, n_jobs, **settings):
        numbers.append(n_jobs)
        return train(jobs, n_jobs=n_jobs, **settings)

    monkeypatch.setattr(_backend, "train", spy)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    return numbers


@pytest.mark.parametrize(("n_jobs", "expected"), [(None, 8), (1, 1), (3, 3), (-1, 8), (-2, 7)])
def test_n_jobs_is_cores_to_train_on(n_jobs, expected, pipe, data, n_cores):
    stock = GridSearchCV(pipe, RATES, cv=2)
    FusedGridSearchCV(pipe, RATES, cv=2, n_jobs=n_jobs).fit(*data)
    with fused_training(n_jobs):
        stock.fit(*data)
    with fused_training():
        clone(stock).set_params(n_jobs=n_jobs).fit(*data)
    with parallel_config(backend="fused", **({} if n_jobs is None else {"n_jobs": n_jobs})):
        stock.fit(*data)
    if n_jobs is not None:
        with parallel_config(n_jobs=n_jobs), fused_training():
            stock.fit(*data)
    assert set(n_cores) == {expected}


def test_the_blocks_n_jobs_wins(pipe, data, n_cores):
    with fused_training(n_jobs=3):
        GridSearchCV(pipe, RATES, cv=2, n_jobs=5).fit(*data)
        FusedGridSearchCV(pipe, RATES, cv=2, n_jobs=5).fit(*data)
    assert set(n_cores) == {3}


# --- times ----------------------------------------------------------------------------------


def _slowly(X):
    time.sleep(0.02)
    return X


def test_fit_times_are_those_of_the_fits(pipe, data):
    pipe.set_params(scale=FunctionTransformer(_slowly))
    settings = {"cv": 3, "refit": False}

    def total(search):
        start = time.perf_counter()
        search.fit(*data)
        wall = time.perf_counter() - start
        times = search.cv_results_["mean_fit_time"]
        assert times.min() > 0.02
        return times.sum() * 3, wall

    grid = {"net__lr": [0.001, 0.01, 0.1]}
    spent, wall = total(FusedGridSearchCV(pipe, grid, **settings))
    assert spent < wall
    with fused_training():
        spent, wall = total(GridSearchCV(pipe, grid, **settings))
    assert spent > 2 * wall  # the stock class counts the time that a fit waits for others


def test_fit_times_of_nested_calls(pipe, data):
    pipe.set_params(scale=FunctionTransformer(_slowly))
    search = GridSearchCV(pipe, RATES, cv=2)
    start = time.perf_counter()
    times = ours.cross_validate(search, *data, cv=3)["fit_time"]
    assert times.sum() < time.perf_counter() - start
    assert times.min() > 5 * 0.02  # each has fitted five nets
