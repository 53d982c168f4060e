"""The form of the data that a model was trained on, and a few of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sknn_tricks._messages import message
from sknn_tricks._row_words import as_array

# An example shows the form of the data and is no copy of them.
_ROWS = 3
_COLUMNS_TOLD = 20


@dataclass(frozen=True)
class Inputs:
    """What other data must be brought to, so that a model takes them.

    Attributes
    ----------
    row_shape : tuple of int
        Shape of one row; of a table, its number of columns.
    dtype : str or None
        Type of the numbers of an array; None for tables, and for what is no number.
    columns : tuple or None
        Names of the columns of a table; None for arrays.

    Examples
    --------
    >>> inputs = Inputs.of(np.zeros((3, 2), np.float32))
    >>> inputs
    Inputs(row_shape=(2,), dtype='float32', columns=None)
    >>> inputs.prepare([[1, 2]])
    array([[1., 2.]], dtype=float32)
    """

    row_shape: tuple[int, ...]
    dtype: str | None = None
    columns: tuple[Any, ...] | None = None

    @classmethod
    def of(cls, rows: Any) -> Inputs:
        """Return the form of an array or a table."""
        if hasattr(rows, "iloc"):
            return cls((rows.shape[1],), columns=tuple(rows.columns))
        is_number = rows.dtype.kind in "biuf"
        return cls(rows.shape[1:], rows.dtype.name if is_number else None)

    @classmethod
    def from_dict(cls, known: Mapping[str, Any]) -> Inputs:
        """Return what `to_dict` wrote."""
        columns = known.get("columns")
        return cls(
            tuple(known["row_shape"]),
            known.get("dtype"),
            None if columns is None else tuple(columns),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and texts."""
        every = {**asdict(self), "row_shape": list(self.row_shape)}
        if self.columns is not None:
            every["columns"] = list(self.columns)
        return {name: value for name, value in every.items() if value is not None}

    def __str__(self) -> str:
        if self.columns is not None:
            names = [str(name) for name in self.columns[:_COLUMNS_TOLD]]
            more = len(self.columns) - len(names)
            names += [f"and {more} more"] if more else []
            return f"tables with the columns {', '.join(names)}"
        return f"arrays of shape ({', '.join(['N', *map(str, self.row_shape)])}), {self.dtype}"

    def prepare(self, data: Any) -> Any:
        """Bring data into the form of the training data.

        Parameters
        ----------
        data : DataFrame, Series, array-like, sparse array, dict of columns, or list of dicts
            Of shape (N, ...). Of a table, columns may be in any order, and others may be there.

        Returns
        -------
        DataFrame, ndarray or sparse array of shape (N, ...)

        Raises
        ------
        ValueError
            If columns are missing, or have no names and are more or fewer.
        """
        if isinstance(data, dict) or _is_records(data):
            import pandas as pd

            data = pd.DataFrame(data)
        return self._as_array(data) if self.columns is None else self._as_table(data)

    def _as_table(self, data: Any) -> Any:
        import pandas as pd

        names = list(self.columns or ())
        frame = data if hasattr(data, "iloc") else pd.DataFrame(data)
        if list(frame.columns) == list(range(frame.shape[1])):  # without names they are in order
            if frame.shape[1] != len(names):
                raise ValueError(_not_as_many(names, frame.shape[1]))
            return frame.set_axis(names, axis=1)
        missing = [name for name in names if name not in frame.columns]
        if missing:
            raise ValueError(_missing(missing, list(frame.columns)))
        return frame[names]

    def _as_array(self, data: Any) -> Any:
        array = data if issparse(data) else np.asarray(data)
        if self.dtype is None or array.dtype.kind not in "biuf":
            return array
        return _cast(array, np.dtype(self.dtype))


def first_rows(X: Any) -> Any:
    """Return the first three rows of any data.

    Parameters
    ----------
    X : array-like, DataFrame, Series, tensor, sparse array, memmap or OnDisk, of shape (N, ...)
        What is on the disk is not read further.

    Returns
    -------
    DataFrame or ndarray of shape (min(N, 3), ...)
    """
    if hasattr(X, "iloc"):
        head = X.iloc[:_ROWS]
        return head.to_frame() if head.ndim == 1 else head
    head = as_array(X.tocsr()[:_ROWS] if issparse(X) else X[:_ROWS])
    return head.toarray() if issparse(head) else np.array(head)


def _is_records(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and all(isinstance(row, dict) for row in data)


def _cast(array: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Cast numbers to floats always, and to whole numbers if that changes none."""
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore", invalid="ignore"):  # the model itself refuses what overflows
        cast = array.astype(dtype)
    if dtype.kind == "f":
        return cast
    is_same = not (cast != array).nnz if issparse(array) else np.array_equal(cast, array)
    return cast if is_same else array


def _not_as_many(names: list[Any], got: int) -> str:
    return message(
        "The columns have no names and are not as many as in the training data",
        expected=f"{len(names)}, namely {', '.join(map(repr, names))}",
        got=str(got),
        todo="Give all columns in their order, or name them",
    )


def _missing(missing: list[Any], got: list[Any]) -> str:
    return message(
        f"The table has no column {', '.join(map(repr, missing))}",
        expected="all columns that the model was trained on",
        got=", ".join(map(repr, got)),
        todo="Name the columns as in the training data, or leave the names out and keep the order",
    )
