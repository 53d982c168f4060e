"""The steps for columns of mixed tables that scikit-learn does not have."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from sknn_tricks._messages import message

Table = Any  # pandas.DataFrame, which is imported where it is needed

# The category that missing values are.
MISSING = "missing"


def floats() -> FunctionTransformer:
    """Return the step that makes float64 of numbers, booleans and durations, NaN where missing."""
    return FunctionTransformer(_to_floats, feature_names_out="one-to-one")


def texts() -> FunctionTransformer:
    """Return the step that makes texts of categories, "missing" where one is missing."""
    return FunctionTransformer(_to_texts, feature_names_out="one-to-one")


def missing() -> FunctionTransformer:
    """Return the step that gives 1 where a value is missing, of any dtype, and else 0."""
    return FunctionTransformer(_is_missing, feature_names_out=_names_of_missing)


def to_float32(**steps: Any) -> Pipeline:
    """Return a pipeline of named steps that ends in float32."""
    cast = FunctionTransformer(_to_float32, feature_names_out="one-to-one")
    return Pipeline([*steps.items(), ("float32", cast)])


def imputed(convert: Any, scaler: Any) -> Pipeline:
    """Return the pipeline of numbers: converted, medians for missing ones, scaled."""
    # A fold may have no value of a column at all; the column stays, so all folds have the same.
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    return to_float32(convert=convert, impute=impute, scale=scaler)


def _to_float32(X: Any) -> Any:
    return X.astype(np.float32)


def _is_missing(X: Table) -> NDArray[np.float32]:
    return X.isna().to_numpy(np.float32)


def _names_of_missing(step: Any, names: Any) -> NDArray[Any]:
    return np.array([f"{name}_missing" for name in names], object)


def _to_floats(X: Table) -> NDArray[np.float64]:
    return np.column_stack([_column_to_floats(X.iloc[:, i]) for i in range(X.shape[1])])


def _column_to_floats(column: Any) -> NDArray[np.float64]:
    import pandas as pd

    try:
        if pd.api.types.infer_dtype(column, skipna=True).startswith("timedelta"):
            return pd.to_timedelta(column).dt.total_seconds().to_numpy(np.float64)
        if pd.api.types.is_object_dtype(column.dtype):
            column = column.where(column.notna(), np.nan)  # NaN for pandas.NA and None
            return column.to_numpy(np.float64)
        return column.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(
            message(
                f"The column {column.name!r} does not hold numbers",
                expected="numbers, booleans or durations, as when the preprocessor was made",
                got=str(error),
                todo="Convert it as in the training data",
            )
        ) from error


def _to_texts(X: Table) -> NDArray[Any]:
    return np.column_stack([_column_to_texts(X.iloc[:, i]) for i in range(X.shape[1])])


def _column_to_texts(column: Any) -> NDArray[Any]:
    import pandas as pd

    codes, values = pd.factorize(column)
    # missing ones have the code -1, which is the last entry
    return np.array([*(_text(value) for value in values), MISSING], object)[codes]


def _text(value: Any) -> str:
    """Return the same text for 1 and 1.0: integers become floats where some are missing."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
