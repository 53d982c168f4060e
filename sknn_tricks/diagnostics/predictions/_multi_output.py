"""How right the predicted classes of several outputs are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._messages import message
from sknn_tricks.diagnostics._markdown import escape
from sknn_tricks.diagnostics._words import count
from sknn_tricks.diagnostics.predictions._by_fold import scores_by_fold
from sknn_tricks.diagnostics.predictions._class_scores import Floats, Ranked
from sknn_tricks.diagnostics.predictions._classification import ClassificationReport
from sknn_tricks.diagnostics.predictions._numbers import number, scores_table
from sknn_tricks.diagnostics.predictions._targets import LABELS, OUTPUTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

# More outputs than this are not drawn.
MOST_PANELS = 6


@dataclass(frozen=True, eq=False, repr=False)
class MultiOutputReport:
    """How right the predicted classes of several outputs are: a report for each.

    Made by `prediction_report` or `OutOfFold.report`; printed, it is a readable text.

    Parameters
    ----------
    kind : {"multilabel", "multioutput"}
        Whether outputs are labels, each 0 or 1, or have classes of any kind.
    reports : dict of str to ClassificationReport
        Of the same M rows, for each output.

    Examples
    --------
    >>> from sknn_tricks.diagnostics import prediction_report
    >>> report = prediction_report([[0, 1], [1, 1], [1, 0]], [[0, 1], [1, 0], [1, 0]])
    >>> report
    Predictions of 3 rows, 2 outputs
      exact_match:       0.6667
      hamming_loss:      0.1667
      balanced_accuracy: 0.875
      f1_macro:          0.8333
    - Lowest F1: 1 (0.6667), 0 (1).
    >>> report.per_output["recall"].to_dict()
    {'0': 1.0, '1': 0.5}
    """

    kind: str
    reports: dict[str, ClassificationReport]

    @property
    def first(self) -> ClassificationReport:
        """The report of the first output."""
        return next(iter(self.reports.values()))

    @property
    def fold(self) -> NDArray[Any] | None:
        """The fold that each row was held out by, (M,), or None."""
        return self.first.fold

    def part(self, rows: NDArray[np.bool_]) -> MultiOutputReport:
        """Return the report of some of the rows.

        Parameters
        ----------
        rows : ndarray of shape (M,), bool

        Returns
        -------
        MultiOutputReport
        """
        parts = {name: report.part(rows) for name, report in self.reports.items()}
        return MultiOutputReport(self.kind, parts)

    @cached_property
    def per_output(self) -> DataFrame:
        """Scores of each output, a line each; of labels, those of finding the label too."""
        import pandas as pd

        rows = {}
        for name, report in self.reports.items():
            rows[name] = report.scores
            if self.kind == LABELS:
                on = report.per_class.iloc[1]
                rows[name] = on[["precision", "recall", "f1", "support"]].to_dict() | rows[name]
                rows[name]["f1_macro"] = on["f1"]  # as the macro average over labels counts it
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("output")

    @cached_property
    def scores(self) -> dict[str, float]:
        """Scores of all rows together.

        ``exact_match``, the share of rows that are right in each output; ``hamming_loss``, the
        share of wrong predictions; and the mean of the outputs' other scores, those left out that
        cannot be told. The F1 of a label is that of finding it.
        """
        right = np.stack([report.true == report.predicted for report in self.reports.values()])
        weights = self.first.weights
        scores = {
            "exact_match": float(np.average(right.all(axis=0), weights=weights)),
            "hamming_loss": float(1 - np.average(right.mean(axis=0), weights=weights)),
        }
        names = [name for name in self.first.scores if name != "accuracy"]
        return scores | {name: float(self.per_output[name].mean()) for name in names}

    @cached_property
    def by_fold(self) -> DataFrame | None:
        """The scores of each fold, a line each; None without folds, and with more than 100."""
        return scores_by_fold(self)

    def figures(self) -> dict[str, Figure]:
        """Draw all that can be drawn.

        Returns
        -------
        dict of str to matplotlib.figure.Figure
            Of labels with probabilities or decision values, ``roc`` and ``precision_recall``;
            of other outputs, ``confusion_<number>`` of the first six.
        """
        if self.kind == OUTPUTS:
            shown = list(self.reports.values())[:MOST_PANELS]
            return {f"confusion_{i}": report.plot_confusion() for i, report in enumerate(shown)}
        if not any(any(report.curves) for report in self.reports.values()):
            return {}
        return {"roc": self.plot_roc(), "precision_recall": self.plot_precision_recall()}

    def plot_roc(self) -> Figure:
        """Draw the ROC curve of each label.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If outputs are no labels, or have neither probabilities nor decision values.
        """
        from sknn_tricks.diagnostics.predictions._draw_curves import draw_roc

        return draw_roc(self.ranked("ROC curve"))

    def plot_precision_recall(self) -> Figure:
        """Draw the precision-recall curve of each label.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If outputs are no labels, or have neither probabilities nor decision values.
        """
        from sknn_tricks.diagnostics.predictions._draw_curves import draw_precision_recall

        return draw_precision_recall(self.ranked("precision-recall curve"))

    def ranked(self, what: str) -> Ranked:
        """Return the labels as `what` shows them."""
        reports = list(self.reports.values())
        scores = [each.class_scores for each in reports]
        if self.kind != LABELS or not any(any(each.curves) for each in reports):
            raise ValueError(
                message(
                    f"There is no {what} of all outputs",
                    expected="labels of 0 or 1 with proba or decision",
                    got="labels without" if self.kind == LABELS else "outputs of classes",
                    todo="Draw each of reports",
                )
            )
        columns: list[Floats] = [each[:, 1] for each in scores if each is not None]
        return Ranked(
            title=f"{len(reports)} labels",
            names=tuple(self.reports),
            positive=np.stack([each.true == 1 for each in reports], axis=1),
            score=np.stack(columns, axis=1),
            curves=tuple(each.curves[1] for each in reports),
            fold=self.fold,
            sample_weight=self.first.sample_weight,
        )

    def to_markdown(self) -> str:
        """Say it in a short section of Markdown, in which names of outputs do nothing.

        Returns
        -------
        str
        """
        lines = [f"## Predictions of {self._size()}", "", scores_table(self.scores, self.by_fold)]
        return "\n".join([*lines, "", *self._in_words(escape)]) + "\n"

    def __repr__(self) -> str:
        lines = [f"Predictions of {self._size()}"]
        lines += [f"  {name + ':':<19}{number(value)}" for name, value in self.scores.items()]
        return "\n".join([*lines, *self._in_words(str)])

    def _size(self) -> str:
        return f"{count(len(self.first.true), 'row')}, {count(len(self.reports), 'output')}"

    def _in_words(self, name: Any) -> list[str]:
        worst = self.per_output["f1_macro"].sort_values(kind="stable").head(3)
        parts = [f"{name(key)} ({number(value)})" for key, value in worst.items()]
        what = "F1" if self.kind == LABELS else "macro F1"
        return [f"- Lowest {what}: {', '.join(parts)}."]
