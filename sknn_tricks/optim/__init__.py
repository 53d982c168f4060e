"""Optimisers by name."""

from sknn_tricks.optim._optimizers import OPTIMIZERS, make_optimizer

__all__ = ["OPTIMIZERS", "make_optimizer"]
