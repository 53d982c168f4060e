"""Scores on validation rows: functions (outputs, target, weight) -> float, higher is better."""

from __future__ import annotations

import numpy as np
from torch import Tensor


def accuracy(outputs: Tensor, target: Tensor, weight: Tensor | None) -> float:
    """Return the share of rows (N, O) whose largest logit is the true class's."""
    return _mean(outputs.argmax(dim=1) == target, weight)


def label_accuracy(outputs: Tensor, target: Tensor, weight: Tensor | None) -> float:
    """Return the share of rows (N, O) that have all their labels right."""
    return _mean(((outputs > 0) == (target > 0)).all(dim=1), weight)


def _mean(hits: Tensor, weight: Tensor | None) -> float:
    hits = hits.double()
    return (hits.mean() if weight is None else (hits * weight).sum() / weight.sum()).item()


def r2(outputs: Tensor, target: Tensor, weight: Tensor | None) -> float:
    """Return the coefficient of determination, averaged over targets (N, O).

    A constant target counts 1 where it is met exactly and 0 elsewhere, as in scikit-learn.
    """
    rows = target.new_ones(len(target)) if weight is None else weight
    rows = rows.double()[:, None] / rows.sum()
    target, outputs = target.double(), outputs.double()
    error = ((target - outputs).square() * rows).sum(dim=0)
    spread = ((target - (target * rows).sum(dim=0)).square() * rows).sum(dim=0)
    floor = (10 * float(np.finfo(np.float32).eps) * target.abs().amax(dim=0)) ** 2
    varies = spread > floor
    score = 1 - error / spread.where(varies, 1.0)
    return score.where(varies, (error <= floor).double()).mean().item()
