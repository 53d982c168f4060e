import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sknn_tricks.preprocessing import DateFeatures


def dates(*texts, zone=None):
    return pd.DataFrame({"when": pd.to_datetime(pd.Series(texts)).dt.tz_localize(zone)})


def features(X, *parts):
    return DateFeatures(parts).fit_transform(X)


def exactly(text):
    return "^" + re.escape(text) + "$"


@settings(max_examples=50, deadline=None)
@given(seconds=st.lists(st.integers(-(10**9), 2 * 10**9), min_size=1, max_size=20))
def test_elapsed_is_seconds_since_the_first(seconds):
    X = pd.DataFrame({"when": pd.to_datetime(seconds, unit="s")})
    expected = np.array(seconds) - min(seconds)
    np.testing.assert_array_equal(features(X, "elapsed")[:, 0], expected)


@settings(max_examples=50, deadline=None)
@given(when=st.datetimes(pd.Timestamp(1900, 1, 1), pd.Timestamp(2100, 1, 1)))
@pytest.mark.parametrize("part", ["month", "weekday", "hour"])
def test_what_comes_round_lies_on_a_circle(part, when):
    assert np.hypot(*features(dates(when), part).T) == pytest.approx(1)


@pytest.mark.parametrize(
    ("part", "text", "turn"),
    [
        ("month", "2023-01-01", 0),
        ("month", "2023-07-01", 1 / 2),
        ("month", "2023-04-16", 3.5 / 12),
        ("weekday", "2024-01-01", 0),
        ("weekday", "2024-01-07 23:00", 6 / 7),
        ("hour", "2024-01-01 18:00", 3 / 4),
        ("hour", "2024-01-01 01:30:36", 1.51 / 24),
    ],
)
def test_places_on_the_circle(part, text, turn):
    expected = [[np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)]]
    np.testing.assert_allclose(features(dates(text), part), expected, atol=1e-12)


def test_december_is_next_to_january():
    new_year, eve, summer = features(dates("2023-01-01", "2023-12-31", "2023-07-01"), "month")
    assert np.linalg.norm(new_year - eve) < 0.05
    assert np.linalg.norm(new_year - summer) > 1.9


def test_missing_dates_are_nan():
    Z = DateFeatures().fit_transform(dates("2024-02-29 12:00", None))
    assert np.isfinite(Z[0]).all()
    assert np.isnan(Z[1]).all()
    assert np.isnan(DateFeatures().fit_transform(dates(None, None))).all()


def test_later_tables_count_from_the_first_date_of_fit():
    fitted = DateFeatures(["elapsed"]).fit(dates("2024-01-02", "2024-01-03"))
    np.testing.assert_array_equal(fitted.transform(dates("2024-01-01", None)), [[-86400], [np.nan]])


def test_clocks_are_read_in_the_time_zone_of_fit():
    fitted = DateFeatures(["hour"]).fit(dates("2024-01-01 06:00", zone="Asia/Tokyo"))
    same = fitted.transform(dates("2023-12-31 21:00", zone="UTC"))
    np.testing.assert_allclose(same, [[1, 0]], atol=1e-12)
    assert features(dates("2024-01-01 06:00", zone="UTC"), "hour") == pytest.approx(same)


@pytest.mark.parametrize(
    "X",
    [
        np.array([["2024-01-01"], ["2024-07-01"]], "datetime64[D]"),
        [["2024-01-01"], ["2024-07-01"]],
        pd.DataFrame({"when": [pd.Timestamp("2024-01-01").date(), pd.Timestamp("2024-07-01")]}),
    ],
)
def test_other_kinds_of_dates(X):
    assert features(X, "year", "elapsed").tolist() == [[2024, 0], [2024, 182 * 86400]]


def test_names_tables_clones_and_pickles():
    X = dates("2024-01-01", "2024-05-01").assign(then=pd.Timestamp("2020-01-01"))
    fitted = clone(DateFeatures(["year", "hour"])).set_output(transform="pandas").fit(X)
    Z = pickle.loads(pickle.dumps(fitted)).transform(X)
    names = ["when_year", "when_hour_sin", "when_hour_cos"]
    assert list(Z.columns) == [*names, *(name.replace("when", "then") for name in names)]
    assert fitted.n_features_in_ == 2
    assert list(DateFeatures(["year"]).fit(X.to_numpy()).get_feature_names_out()) == [
        "x0_year",
        "x1_year",
    ]


# --- what is said when something is wrong ---------------------------------------------------


def test_unknown_part():
    with pytest.raises(ValueError, match=re.escape("parts='years' is not known")):
        DateFeatures(["years"]).fit(dates("2024-01-01"))


@pytest.mark.parametrize("parts", [[], "year"])
def test_no_list_of_parts(parts):
    with pytest.raises(
        ValueError,
        match=exactly(
            "parts is no list of names. Expected some of 'elapsed', 'year', 'month', 'weekday', "
            f"'hour'; got {parts!r}. Give a list, for instance ['year', 'month']."
        ),
    ):
        DateFeatures(parts).fit(dates("2024-01-01"))


def test_numbers_are_no_dates():
    with pytest.raises(
        ValueError,
        match=exactly(
            "The column 'when' does not hold dates. Expected dates, or texts such as "
            "'2024-12-31'; got numbers of the dtype int64. Convert it with pandas.to_datetime, "
            "or leave it out."
        ),
    ):
        DateFeatures().fit(pd.DataFrame({"when": [1, 2]}))


def test_time_zones_of_some():
    text = (
        "The dates of the column 'when' cannot be compared with those of fit. "
        "Expected time zone UTC; got time zone None. "
        "Give both a time zone, with pandas.Series.dt.tz_localize."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        DateFeatures().fit(dates("2024-01-01", zone="UTC")).transform(dates("2024-01-01"))


def test_not_fitted_and_other_columns():
    X = dates("2024-01-01")
    with pytest.raises(NotFittedError):
        DateFeatures().transform(X)
    with pytest.raises(ValueError, match="feature names"):
        DateFeatures().fit(X).transform(X.rename(columns={"when": "then"}))


def test_a_failing_fit_changes_nothing():
    fitted = DateFeatures().fit(dates("2024-01-01"))
    with pytest.raises(ValueError, match="does not hold dates"):
        fitted.fit(pd.DataFrame({"a": [1], "b": [2]}))
    assert fitted.n_features_in_ == len(fitted.first_) == 1
