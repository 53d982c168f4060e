"""A report on the data before anything is trained on them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length

from sknn_tricks._messages import lookup, message
from sknn_tricks._row_hash import joint_row_codes
from sknn_tricks._row_words import as_array
from sknn_tricks.diagnostics._words import count
from sknn_tricks.diagnostics.diversity._classes import Classes, find_classes
from sknn_tricks.diagnostics.diversity._features import (
    Coverage,
    Features,
    find_coverage,
    of_array,
    of_table,
)
from sknn_tricks.diagnostics.diversity._rows import (
    Duplicates,
    Overlap,
    find_duplicates,
    find_overlap,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TASKS = ("auto", "classification", "regression")
# Floats of more values than this are no labels.
FLOAT_CLASSES = 20


@dataclass(frozen=True, eq=False, repr=False)
class DiversityReport:
    """What a data set holds, what it holds twice, and what to do about it.

    Made by `diversity_report`; printed, it is a readable text.

    Parameters
    ----------
    n_rows : int
    n_test_rows : int or None
    classes : Classes or None
        None without targets and for regression.
    duplicates : Duplicates
    overlap : Overlap or None
        None without a test set.
    features : Features
    coverage : Coverage
    groups : ndarray of shape (n_rows,), int64
        Equal for equal rows: the groups of a ``GroupKFold`` that keeps them on one side.
    """

    n_rows: int
    n_test_rows: int | None
    classes: Classes | None
    duplicates: Duplicates
    overlap: Overlap | None
    features: Features
    coverage: Coverage
    groups: NDArray[np.int64]

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do, a sentence or two each; nothing if there is nothing to be done."""
        parts = (self.classes, self.duplicates, self.overlap, self.features, self.coverage)
        return tuple(line for part in parts if part is not None for line in part.advice())

    def __repr__(self) -> str:
        test = f", {count(self.n_test_rows, 'test row')}" if self.n_test_rows else ""
        shape = " x ".join(map(str, self.features.shape))
        some = self.features.n_rows < self.n_rows
        seen_in = f" (seen in {count(self.features.n_rows, 'row')})" if some else ""
        facts = {
            "Classes": self.classes and self.classes.facts(),
            "Duplicates": self.duplicates.facts(),
            "In the test set": self.overlap and self.overlap.facts(),
            "Features": self.features.facts() + seen_in,
            "Missing": self.features.missing_facts(),
            "Coverage": self.coverage.facts(),
        }
        what = "feature" if shape == "1" else "features"
        lines = [f"{count(self.n_rows, 'row')} of {shape} {what}{test}"]
        lines += [f"  {name + ':':<17}{fact}" for name, fact in facts.items() if fact]
        lines += ["What to do:" if self.advice else "Nothing to be done."]
        return "\n".join([*lines, *(f"  - {line}" for line in self.advice)])

    def to_dict(self) -> dict[str, Any]:
        """Return all but `groups` as plain values, which json can write.

        Returns
        -------
        dict
        """
        features = {
            "n_features": len(self.features.names),
            "shape": list(self.features.shape),
            "n_rows": self.features.n_rows,
            "constant": list(self.features.constant),
            "nearly_constant": list(self.features.nearly_constant),
            "missing": {
                name: float(share)
                for name, share in zip(
                    self.features.names, self.features.missing_shares, strict=True
                )
                if share
            },
        }
        classes = self.classes and {
            **asdict(self.classes),
            "imbalance_ratio": self.classes.imbalance_ratio,
            "effective_number": self.classes.effective_number,
        }
        found = {
            "n_rows": self.n_rows,
            "n_test_rows": self.n_test_rows,
            "classes": classes,
            "duplicates": {**asdict(self.duplicates), "share": self.duplicates.share},
            "overlap": self.overlap and {**asdict(self.overlap), "share": self.overlap.share},
            "features": features,
            "coverage": asdict(self.coverage),
            "advice": self.advice,
        }
        return _plain(found)

    def plot(self) -> Figure:
        """Draw the report.

        Returns
        -------
        matplotlib.figure.Figure
            Of no window and unknown to pyplot: show it as the last line of a notebook's cell, or
            ``savefig`` it.
        """
        from sknn_tricks.diagnostics.diversity._plot import draw

        return draw(self)


def diversity_report(
    X: Any,
    y: Any = None,
    X_test: Any = None,
    y_test: Any = None,
    *,
    task: str = "auto",
    max_rows: int = 100_000,
) -> DiversityReport:
    """Look for what spoils training and scores: small classes, copies, leaks, dead features.

    Equal rows are found by hashes, in a pass over the data, and compared before they are called
    equal.

    Parameters
    ----------
    X : array-like, DataFrame, tensor, memmap or OnDisk, of shape (N, ...)
        The features.
    y : array-like of shape (N,) or (N, O), default=None
        Labels or targets.
    X_test, y_test : as X and y, default=None
        Rows that are kept for testing; `y_test` needs `y`.
    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` has labels. ``"auto"``: texts, booleans and integers are labels, as are floats
        of up to 20 whole numbers.
    max_rows : int, default=100_000
        Features of arrays are looked at in as many rows, evenly spaced. Classes, equal rows and
        tables always are in all.

    Returns
    -------
    DiversityReport

    Raises
    ------
    ValueError
        If a parameter is not valid, `X` and `y` have different lengths, `X_test` other features
        than `X`, `y` is missing somewhere, or `y_test` is without `y` or `X_test`.

    References
    ----------
    O. Roy and M. Vetterli (2007). The effective rank: a measure of effective dimensionality.
    EUSIPCO (for the effective dimensions).

    M. O. Hill (1973). Diversity and evenness: a unifying notation and its consequences.
    Ecology 54(2), 427-432 (for the effective number of classes).

    B. Barz and J. Denzler (2020). Do we train on test data? Purging CIFAR of near-duplicates.
    Journal of Imaging 6(6), 41 (for what test rows in the training set do).

    Examples
    --------
    >>> from sknn_tricks.diagnostics import diversity_report
    >>> X = [[0.0, 1], [0.5, 1], [0.5, 1], [0.9, 1]]
    >>> report = diversity_report(X, ["cat", "cat", "dog", "cat"], X_test=[[0.9, 1], [0.7, 1]])
    >>> print(report)
    4 rows of 2 features, 2 test rows
      Classes:         2, as diverse as 1.8 equal ones; largest to smallest 3 to 1 (smallest: ...
      Duplicates:      1 of 4 rows copy earlier ones (25 %), in 1 group of up to 2; 2 rows in ...
      In the test set: 1 of 2 test rows (50 %); for instance test row 0 = row 3
      Features:        2; 1 constant: x1; 0 nearly constant (one value in 99 %)
    ...
    >>> report.duplicates.best_accuracy  # rows 1 and 2 are equal, with two labels
    0.75
    """
    lookup(task, dict.fromkeys(TASKS), "task")
    if max_rows < 1:
        raise ValueError(
            message(
                f"max_rows={max_rows} leaves nothing to look at",
                expected="at least 1",
                got=str(max_rows),
                todo="Use the default of 100,000",
            )
        )
    _check_given(X, y, X_test, y_test)
    sets = [X] if X_test is None else [X, X_test]
    codes = joint_row_codes(*sets)
    n_rows = len(codes[0])
    values, labels = _targets(y, y_test, task)
    targets = None if values is None else values[:n_rows]
    test_targets = None if y_test is None or values is None else values[n_rows:]
    duplicates, groups = find_duplicates(codes[0], targets, are_classes=labels is not None)
    parts = _looked_at(sets, max_rows)
    return DiversityReport(
        n_rows=n_rows,
        n_test_rows=None if X_test is None else len(codes[1]),
        classes=None if labels is None or values is None else find_classes(values, labels, n_rows),
        duplicates=duplicates,
        overlap=None if X_test is None else find_overlap(codes[0], codes[1], targets, test_targets),
        features=of_table(parts[0]) if hasattr(parts[0], "iloc") else of_array(parts[0]),
        coverage=find_coverage(parts[0], None if X_test is None else parts[1]),
        groups=groups,
    )


def _looked_at(sets: list[Any], max_rows: int) -> list[Any]:
    """Return the sets as tables, or as arrays of numbers and dates of some of the rows."""
    found = []
    for X in sets:
        if not hasattr(X, "iloc"):
            rows = as_array(X)
            if rows.shape[0] > max_rows:
                rows = rows[np.linspace(0, rows.shape[0] - 1, max_rows).astype(np.int64)]
            X = rows.toarray() if issparse(rows) else np.asarray(rows)
        found.append(X.to_frame() if hasattr(X, "iloc") and X.ndim == 1 else X)
    if all(hasattr(X, "iloc") or X.dtype.kind in "biufcmM" for X in found):
        return found
    import pandas as pd

    tables = [pd.DataFrame(X.reshape(len(X), -1)) for X in found]
    return [table.add_prefix("x").infer_objects() for table in tables]


def _targets(
    y: Any, y_test: Any, task: str
) -> tuple[NDArray[np.int64] | None, tuple[Any, ...] | None]:
    """Return a number for each target, of the test set last, and what they mean if labels."""
    if y is None:
        return None, None
    both = [_target(each) for each in (y, y_test) if each is not None]
    codes = np.concatenate(joint_row_codes(*both))
    _, first, codes = np.unique(codes, return_index=True, return_inverse=True)
    if task == "regression" or (task == "auto" and not all(map(_are_labels, both))):
        return codes, None
    if both[0].ndim > 1:
        return codes, None
    values = np.concatenate([each.astype(object) for each in both])[first]
    with suppress(TypeError):  # of labels that cannot be sorted, the first to come is first
        order = sorted(range(len(values)), key=lambda i: values[i])
        codes, values = np.argsort(order)[codes], values[order]
    return codes, tuple(values)


def _target(y: Any) -> NDArray[Any]:
    import pandas as pd

    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(as_array(y))
    if pd.isna(values).any():
        raise ValueError(
            message(
                "Some targets are missing",
                expected="a label or target for each row",
                got=f"{int(pd.isna(values).sum())} missing",
                todo="Leave these rows out",
            )
        )
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _are_labels(y: NDArray[Any]) -> bool:
    if y.ndim > 1 or y.dtype.kind == "c":
        return False
    if y.dtype.kind != "f":
        return True
    return bool((y == np.floor(y)).all()) and len(np.unique(y)) <= FLOAT_CLASSES


def _check_given(X: Any, y: Any, X_test: Any, y_test: Any) -> None:
    if y_test is not None and (y is None or X_test is None):
        raise ValueError(
            message(
                "y_test is without its like",
                expected="X_test and y with it",
                got="X_test=None" if X_test is None else "y=None",
                todo="Give both, or leave y_test out",
            )
        )
    check_consistent_length(X, y)
    check_consistent_length(X_test, y_test)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
