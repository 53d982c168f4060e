"""Each private name of scikit-learn that we use still does what we use it for."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold, RandomizedSearchCV

from sknn_tricks._sklearn_private import (
    BaseSearchCV,
    Interval,
    RealNotInt,
    StrOptions,
    check_sample_weight,
    safe_indexing,
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
