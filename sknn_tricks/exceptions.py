"""The errors that sknn_tricks raises beyond Python's and scikit-learn's own."""

from __future__ import annotations

__all__ = ["DivergenceError"]


class DivergenceError(ValueError):
    """Training ran into a loss that is not a finite number.

    It is a ``ValueError``, so a search with ``error_score=nan`` gives the candidate that score and
    goes on.
    """
