"""How right predicted classes are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    brier_score_loss,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
)

from sknn_tricks._messages import message
from sknn_tricks.diagnostics._drawing import label
from sknn_tricks.diagnostics._markdown import escape
from sknn_tricks.diagnostics._words import count
from sknn_tricks.diagnostics.predictions._by_fold import scores_by_fold
from sknn_tricks.diagnostics.predictions._class_scores import (
    Curves,
    Floats,
    Ranked,
    calibration_error,
    find_calibration,
    find_curves,
)
from sknn_tricks.diagnostics.predictions._class_words import in_words
from sknn_tricks.diagnostics.predictions._confusions import find_most_confused, find_worst_rows
from sknn_tricks.diagnostics.predictions._numbers import number, scores_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


@dataclass(frozen=True, eq=False, repr=False)
class ClassificationReport:
    """How right the predicted classes of M rows are, and where they are wrong.

    Made by `prediction_report` or `OutOfFold.report`; printed, it is a readable text.

    Parameters
    ----------
    classes : tuple
        All classes. Rows hold their numbers.
    true, predicted : ndarray of shape (M,), int
        The number of the class of each row.
    proba : ndarray of shape (M, n_classes) or None
        Probabilities, which sum to one.
    decision : ndarray of shape (M, n_classes) or None
        Higher for classes that look more likely; made use of where there are no probabilities.
    row : ndarray of shape (M,)
        Numbers of the rows in the data.
    fold : ndarray of shape (M,) or None
        The fold that each row was held out by.
    sample_weight : ndarray of shape (M,) or None

    Examples
    --------
    >>> from sknn_tricks.diagnostics import prediction_report
    >>> report = prediction_report(["cat", "dog", "dog"], ["cat", "dog", "cat"])
    >>> round(report.scores["accuracy"], 3)
    0.667
    >>> report.most_confused
      true predicted  count  share
    0  dog       cat      1    0.5
    >>> report.worst_rows()
       row y_true y_pred
    0    2    dog    cat
    >>> figure = report.plot_confusion()
    """

    classes: tuple[Any, ...]
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    proba: Floats | None
    decision: Floats | None
    row: NDArray[np.int64]
    fold: NDArray[Any] | None = None
    sample_weight: Floats | None = None

    @property
    def class_scores(self) -> Floats | None:
        """Probabilities or decision values, (M, n_classes); None if there are neither."""
        return self.decision if self.proba is None else self.proba

    @property
    def weights(self) -> Floats:
        """Weight of each row, (M,): 1 if none was given."""
        return np.ones(len(self.true)) if self.sample_weight is None else self.sample_weight

    def part(self, rows: NDArray[np.bool_]) -> ClassificationReport:
        """Return the report of some of the rows.

        Parameters
        ----------
        rows : ndarray of shape (M,), bool

        Returns
        -------
        ClassificationReport
        """
        names = ("true", "predicted", "proba", "decision", "row", "fold", "sample_weight")
        parts = {name: value[rows] for name in names if (value := getattr(self, name)) is not None}
        return replace(self, **parts)

    @cached_property
    def confusion(self) -> DataFrame:
        """Rows of each true class (line) that were given each class (column)."""
        import pandas as pd

        counts = confusion_matrix(
            self.true,
            self.predicted,
            labels=range(len(self.classes)),
            sample_weight=self.sample_weight,
        )
        names = {what: pd.Index(self.classes, name=what) for what in ("true", "predicted")}
        return pd.DataFrame(counts, index=names["true"], columns=names["predicted"])

    @cached_property
    def curves(self) -> tuple[Curves | None, ...]:
        """ROC and precision-recall curves of each class against the rest.

        None for classes without rows. Empty without probabilities and decision values.
        """
        scores = () if self.class_scores is None else self.class_scores.T
        return tuple(
            find_curves(self.true == k, score, self.sample_weight) for k, score in enumerate(scores)
        )

    @cached_property
    def per_class(self) -> DataFrame:
        """Precision, recall, F1, support, ROC AUC and average precision of each class.

        NaN is what cannot be told, such as the precision of a class that was never predicted.
        """
        import pandas as pd

        precision, recall, f1, support = precision_recall_fscore_support(
            self.true,
            self.predicted,
            labels=range(len(self.classes)),
            sample_weight=self.sample_weight,
            zero_division=np.nan,
        )
        columns = {"precision": precision, "recall": recall, "f1": f1, "support": support}
        for name in ("roc_auc", "average_precision"):
            if self.curves:
                columns[name] = [getattr(each, name, np.nan) for each in self.curves]
        return pd.DataFrame(columns, index=pd.Index(self.classes, name="class"))

    @cached_property
    def calibration(self) -> DataFrame | None:
        """How often the most probable class is right, by its probability, in 15 equal bins.

        Columns are ``low``, ``high``, ``confidence``, ``accuracy``, ``rows``, ``share``; None
        without probabilities.
        """
        if self.proba is None:
            return None
        right = self.proba.argmax(axis=1) == self.true
        return find_calibration(self.proba.max(axis=1), right, self.weights)

    @cached_property
    def scores(self) -> dict[str, float]:
        """Scores of all rows together, under scikit-learn's names.

        ``accuracy``, ``balanced_accuracy``, ``f1_macro``; with probabilities or decision values,
        ``roc_auc`` and ``average_precision``, of two classes for the second, of more the mean of
        each against the rest (classes without rows left out); with probabilities, ``log_loss``,
        ``brier`` (of two classes, of the second; of more, summed over them) and ``ece``, the
        expected calibration error of Guo et al. (2017). NaN is what cannot be told.
        """
        counts = self.confusion.to_numpy(dtype=float)
        totals = counts.sum(axis=1)
        there = totals > 0
        scores = {
            "accuracy": float(np.trace(counts) / totals.sum()),
            "balanced_accuracy": float((np.diag(counts)[there] / totals[there]).mean()),
            "f1_macro": float(self.per_class["f1"].mean()),
        }
        if self.curves:
            drawn = self.per_class.iloc[1:] if len(self.classes) == 2 else self.per_class
            scores["roc_auc"] = float(drawn["roc_auc"].mean())
            scores["average_precision"] = float(drawn["average_precision"].mean())
        return scores | self._probability_scores()

    def _probability_scores(self) -> dict[str, float]:
        if self.proba is None or self.calibration is None:
            return {}
        given: dict[str, Any] = {
            "labels": range(len(self.classes)),
            "sample_weight": self.sample_weight,
        }
        of_second = self.proba[:, 1] if len(self.classes) == 2 else self.proba
        return {
            "log_loss": float(log_loss(self.true, self.proba, **given)),
            "brier": float(brier_score_loss(self.true, of_second, **given)),
            "ece": calibration_error(self.calibration),
        }

    @cached_property
    def by_fold(self) -> DataFrame | None:
        """The scores of each fold, a line each; None without folds, and with more than 100."""
        return scores_by_fold(self)

    @cached_property
    def most_confused(self) -> DataFrame:
        """Pairs of classes that were taken for each other, the most frequent first.

        Columns are ``true``, ``predicted``, ``count``, and ``share`` of the true class's rows.
        """
        return find_most_confused(self.confusion)

    def worst_rows(self, n: int = 20) -> DataFrame:
        """Return the rows whose class was wrong with the most confidence.

        Parameters
        ----------
        n : int, default=20
            How many at most.

        Returns
        -------
        pandas.DataFrame
            Columns are ``row``, ``fold`` (if known), ``y_true``, ``y_pred`` and, with
            probabilities, ``confidence`` and ``proba_true``, those of the predicted and of the
            true class; with decision values, ``margin``, the difference of the two. With neither,
            the first wrong rows.
        """
        return find_worst_rows(self, n)

    def figures(self) -> dict[str, Figure]:
        """Draw all that can be drawn.

        Returns
        -------
        dict of str to matplotlib.figure.Figure
            ``confusion``; with probabilities or decision values, ``roc`` and
            ``precision_recall``; with probabilities, ``calibration``.
        """
        drawn = {"confusion": self.plot_confusion()}
        if any(self.curves):
            drawn |= {"roc": self.plot_roc(), "precision_recall": self.plot_precision_recall()}
        if self.proba is not None:
            drawn["calibration"] = self.plot_calibration()
        return drawn

    def plot_confusion(self) -> Figure:
        """Draw the confusion matrix: counts, coloured by their share of the true class.

        Returns
        -------
        matplotlib.figure.Figure
            Of no window and unknown to pyplot, as all figures of reports.
        """
        from sknn_tricks.diagnostics.predictions._draw_confusion import draw_confusion

        return draw_confusion(self)

    def plot_roc(self) -> Figure:
        """Draw the ROC curves: of two classes, the second's and each fold's; else of each class.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If there are neither probabilities nor decision values, or one class only has rows.
        """
        from sknn_tricks.diagnostics.predictions._draw_curves import draw_roc

        return draw_roc(self.ranked("ROC curve"))

    def plot_precision_recall(self) -> Figure:
        """Draw the precision-recall curves, as `plot_roc` does.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If there are neither probabilities nor decision values, or one class only has rows.
        """
        from sknn_tricks.diagnostics.predictions._draw_curves import draw_precision_recall

        return draw_precision_recall(self.ranked("precision-recall curve"))

    def plot_calibration(self) -> Figure:
        """Draw how often predictions are right against how sure they are.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If there are no probabilities.
        """
        from sknn_tricks.diagnostics.predictions._draw_calibration import draw_calibration

        return draw_calibration(self)

    def to_markdown(self) -> str:
        """Say it in a short section of Markdown, in which names of classes do nothing.

        Returns
        -------
        str
        """
        lines = [f"## Predictions of {count(len(self.true), 'row')}", ""]
        lines += [scores_table(self.scores, self.by_fold), "", *in_words(self, escape)]
        return "\n".join(lines) + "\n"

    def __repr__(self) -> str:
        lines = [f"Predictions of {count(len(self.true), 'row')}, {len(self.classes)} classes"]
        lines += [f"  {name + ':':<19}{number(value)}" for name, value in self.scores.items()]
        return "\n".join([*lines, *in_words(self, str)])

    def ranked(self, what: str) -> Ranked:
        """Return the classes as `what` shows them: of two, the second."""
        if self.class_scores is None or not any(self.curves):
            raise ValueError(
                message(
                    f"There is no {what} of these predictions",
                    expected="proba or decision, and rows of two classes",
                    got="neither" if self.class_scores is None else "rows of one class",
                    todo="Give the probabilities of all classes",
                )
            )
        return self._ranked

    @cached_property
    def _ranked(self) -> Ranked:
        first = 1 if len(self.classes) == 2 else 0
        numbers = np.arange(first, len(self.classes))
        one = f"class {label(str(self.classes[1]))}" if first else ""
        return Ranked(
            title=one or f"{len(self.classes)} classes, each against the rest",
            names=tuple(map(str, self.classes[first:])),
            positive=self.true[:, None] == numbers,
            score=np.asarray(self.class_scores)[:, first:],
            curves=self.curves[first:],
            fold=self.fold,
            sample_weight=self.sample_weight,
        )
