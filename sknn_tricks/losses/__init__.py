"""Losses: outputs and targets to one number, with or without row weights."""

from sknn_tricks.losses._losses import binary_cross_entropy, cross_entropy, squared_error

__all__ = ["binary_cross_entropy", "cross_entropy", "squared_error"]
