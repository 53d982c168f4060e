"""What the columns of a table hold: numbers, flags, dates or categories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sknn_tricks._messages import message

Table = Any  # pandas.DataFrame, which is imported where it is needed

# What pandas.api.types.infer_dtype says of columns of objects.
OBJECT_KINDS = {
    "boolean": "flags",
    "integer": "numbers",
    "floating": "numbers",
    "mixed-integer-float": "numbers",
    "decimal": "numbers",
    "date": "dates",
    "datetime": "dates",
    "datetime64": "dates",
    "timedelta": "numbers",
    "timedelta64": "numbers",
    "string": "categories",
    "mixed": "categories",
    "mixed-integer": "categories",
    "interval": "categories",
}
# A column of texts of which more than this share are different is no category.
SHARE_OF_IDS = 0.9


@dataclass
class ColumnKinds:
    """Names of columns by what they hold; each is in one of these lists, but for `with_gaps`.

    Parameters
    ----------
    numbers, flags, dates, categories, many_categories : list of str
    constant : list of str
        Columns without or with a single value.
    ids : list of str
        Columns of texts that are nearly all different.
    with_gaps : list of str
        Columns in which values are missing, but for categories.
    """

    numbers: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    many_categories: list[str] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    with_gaps: list[str] = field(default_factory=list)


def column_kinds(table: Table, max_categories: int) -> ColumnKinds:
    """Sort the columns of a table by what they hold.

    Parameters
    ----------
    table : pandas.DataFrame
    max_categories : int
        More are many.

    Returns
    -------
    ColumnKinds

    Raises
    ------
    ValueError
        If it is not clear what a column holds.
    """
    kinds = ColumnKinds()
    for name in table.columns:
        column = table[name]
        kind, n_values = _kind(column), _n_values(column)
        gaps = bool(column.isna().any())
        if n_values == 0 or (n_values == 1 and not gaps):
            kind = "constant"
        elif kind == "categories":
            kind = _kind_of_categories(n_values, int(column.count()), max_categories)
        elif gaps:
            kinds.with_gaps.append(name)
            # whether there is a value is all that such a column says
            kind = kind if n_values > 1 else "constant"
        getattr(kinds, kind).append(name)
    return kinds


def _kind_of_categories(n_values: int, n_present: int, max_categories: int) -> str:
    if n_values <= max_categories:
        return "categories"
    return "ids" if n_values > SHARE_OF_IDS * n_present else "many_categories"


def _kind(column: Any) -> str:
    import pandas as pd
    from pandas.api import types

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype | pd.StringDtype | pd.IntervalDtype):
        return "categories"
    if types.is_bool_dtype(dtype):
        return "flags"
    if types.is_datetime64_any_dtype(dtype):
        return "dates"
    if types.is_timedelta64_dtype(dtype) or (
        types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype)
    ):
        return "numbers"
    inferred = types.infer_dtype(column, skipna=True) if types.is_object_dtype(dtype) else ""
    if inferred == "empty":
        return "constant"
    if inferred not in OBJECT_KINDS:
        raise ValueError(_unclear(column))
    return OBJECT_KINDS[inferred]


def _n_values(column: Any) -> int:
    try:
        return int(column.nunique(dropna=True))
    except TypeError as error:
        raise ValueError(_unclear(column)) from error


def _unclear(column: Any) -> str:
    present = column.dropna()
    example = f", such as {present.iloc[0]!r}" if len(present) else ""
    return message(
        f"The column {column.name!r} holds what no net can use",
        expected="numbers, texts, categories, booleans, dates or durations",
        got=f"the dtype {column.dtype}{example}",
        todo="Convert or drop it",
    )
