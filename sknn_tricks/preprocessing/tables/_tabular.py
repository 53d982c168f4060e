"""Mixed tables as numbers: scikit-learn's transformers, put together for what the columns hold."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.preprocessing import (
    OneHotEncoder,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)

from sknn_tricks._messages import lookup, message
from sknn_tricks.preprocessing.scalers._robust_scaler import RobustScalerND
from sknn_tricks.preprocessing.tables._column_kinds import ColumnKinds, Table, column_kinds
from sknn_tricks.preprocessing.tables._dates import DateFeatures, show_hours
from sknn_tricks.preprocessing.tables._table_steps import (
    floats,
    imputed,
    missing,
    texts,
    to_float32,
)


def _robust(n_rows: int) -> Any:
    return RobustScalerND(smooth_clip=3.0)


def _standard(n_rows: int) -> Any:
    return StandardScaler()


def _quantile(n_rows: int) -> Any:
    # no more than half of the rows, as a fold has fewer than the table
    n_quantiles = min(1000, n_rows // 2 + 1)
    return QuantileTransformer(
        n_quantiles=n_quantiles, output_distribution="normal", subsample=None
    )


SCALERS: dict[str, Callable[[int], Any]] = {
    "robust": _robust,
    "standard": _standard,
    "quantile": _quantile,
}


def tabular_preprocessor(
    df: Table,
    *,
    numeric: Any = "robust",
    max_categories: int = 20,
    min_frequency: int | float | None = None,
    many_categories: str = "target",
    random_state: int | None = 0,
) -> ColumnTransformer:
    """Make the step of a pipeline that turns a mixed table into numbers for a net.

    Looks at the columns, their dtypes and values, and puts scikit-learn's transformers together
    for them. Nothing is learned from `df` but what kind of column each is: the result is not
    fitted, so it may be cross-validated with the net behind it.

    =================  ==========================================================================
    step               columns, and what becomes of them
    =================  ==========================================================================
    numbers            numbers and durations (in seconds): the median for missing ones, scaled
    flags              booleans: 0 or 1, the more frequent one for missing ones
    dates              `DateFeatures`, the median for missing ones, scaled; hours if there are any
    categories         texts and categories: one output for each, also for missing ones
    many_categories    those of more than `max_categories`: `TargetEncoder`, scaled
    missing            of the first three, where values are missing in `df`: 1 where they are
    left_out           dropped, see below
    =================  ==========================================================================

    Left out are columns without values or with a single one (where that is missing in some rows,
    ``missing`` says so), and, with a warning, columns of texts more than nine tenths of
    which are different: names and numbers of orders are no categories.

    Parameters
    ----------
    df : pandas.DataFrame of shape (N, D)
        The features, without the target. Columns have names that are texts. The order of
        ordered categories is not used; texts of dates are texts, until `pandas.to_datetime`.
    numeric : {"robust", "standard", "quantile"} or transformer, default="robust"
        How numbers are scaled. ``"robust"``: by median and quartiles, and smoothly clipped to
        (-3, 3), with `RobustScalerND`. ``"standard"``: to mean 0 and standard deviation 1.
        ``"quantile"``: to a normal distribution, whatever theirs is. A transformer is cloned.
    max_categories : int, default=20
        A column of more categories is one of ``many_categories``.
    min_frequency : int or float or None, default=None
        Categories of fewer rows (a float: of a smaller share of them) become one, which also
        takes those that `fit` has not seen. None: all are kept, and unseen ones become zeros.
    many_categories : {"target", "one_hot"}, default="target"
        What becomes of columns of many categories. ``"target"``: the mean target of each, cross
        fitted, a number for each class where there are more than two; needs a target of one
        column. ``"one_hot"``: the most frequent ones as categories, the others as one.
    random_state : int or None, default=0
        Seed of the folds in which targets are encoded. None draws from numpy's global state.

    Returns
    -------
    sklearn.compose.ColumnTransformer
        Not fitted; its `transform` gives float32 of shape (N, n_outputs).

    Raises
    ------
    ValueError
        If a parameter is not valid, `df` is no table with named columns, a column holds what is
        none of the above, or nothing is left of it.

    Warns
    -----
    UserWarning
        If columns of texts are left out since they are nearly all different.

    References
    ----------
    D. Holzmueller, L. Grinsztajn and I. Steinwart (2024). Better by default: strong pre-tuned
    MLPs and boosted trees on tabular data. NeurIPS (for robust scaling with smooth clipping).

    D. Micci-Barreca (2001). A preprocessing scheme for high-cardinality categorical attributes in
    classification and prediction problems. SIGKDD Explorations 3(1), 27-32 (for target encoding).

    Examples
    --------
    >>> import pandas as pd
    >>> from sknn_tricks.preprocessing import tabular_preprocessor
    >>> df = pd.DataFrame({"rooms": [2.0, None, 3.0, 5.0], "town": ["Ulm", "Bonn", None, "Ulm"],
    ...                    "garden": [True, False, True, True], "country": "D"})
    >>> prepare = tabular_preprocessor(df)
    >>> prepare.fit_transform(df).dtype
    dtype('float32')
    >>> for name in prepare.get_feature_names_out():
    ...     print(name)
    numbers__rooms
    flags__garden
    categories__town_Bonn
    categories__town_Ulm
    categories__town_missing
    missing__rooms_missing

    In a pipeline: ``Pipeline([("prepare", tabular_preprocessor(df)), ("net", NetClassifier())])``.
    """
    _check_table(df)
    _check_max_categories(max_categories)
    scaler = _scaler(numeric, len(df))
    kinds = column_kinds(df, max_categories)
    encode_many = lookup(many_categories, ENCODERS, "many_categories")
    one_hot = OneHotEncoder(
        min_frequency=min_frequency,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
        dtype=np.float32,
    )
    dates = DateFeatures(("elapsed", "year", "month", "weekday", "hour"))
    if not show_hours(df[kinds.dates]):
        dates.set_params(parts=dates.parts[:-1])
    steps = {
        "numbers": imputed(floats(), clone(scaler)),
        "flags": to_float32(convert=floats(), impute=_most_frequent()),
        "dates": imputed(dates, clone(scaler)),
        "categories": to_float32(texts=texts(), encode=one_hot),
        "many_categories": encode_many(one_hot, max_categories, scaler, random_state),
        "missing": missing(),
    }
    _warn_of_ids(df, kinds.ids)
    return _put_together(steps, kinds)


def _target(one_hot: Any, max_categories: int, scaler: Any, random_state: int | None) -> Any:
    folds = KFold(5, shuffle=True, random_state=random_state)
    return to_float32(texts=texts(), encode=TargetEncoder(cv=folds), scale=clone(scaler))


def _one_hot(one_hot: Any, max_categories: int, scaler: Any, random_state: int | None) -> Any:
    return to_float32(
        texts=texts(), encode=clone(one_hot).set_params(max_categories=max_categories)
    )


ENCODERS = {"target": _target, "one_hot": _one_hot}


def _put_together(steps: dict[str, Any], kinds: ColumnKinds) -> ColumnTransformer:
    columns = {**vars(kinds), "missing": kinds.with_gaps}
    used = [(name, step, columns[name]) for name, step in steps.items() if columns[name]]
    left_out = kinds.constant + kinds.ids
    if not used:
        raise ValueError(
            message(
                "Nothing in df tells rows apart",
                expected="numbers, categories, ... of at least two values",
                got=f"the columns {left_out}, which are constant, or texts that all are different",
                todo="Check how the table was loaded",
            )
        )
    return ColumnTransformer([*used, *([("left_out", "drop", left_out)] if left_out else [])])


def _most_frequent() -> SimpleImputer:
    return SimpleImputer(strategy="most_frequent", keep_empty_features=True)


def _check_table(df: Any) -> None:
    expected = "a pandas.DataFrame with at least one row, whose columns have names of their own"
    if not hasattr(df, "iloc") or getattr(df, "ndim", 0) != 2:
        got, todo = type(df).__name__, "Give the features as a DataFrame"
    elif not len(df):
        got, todo = "no rows", "Check how the table was loaded"
    elif not all(isinstance(name, str) for name in df.columns):
        got = f"the columns {list(df.columns)[:5]}"
        todo = "Name them, for instance df.columns = df.columns.astype(str)"
    elif not df.columns.is_unique:
        got = f"several columns {sorted(df.columns[df.columns.duplicated()])[0]!r}"
        todo = "Rename or drop all but one"
    else:
        return
    raise ValueError(message("df cannot be looked at", expected=expected, got=got, todo=todo))


def _check_max_categories(max_categories: Any) -> None:
    if not isinstance(max_categories, Integral) or max_categories < 1:
        raise ValueError(
            message(
                f"max_categories={max_categories!r} is no number of categories",
                expected="an int of at least 1",
                got=repr(max_categories),
                todo="Give how many categories get a column each, for instance 20",
            )
        )


def _scaler(numeric: Any, n_rows: int) -> Any:
    if isinstance(numeric, str):
        return lookup(numeric, SCALERS, "numeric")(n_rows)
    if isinstance(numeric, type) or not hasattr(numeric, "get_params"):
        raise ValueError(
            message(
                f"numeric={numeric!r} is no scaler",
                expected=f"one of {', '.join(map(repr, SCALERS))}, or a transformer",
                got=type(numeric).__name__,
                todo="Give an instance, for instance MinMaxScaler()",
            )
        )
    return numeric


def _warn_of_ids(df: Table, ids: list[str]) -> None:
    if not ids:
        return
    first = df[ids[0]]
    text = message(
        f"The columns {ids} are left out, as nearly all their texts are different",
        expected="categories that come back",
        got=f"{first.nunique()} values in {first.count()} rows of {ids[0]!r}",
        todo="Make features of what matters in them, or drop them from df",
    )
    warnings.warn(text, stacklevel=3)
