"""The losses by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from sknn_tricks._messages import lookup
from sknn_tricks.losses._focal import focal
from sknn_tricks.losses._huber import huber
from sknn_tricks.losses._logit_adjusted import logit_adjusted
from sknn_tricks.losses._losses import (
    absolute_error,
    binary_cross_entropy,
    cross_entropy,
    squared_error,
)

LOSSES: dict[str, Callable[..., Tensor]] = {
    "cross_entropy": cross_entropy,
    "focal": focal(),
    "logit_adjusted": logit_adjusted(),
}
REGRESSION_LOSSES: dict[str, Callable[..., Tensor]] = {
    "absolute_error": absolute_error,
    "huber": huber(),
    "squared_error": squared_error,
}


def make_regression_loss(loss: str | Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return the loss of a name, for numbers.

    Parameters
    ----------
    loss : str or callable (prediction, target, weight) -> scalar Tensor
        One of `REGRESSION_LOSSES`, or a loss itself.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If there is no loss of that name.

    Examples
    --------
    >>> make_regression_loss("huber")
    huber(delta=1.0)
    """
    return lookup(loss, REGRESSION_LOSSES, "loss") if isinstance(loss, str) else loss


def make_loss(
    loss: str | Callable[..., Tensor], shares: Sequence[float], multilabel: bool = False
) -> Callable[..., Tensor]:
    """Return the loss of a name, for classes of these shares.

    Parameters
    ----------
    loss : str or callable (outputs, target, weight) -> scalar Tensor
        One of `LOSSES`, or a loss itself.
    shares : sequence of float of length O
        Of the classes in training, for losses that want to know.
    multilabel : bool, default=False
        Whether the classes do not exclude each other.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If there is no loss of that name.

    Examples
    --------
    >>> make_loss("logit_adjusted", [0.75, 0.25])
    logit_adjusted(tau=1.0, shares=(0.75, 0.25))
    """
    found: Any = lookup(loss, LOSSES, "loss") if isinstance(loss, str) else loss
    if multilabel:
        found = found.binary() if hasattr(found, "binary") else found
        found = binary_cross_entropy if found is cross_entropy else found
    return found.given(shares) if hasattr(found, "given") else found
