"""Dates as numbers that a net can use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from sknn_tricks._messages import lookup, message

Column = Any  # pandas.Series, which is imported where it is needed

MONTHS_A_YEAR, DAYS_A_WEEK, HOURS_A_DAY, MINUTES_AN_HOUR = 12, 7, 24, 60


def _elapsed(dates: Column, first: Any) -> list[Column]:
    return [(dates - first).dt.total_seconds()]


def _year(dates: Column, first: Any) -> list[Column]:
    return [dates.dt.year]


def _month(dates: Column, first: Any) -> list[Column]:
    done = (dates.dt.day - 1) / dates.dt.days_in_month
    return _on_circle(dates.dt.month - 1 + done, MONTHS_A_YEAR)


def _weekday(dates: Column, first: Any) -> list[Column]:
    return _on_circle(dates.dt.day_of_week, DAYS_A_WEEK)


def _hour(dates: Column, first: Any) -> list[Column]:
    seconds = MINUTES_AN_HOUR * dates.dt.minute + dates.dt.second
    return _on_circle(dates.dt.hour + seconds / MINUTES_AN_HOUR**2, HOURS_A_DAY)


def _on_circle(position: Column, period: int) -> list[Column]:
    angle = 2 * np.pi * position / period
    return [np.sin(angle), np.cos(angle)]


# What computes each part, and the endings of its columns' names.
PARTS = {
    "elapsed": (_elapsed, ["elapsed"]),
    "year": (_year, ["year"]),
    "month": (_month, ["month_sin", "month_cos"]),
    "weekday": (_weekday, ["weekday_sin", "weekday_cos"]),
    "hour": (_hour, ["hour_sin", "hour_cos"]),
}


class DateFeatures(TransformerMixin, BaseEstimator):
    """Turn dates into numbers: time that goes on, and time that comes round.

    What comes round (the month, the day of the week, the hour) is given as sine and cosine, so
    that December is next to January. Dates with a time zone are read as clocks and calendars show
    them there.

    Parameters
    ----------
    parts : sequence of str, default=("elapsed", "year", "month", "weekday", "hour")
        Which numbers, for each column of dates. ``"elapsed"``: seconds since the earliest date
        seen in `fit`. ``"year"``: the year. ``"month"``: sine and cosine of the time of the year,
        in steps of days. ``"weekday"``: of the day of the week, from Monday. ``"hour"``: of the
        time of day, in steps of seconds.

    Attributes
    ----------
    first_ : list of pandas.Timestamp
        The earliest date of each column; NaT where there was none.
    time_zones_ : list of datetime.tzinfo or None
        Of each column; dates of other zones are converted.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if `X` was a table.

    Notes
    -----
    Missing dates (NaT, None) become NaN. The numbers are float64, as seconds since a date have
    more digits than float32; put a scaler behind.

    References
    ----------
    K. V. Mardia and P. E. Jupp (2000). Directional statistics. Wiley (for points on a circle).

    Examples
    --------
    >>> import pandas as pd
    >>> from sknn_tricks.preprocessing import DateFeatures
    >>> X = pd.DataFrame({"sold": pd.to_datetime(["2024-01-01 06:00", "2024-07-01 18:00"])})
    >>> DateFeatures(parts=["hour"]).fit_transform(X).round(3)
    array([[ 1.,  0.],
           [-1., -0.]])
    >>> DateFeatures(parts=["year", "month"]).fit(X).get_feature_names_out()
    array(['sold_year', 'sold_month_sin', 'sold_month_cos'], dtype=object)
    """

    def __init__(
        self, parts: Sequence[str] = ("elapsed", "year", "month", "weekday", "hour")
    ) -> None:
        self.parts = parts

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the earliest date and the time zone of each column.

        Parameters
        ----------
        X : DataFrame or array-like of shape (N, D)
            Columns of dates: of a dtype of dates, or objects or texts that `pandas.to_datetime`
            reads.
        y : object, default=None
            Ignored.

        Returns
        -------
        DateFeatures
            Itself.

        Raises
        ------
        ValueError
            If a column does not hold dates, or `parts` has an unknown name.
        """
        self._check_parts()
        columns = _columns(X)
        validate_data(self, X, skip_check_array=True)
        self.first_ = [column.min() for column in columns]
        self.time_zones_ = [column.dt.tz for column in columns]
        return self

    def transform(self, X: Any) -> Any:
        """Return the numbers.

        Parameters
        ----------
        X : DataFrame or array-like of shape (N, n_features_in_)
            Columns of dates.

        Returns
        -------
        ndarray of shape (N, n_outputs), float64

        Raises
        ------
        ValueError
            If a column does not hold dates, or those with a time zone where there was none in
            `fit`, or the other way round.
        """
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        numbers: list[NDArray[np.float64]] = []
        for dates, first, zone in zip(_columns(X), self.first_, self.time_zones_, strict=True):
            there = _in_zone(dates, zone)
            for part in self.parts:
                compute, _ = PARTS[part]
                numbers += [np.asarray(each, np.float64) for each in compute(there, first)]
        return np.column_stack(numbers)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Name the outputs: "<column>_year", "<column>_month_sin", ...

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns, if `fit` saw none.

        Returns
        -------
        ndarray of str objects
        """
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        endings = [ending for part in self.parts for ending in PARTS[part][1]]
        return np.array([f"{name}_{ending}" for name in names for ending in endings], object)

    def _check_parts(self) -> None:
        if isinstance(self.parts, str) or not len(self.parts):
            raise ValueError(
                message(
                    "parts is no list of names",
                    expected=f"some of {', '.join(map(repr, PARTS))}",
                    got=repr(self.parts),
                    todo="Give a list, for instance ['year', 'month']",
                )
            )
        for part in self.parts:
            lookup(part, PARTS, "parts")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags


def _columns(X: Any) -> list[Column]:
    """Return the columns of a table or array, each of a dtype of dates."""
    import pandas as pd

    table = X if hasattr(X, "iloc") else pd.DataFrame(np.asarray(X))
    return [_as_dates(table.iloc[:, i]) for i in range(table.shape[1])]


def _as_dates(column: Column) -> Column:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    try:
        if pd.api.types.is_numeric_dtype(column.dtype):
            raise TypeError(f"numbers of the dtype {column.dtype}")
        return pd.to_datetime(column)
    except (TypeError, ValueError) as error:
        raise ValueError(
            message(
                f"The column {column.name!r} does not hold dates",
                expected="dates, or texts such as '2024-12-31'",
                got=str(error),
                todo="Convert it with pandas.to_datetime, or leave it out",
            )
        ) from error


def _in_zone(dates: Column, zone: Any) -> Column:
    if (dates.dt.tz is None) != (zone is None) and dates.notna().any():
        raise ValueError(
            message(
                f"The dates of the column {dates.name!r} cannot be compared with those of fit",
                expected=f"time zone {zone}",
                got=f"time zone {dates.dt.tz}",
                todo="Give both a time zone, with pandas.Series.dt.tz_localize",
            )
        )
    if dates.dt.tz is None:
        return dates.dt.tz_localize(zone)
    return dates.dt.tz_convert(zone)


def show_hours(X: Any) -> bool:
    """Whether any of the dates is at another time than midnight.

    Parameters
    ----------
    X : DataFrame of shape (N, D)

    Returns
    -------
    bool
    """
    columns = [column.dropna() for column in _columns(X)]
    return any(bool((column != column.dt.normalize()).any()) for column in columns)
