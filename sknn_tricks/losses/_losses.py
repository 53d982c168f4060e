"""One function per task; each has the same face, with or without weights."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def cross_entropy(
    logits: Tensor, target: Tensor, weight: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Softmax cross-entropy, the loss of classification.

    Parameters
    ----------
    logits : Tensor of shape (N, O)
    target : Tensor of int64, shape (N,)
        Index of the true class.
    weight : Tensor of shape (N,) or None
        Weight of each row; of mean 1 over the training set.
    label_smoothing : float, default=0.0
        Share of each target that is spread over all classes (Szegedy et al., 2016).

    Returns
    -------
    Tensor, scalar
        Mean over the rows, in nats.

    Examples
    --------
    >>> import torch
    >>> round(cross_entropy(torch.zeros(4, 2), torch.tensor([0, 1, 1, 0])).item(), 4)
    0.6931
    """
    if weight is None:
        return F.cross_entropy(logits, target, label_smoothing=label_smoothing)
    losses = F.cross_entropy(logits, target, reduction="none", label_smoothing=label_smoothing)
    return (losses * weight).mean()


def binary_cross_entropy(
    logits: Tensor, target: Tensor, weight: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Sigmoid cross-entropy per label, the loss of multi-label classification.

    Parameters
    ----------
    logits : Tensor of shape (N, O)
    target : Tensor of shape (N, O)
        1 where the row has the label, else 0.
    weight : Tensor of shape (N,) or None
        Weight of each row; of mean 1 over the training set.
    label_smoothing : float, default=0.0
        Share of each target that is spread over its two values.

    Returns
    -------
    Tensor, scalar
        Mean over rows and labels, in nats.

    Examples
    --------
    >>> import torch
    >>> round(binary_cross_entropy(torch.zeros(4, 2), torch.ones(4, 2)).item(), 4)
    0.6931
    """
    if label_smoothing:
        target = torch.lerp(target, target.new_tensor(0.5), label_smoothing)
    row_weight = None if weight is None else weight[:, None]
    return F.binary_cross_entropy_with_logits(logits, target, row_weight)


def squared_error(prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Squared error, the loss of regression.

    Parameters
    ----------
    prediction, target : Tensor of shape (N, O)
    weight : Tensor of shape (N,) or None
        Weight of each row; of mean 1 over the training set.

    Returns
    -------
    Tensor, scalar
        Mean over rows and outputs.

    Examples
    --------
    >>> import torch
    >>> squared_error(torch.zeros(2, 1), torch.tensor([[1.0], [3.0]])).item()
    5.0
    """
    if weight is None:
        return F.mse_loss(prediction, target)
    return ((prediction - target).square() * weight[:, None]).mean()


def absolute_error(prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Absolute error, the loss whose best prediction is the median.

    Parameters
    ----------
    prediction, target : Tensor of shape (N, O)
    weight : Tensor of shape (N,) or None
        Weight of each row; of mean 1 over the training set.

    Returns
    -------
    Tensor, scalar
        Mean over rows and outputs.

    Examples
    --------
    >>> import torch
    >>> absolute_error(torch.zeros(2, 1), torch.tensor([[1.0], [-3.0]])).item()
    2.0
    """
    if weight is None:
        return F.l1_loss(prediction, target)
    return ((prediction - target).abs() * weight[:, None]).mean()
