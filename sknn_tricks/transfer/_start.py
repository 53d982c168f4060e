"""Where a new head starts: at a linear model that is known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_expit, log_softmax
from torch import nn

from sknn_tricks.transfer._linear_score import Ridge, ridge

# Sizes of logits that are tried.
SIZES = np.logspace(-1, 1.5, 26)


def linear_head(
    features: NDArray[Any],
    targets: NDArray[Any],
    n_outputs: int,
    *,
    kind: str,
    weight: NDArray[Any] | None = None,
) -> nn.Sequential:
    """Return a linear layer that predicts targets from features, without any training.

    It is a ridge regression. Classes and labels are regressed as indicators, and multiplied by what
    makes them the best logits of rows that were left out. Trained from there on, few rows and a few
    epochs are enough: a small learning rate would need thousands of steps from a start at random.

    Parameters
    ----------
    features : ndarray of shape (N, D)
    targets : ndarray of shape (N,) or (N, O)
        Numbers of classes, indicators of labels, or numbers in the scale of the net's outputs.
    n_outputs : int
        O.
    kind : {"classes", "labels", "numbers"}
    weight : ndarray of shape (N,), default=None
        Of the rows.

    Returns
    -------
    torch.nn.Sequential
        As ``MLP(hidden=())`` builds it; in the precision of the features.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> head = linear_head(x, np.array([0, 0, 1, 1]), 2, kind="classes")
    >>> head(torch.from_numpy(x)).argmax(dim=1).tolist()
    [0, 0, 1, 1]
    """
    wanted = np.eye(n_outputs)[targets] if kind == "classes" else targets.reshape(len(targets), -1)
    found = ridge(features.astype(np.float64), wanted.astype(np.float64), weight)
    weights = np.ones(len(features)) if weight is None else weight
    size, centre = (1.0, 0.0) if kind == "numbers" else (_size(found, wanted, weights, kind), 0.5)
    layer = nn.Linear(features.shape[1], n_outputs, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(size * found.weights))
        layer.bias.copy_(torch.from_numpy(size * (found.bias - centre)))
    head = nn.Sequential()
    head.add_module("output", layer)
    return head.to(torch.from_numpy(features[:0]).dtype)


def _size(found: Ridge, wanted: NDArray[Any], weights: NDArray[Any], kind: str) -> float:
    """Return what makes predictions of indicators the best logits, by their cross-entropy."""

    def loss(size: float) -> float:
        logits = size * (found.left_out - 0.5)
        if kind == "classes":
            logs = wanted * log_softmax(logits, axis=1)
        else:
            logs = wanted * log_expit(logits) + (1 - wanted) * log_expit(-logits)
        return -float(weights @ logs.sum(axis=1))

    return float(min(SIZES, key=loss))
