"""Losses: outputs and targets to one number, with or without row weights; class weights."""

from sknn_tricks.losses._by_name import (
    LOSSES,
    REGRESSION_LOSSES,
    make_loss,
    make_regression_loss,
)
from sknn_tricks.losses._effective_number import effective_number
from sknn_tricks.losses._focal import binary_focal, focal
from sknn_tricks.losses._huber import huber
from sknn_tricks.losses._logit_adjusted import binary_logit_adjusted, logit_adjusted
from sknn_tricks.losses._losses import (
    absolute_error,
    binary_cross_entropy,
    cross_entropy,
    squared_error,
)

__all__ = [
    "LOSSES",
    "REGRESSION_LOSSES",
    "absolute_error",
    "binary_cross_entropy",
    "binary_focal",
    "binary_logit_adjusted",
    "cross_entropy",
    "effective_number",
    "focal",
    "huber",
    "logit_adjusted",
    "make_loss",
    "make_regression_loss",
    "squared_error",
]
