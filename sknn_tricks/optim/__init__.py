"""Optimisers by name."""

from sknn_tricks.optim._optimizers import OPTIMIZERS, decayed, make_optimizer, set_rates

__all__ = ["OPTIMIZERS", "decayed", "make_optimizer", "set_rates"]
