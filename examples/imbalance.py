"""Rare classes: what to do, and what it does to decisions and probabilities.

    python examples/imbalance.py [--out imbalance.png]

One row in thirty is positive. A plain net finds few of them; class weights, an adjusted loss or
resampling in the Pipeline find most, and ruin the probabilities, which `prior_correction` mends.
The nets of the five folds are trained as one stack.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from imblearn.over_sampling import SMOTE
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.datasets import make_classification
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    log_loss,
    precision_recall_curve,
    precision_score,
    recall_score,
)
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.model_selection import cross_validate
from sknn_tricks.nets import MLP
from sknn_tricks.resampling import Resampled

CAPTION = (
    "Curves: out of five folds; points: where `predict` decides. Class weights and the adjusted "
    "loss rank the rows much as the plain net does, and decide elsewhere on the curve.\nMiddle: "
    "each remedy raises the probability of the rare class, so that what is said to come in 60 % of "
    "the cases comes far more rarely. Right: the same nets, corrected."
)


def net(**params) -> NetClassifier:
    """Return the net that all remedies share."""
    return NetClassifier(MLP(hidden=(32, 32), dropout=0.2), max_epochs=30, random_state=0, **params)


def remedies(corrected: bool) -> dict[str, Pipeline]:
    """Return a Pipeline for each remedy; its probabilities corrected, or as they come."""
    correct = {"prior_correction": corrected}
    smote = Resampled(SMOTE(random_state=0), net(), **correct)
    nets = {
        "nothing": net(**correct),
        "class_weight='balanced'": net(class_weight="balanced", **correct),
        "loss='logit_adjusted'": net(loss="logit_adjusted", **correct),
        "SMOTE in each fold": smote,
    }
    return {name: make_pipeline(StandardScaler(), last) for name, last in nets.items()}


class OutOfFold:
    """What nets say of rows that they have not seen.

    Parameters
    ----------
    pipe : Pipeline
    X : ndarray of shape (N, D)
    y : ndarray of shape (N,)
    folds : list of pairs of ndarray
    """

    def __init__(self, pipe: Pipeline, X: np.ndarray, y: np.ndarray, folds: list) -> None:
        found = cross_validate(pipe, X, y, cv=folds, return_estimator=True)
        self.y, self.decision, self.proba = y, np.empty_like(y), np.empty(len(y))
        for fitted, (_, test) in zip(found["estimator"], folds, strict=True):
            self.decision[test] = fitted.predict(X[test])
            self.proba[test] = fitted.predict_proba(X[test])[:, 1]

    def line(self) -> str:
        """Return the scores as a line of the table."""
        scores = [
            recall_score(self.y, self.decision),
            precision_score(self.y, self.decision),
            balanced_accuracy_score(self.y, self.decision),
            average_precision_score(self.y, self.proba),
            log_loss(self.y, self.proba),
        ]
        return "".join(f"{score:10.3f}" for score in scores)


def draw(raw: dict[str, OutOfFold], mended: dict[str, OutOfFold]) -> Figure:
    """Draw precision against recall, and how true the probabilities are before and after."""
    figure, (curves, before, after) = plt.subplots(1, 3, figsize=(15, 5.4))
    for i, name in enumerate(raw):
        draw_curve(curves, name, mended[name], f"C{i}")
        draw_reliability(before, raw[name], f"C{i}")
        draw_reliability(after, mended[name], f"C{i}")
    curves.set(title="Precision and recall", xlabel="recall", ylabel="precision")
    curves.legend(loc="lower left", fontsize=9)
    before.set_title("Probabilities as they come")
    after.set_title("With prior_correction=True")
    for axis in (before, after):
        axis.plot([0, 1], [0, 1], color="0.7", zorder=0)
        axis.set(xlabel="said", ylabel="came", xlim=(0, 1), ylim=(0, 1))
    figure.subplots_adjust(0.05, 0.24, 0.98, 0.93, wspace=0.2)
    figure.text(0.05, 0.04, CAPTION, fontsize=10, linespacing=1.5)
    return figure


def draw_curve(axis: Axes, name: str, found: OutOfFold, color: str) -> None:
    """Draw a precision-recall curve, and the decision on it."""
    precision, recall, _ = precision_recall_curve(found.y, found.proba)
    axis.plot(recall[:-1], precision[:-1], color=color, label=name, linewidth=1.5)
    decided = found.decision
    place = recall_score(found.y, decided), precision_score(found.y, decided)
    axis.plot(*place, "o", color=color, markeredgecolor="white", markersize=11)


def draw_reliability(axis: Axes, found: OutOfFold, color: str) -> None:
    """Draw how often what is said to come does come."""
    came, said = calibration_curve(found.y, found.proba, n_bins=8)
    axis.plot(said, came, "o-", color=color)


def main() -> None:
    """Train, print a table, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("imbalance.png"))
    options = parser.parse_args()
    X, y = make_classification(
        6000, n_features=20, n_informative=8, n_clusters_per_class=3, weights=[0.97],
        class_sep=1.2, random_state=0,
    )  # fmt: skip
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    raw, mended = (
        {name: OutOfFold(pipe, X, y, folds) for name, pipe in remedies(corrected).items()}
        for corrected in (False, True)
    )
    print(f"{len(y)} rows, {y.mean():.1%} positive; out of five folds\n")
    print(f"{'':42}    recall precision  balanced   average  log-loss")
    for kind, found in (("", raw), (", corrected", mended)):
        for name, scores in found.items():
            print(f"{name + kind:42}{scores.line()}")
    draw(raw, mended).savefig(options.out, dpi=120)
    print(f"\nFigure: {options.out}")


if __name__ == "__main__":
    main()
