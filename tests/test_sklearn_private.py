"""Each private name of scikit-learn that we use still does what we use it for."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, ProgressBar, with_callbacks
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    GroupShuffleSplit,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
)

from sknn_tricks._sklearn_private import (
    BaseSearchCV,
    Interval,
    RealNotInt,
    RecordedSplits,
    StrOptions,
    check_sample_weight,
    has_epoch_listeners,
    record_splits,
    safe_indexing,
    stop_recording_splits,
    yields_constant_splits,
)


@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV])
def test_searches_have_one_base(search):
    assert issubclass(search, BaseSearchCV)


@pytest.mark.parametrize("value", [0, "car"])
def test_constraints_are_checked_by_the_base_estimator(value):
    class Holder(BaseEstimator):
        _parameter_constraints = {  # noqa: RUF012
            "share": [Interval(RealNotInt, 0, 1, closed="neither"), StrOptions({"auto"})]
        }

        def __init__(self, share):
            self.share = share

    Holder(0.5)._validate_params()
    Holder("auto")._validate_params()
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the text follows
        Holder(value)._validate_params()
    assert str(raised.value) == (
        "The 'share' parameter of Holder must be a float in the range (0.0, 1.0) or a str among "
        f"{{'auto'}}. Got {value!r} instead."
    )


def test_sample_weights_are_checked():
    X = np.zeros((2, 1))
    assert check_sample_weight([1, 2], X, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="Negative values"):
        check_sample_weight([1, -1], X, ensure_non_negative=True)


def test_it_is_known_which_cv_gives_the_same_folds_each_time():
    assert yields_constant_splits(KFold(2))
    assert yields_constant_splits(KFold(2, shuffle=True, random_state=0))
    assert not yields_constant_splits(KFold(2, shuffle=True))


@pytest.mark.parametrize("data", [["a", "b", "c"], np.array(["a", "b", "c"])])
def test_rows_are_taken_from_what_they_are_in(data):
    taken = safe_indexing(data, np.array([2, 0, 0]))
    assert type(taken) is type(data)
    assert list(taken) == ["c", "a", "a"]


def test_rows_of_a_table_keep_their_names():
    table = pd.DataFrame({"x": [1, 2, 3]}, index=["a", "b", "c"])
    assert safe_indexing(table, np.array([2, 0])).index.tolist() == ["c", "a"]


# --- the splits of a search -------------------------------------------------------------------


class _Watched(GridSearchCV):
    """A grid search whose splits are recorded from the moment that a callback hears of them."""

    def _run_search(self, evaluate_candidates, callback_ctx=None):
        self.recorded = record_splits(self)
        assert record_splits(self) is self.recorded  # not recorded twice
        super()._run_search(evaluate_candidates, callback_ctx=callback_ctx)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_splits_are_recorded_as_the_search_saw_them(n_jobs):
    X, y, groups = np.arange(24.0)[:, None], np.arange(24) % 2, np.arange(24) // 4
    cv = GroupShuffleSplit(3)  # other splits each time, and only with groups
    search = _Watched(Rows(), {"note": [0]}, cv=cv, scoring=told_rows, n_jobs=n_jobs)
    search.fit(X, y, groups=groups)

    sums = [X[test].sum() for _, test in search.recorded.splits]
    assert [search.cv_results_[f"split{i}_test_score"][0] for i in range(3)] == sums
    assert search.recorded.get_n_splits(X, y, groups) == 3
    stop_recording_splits(search)
    assert search._checked_cv_orig is cv


def test_a_pickled_record_is_the_splitter():
    cv = KFold(3)
    again = pickle.loads(pickle.dumps(RecordedSplits(cv)))
    assert type(again) is KFold
    assert repr(again) == repr(cv)


def test_what_does_not_split_is_not_recorded():
    assert record_splits(KFold()) is None


class Rows(BaseEstimator):
    def __init__(self, note=None):
        self.note = note

    def fit(self, X, y):
        return self


def told_rows(estimator, X, y):
    return X.sum()


@pytest.mark.parametrize(("listens", "expected"), [(None, True), (True, True), (False, False)])
def test_callbacks_may_say_that_they_do_not_listen_to_epochs(listens, expected):
    class Quiet:
        setup = teardown = on_fit_task_begin = on_fit_task_end = lambda *_, **__: None
        if listens is not None:
            listens_to_epochs = listens

    class Fitted(CallbackSupportMixin, BaseEstimator):
        @with_callbacks
        def fit(self):
            self.found = has_epoch_listeners(self._init_callback_context())
            return self

    assert not Fitted().fit().found
    assert Fitted().set_callbacks(Quiet()).fit().found == expected
    assert Fitted().set_callbacks(Quiet(), ProgressBar()).fit().found
