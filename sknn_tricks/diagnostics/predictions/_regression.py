"""How right predicted numbers are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from sknn_tricks.diagnostics._markdown import escape
from sknn_tricks.diagnostics._words import count
from sknn_tricks.diagnostics.predictions._by_fold import scores_by_fold
from sknn_tricks.diagnostics.predictions._class_scores import Floats
from sknn_tricks.diagnostics.predictions._numbers import number, scores_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


@dataclass(frozen=True, eq=False, repr=False)
class RegressionReport:
    """How right the predicted numbers of M rows are, and where they are wrong.

    Made by `prediction_report` or `OutOfFold.report`; printed, it is a readable text.

    Parameters
    ----------
    targets : tuple of str
        Names of the O targets, ``("y",)`` for one.
    true, predicted : ndarray of shape (M, O)
    row : ndarray of shape (M,)
        Numbers of the rows in the data.
    fold : ndarray of shape (M,) or None
        The fold that each row was held out by.
    sample_weight : ndarray of shape (M,) or None

    Examples
    --------
    >>> from sknn_tricks.diagnostics import prediction_report
    >>> report = prediction_report([1.5, 2.5, 4.0], [1.0, 2.5, 5.0])
    >>> report
    Predictions of 3 rows
      r2:   0.6053
      rmse: 0.6455
      mae:  0.5
      bias: 0.1667
    - Farthest off: row 2, 4 predicted as 5.
    >>> report.residuals
    array([ 0.5,  0. , -1. ])
    """

    targets: tuple[str, ...]
    true: Floats
    predicted: Floats
    row: NDArray[np.int64]
    fold: NDArray[Any] | None = None
    sample_weight: Floats | None = None

    @property
    def residuals(self) -> Floats:
        """True minus predicted numbers, (M,), or (M, O) of several targets."""
        residuals = self.true - self.predicted
        return residuals[:, 0] if len(self.targets) == 1 else residuals

    def part(self, rows: NDArray[np.bool_]) -> RegressionReport:
        """Return the report of some of the rows.

        Parameters
        ----------
        rows : ndarray of shape (M,), bool

        Returns
        -------
        RegressionReport
        """
        names = ("true", "predicted", "row", "fold", "sample_weight")
        parts = {name: value[rows] for name in names if (value := getattr(self, name)) is not None}
        return replace(self, **parts)

    @cached_property
    def per_target(self) -> DataFrame:
        """R2, RMSE, MAE and bias of each target, a line each."""
        import pandas as pd

        given: dict[str, Any] = {"sample_weight": self.sample_weight, "multioutput": "raw_values"}
        pair = self.true, self.predicted
        enough = len(self.true) > 1  # one row has no variance to explain
        bias = np.average(self.predicted - self.true, axis=0, weights=self.sample_weight)
        columns = {
            "r2": r2_score(*pair, **given) if enough else np.full(len(self.targets), np.nan),
            "rmse": root_mean_squared_error(*pair, **given),
            "mae": mean_absolute_error(*pair, **given),
            "bias": bias,
        }
        return pd.DataFrame(columns, index=pd.Index(self.targets, name="target"))

    @cached_property
    def scores(self) -> dict[str, float]:
        """Scores of all rows together; of several targets, the means of theirs.

        ``r2``, ``rmse``, ``mae``, and ``bias``, by which predictions are too large on average.
        RMSE, MAE and bias are in the units of the target.
        """
        return {str(name): float(x) for name, x in self.per_target.mean(skipna=False).items()}

    @cached_property
    def by_fold(self) -> DataFrame | None:
        """The scores of each fold, a line each; None without folds, and with more than 100."""
        return scores_by_fold(self)

    def worst_rows(self, n: int = 20) -> DataFrame:
        """Return the rows whose predictions are farthest off.

        Of several targets, the one counts that is farthest off, in standard deviations of its
        true numbers.

        Parameters
        ----------
        n : int, default=20
            How many at most.

        Returns
        -------
        pandas.DataFrame
            Columns are ``row``, ``fold`` (if known), ``target`` (of several), ``y_true``,
            ``y_pred`` and ``residual``.
        """
        import pandas as pd

        residuals = self.true - self.predicted
        sizes = np.abs(residuals) / np.where(self.true.std(axis=0) > 0, self.true.std(axis=0), 1)
        target = sizes.argmax(axis=1)
        rows = np.argsort(-sizes.max(axis=1), kind="stable")[:n]
        at = rows, target[rows]
        columns: dict[str, Any] = {"row": self.row[rows]}
        if self.fold is not None:
            columns["fold"] = self.fold[rows]
        if len(self.targets) > 1:
            columns["target"] = [self.targets[k] for k in target[rows]]
        numbers = {"y_true": self.true[at], "y_pred": self.predicted[at], "residual": residuals[at]}
        return pd.DataFrame(columns | numbers)

    def figures(self) -> dict[str, Figure]:
        """Draw all that can be drawn.

        Returns
        -------
        dict of str to matplotlib.figure.Figure
            ``residuals``.
        """
        return {"residuals": self.plot_residuals()}

    def plot_residuals(self) -> Figure:
        """Draw true against predicted numbers, the residuals by prediction, and how many of each.

        Of several targets, only the first, of the six that are predicted worst.

        Returns
        -------
        matplotlib.figure.Figure
            Of no window and unknown to pyplot.
        """
        from sknn_tricks.diagnostics.predictions._draw_residuals import draw_residuals

        return draw_residuals(self)

    def to_markdown(self) -> str:
        """Say it in a short section of Markdown, in which names of targets do nothing.

        Returns
        -------
        str
        """
        lines = [f"## Predictions of {count(len(self.true), 'row')}", ""]
        lines += [scores_table(self.scores, self.by_fold), "", *self._in_words(escape)]
        return "\n".join(lines) + "\n"

    def __repr__(self) -> str:
        of = f", {len(self.targets)} targets" if len(self.targets) > 1 else ""
        lines = [f"Predictions of {count(len(self.true), 'row')}{of}"]
        lines += [f"  {name + ':':<6}{number(value)}" for name, value in self.scores.items()]
        return "\n".join([*lines, *self._in_words(str)])

    def _in_words(self, name: Any) -> list[str]:
        worst = next(self.worst_rows(1).itertuples(index=False))
        target = f"target {name(worst.target)}, " if len(self.targets) > 1 else ""
        lines = [
            f"- Farthest off: {target}row {worst.row}, {number(worst.y_true)} predicted as "
            f"{number(worst.y_pred)}."
        ]
        if len(self.targets) > 1:
            found = self.per_target.sort_values("r2", kind="stable").head(3)
            parts = [f"{name(key)} ({number(r2)})" for key, r2 in found["r2"].items()]
            lines.append(f"- Lowest R2: {', '.join(parts)}.")
        return lines
