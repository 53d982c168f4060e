"""The scores of each fold by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandas import DataFrame

# More folds than this have so few rows that their scores say little.
MOST_FOLDS = 100


class Scored(Protocol):
    """A report of predictions."""

    @property
    def fold(self) -> NDArray[Any] | None:
        """The fold of each row, (M,)."""

    @property
    def scores(self) -> dict[str, float]:
        """Of all rows."""

    def part(self, rows: NDArray[np.bool_]) -> Scored:
        """Return the report of some of the rows."""


def scores_by_fold(report: Scored) -> DataFrame | None:
    """Return a line of scores for each fold; None with fewer than two folds, or with hundreds."""
    import pandas as pd

    if report.fold is None:
        return None
    folds = np.unique(report.fold)
    if not 2 <= len(folds) <= MOST_FOLDS:
        return None
    rows = [report.part(report.fold == fold).scores for fold in folds]
    return pd.DataFrame(rows, index=pd.Index(folds, name="fold"))
