"""What is taken for what, and the rows that are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.diagnostics.predictions._class_scores import Floats

if TYPE_CHECKING:
    from pandas import DataFrame

    from sknn_tricks.diagnostics.predictions._classification import ClassificationReport


def find_most_confused(confusion: DataFrame) -> DataFrame:
    """Return the pairs of classes that were taken for each other, the most frequent first.

    Parameters
    ----------
    confusion : pandas.DataFrame
        Rows of each true class (line) that were given each class (column).

    Returns
    -------
    pandas.DataFrame
        ``true``, ``predicted``, ``count``, and ``share`` of the true class's rows.
    """
    import pandas as pd

    counts = confusion.to_numpy()
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
    true, predicted = np.unravel_index(order, counts.shape)
    classes = _as_objects(tuple(confusion.index))
    found = counts[true, predicted]
    return pd.DataFrame(
        {
            "true": classes[true],
            "predicted": classes[predicted],
            "count": found,
            "share": found / counts.sum(axis=1)[true],
        }
    )


def find_worst_rows(report: ClassificationReport, n: int) -> DataFrame:
    """Return the rows whose class was wrong with the most confidence.

    Parameters
    ----------
    report : ClassificationReport
    n : int
        How many at most.

    Returns
    -------
    pandas.DataFrame
        As `ClassificationReport.worst_rows` says.
    """
    import pandas as pd

    wrong = np.flatnonzero(report.true != report.predicted)
    sure = _confidence(report, wrong)
    order = np.argsort(-next(iter(sure.values())), kind="stable")[:n] if sure else slice(n)
    rows = wrong[order]
    classes = _as_objects(report.classes)
    columns: dict[str, Any] = {"row": report.row[rows]}
    if report.fold is not None:
        columns["fold"] = report.fold[rows]
    columns |= {"y_true": classes[report.true[rows]], "y_pred": classes[report.predicted[rows]]}
    return pd.DataFrame(columns | {name: values[order] for name, values in sure.items()})


def _confidence(report: ClassificationReport, rows: NDArray[np.int64]) -> dict[str, Floats]:
    """Return how sure wrong predictions were, first of all by what they are put in order."""
    scores = report.class_scores
    if scores is None:
        return {}
    given, true = scores[rows, report.predicted[rows]], scores[rows, report.true[rows]]
    if report.proba is not None:
        return {"confidence": given, "proba_true": true}
    with np.errstate(over="ignore"):  # of classes that a fold did not know
        return {"margin": given - true}


def _as_objects(classes: tuple[Any, ...]) -> NDArray[Any]:
    """Return the classes as they are, to be indexed."""
    return np.array([*classes, None], dtype=object)[:-1]
