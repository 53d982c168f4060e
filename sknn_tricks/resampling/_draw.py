"""Which rows of a class are drawn again, and which are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random import RandomState

from sknn_tricks.resampling._rows import Rows
from sknn_tricks.resampling._targets import Labels


def over_sampled(labels: Labels, n_new: Mapping[Any, int], random: RandomState) -> Rows:
    """Return all rows in their order, and behind them those drawn again.

    Parameters
    ----------
    labels : ndarray of shape (N,)
    n_new : mapping of label to int
        How many rows to add to a class.
    random : RandomState

    Returns
    -------
    ndarray of row numbers, shape (N + sum of `n_new`,)
    """
    added = [drawn(np.flatnonzero(labels == label), n, random) for label, n in n_new.items()]
    return np.concatenate([np.arange(len(labels)), *added])


def of_counts(labels: Labels, counts: Mapping[Any, int], random: RandomState) -> Rows:
    """Return so many rows of each class in ascending order; of a class not named, all.

    Parameters
    ----------
    labels : ndarray of shape (N,)
    counts : mapping of label to int
        How many rows a class shall have.
    random : RandomState

    Returns
    -------
    ndarray of row numbers
    """
    parts = [np.flatnonzero(~np.isin(labels, list(counts)))]
    for label, n in counts.items():
        parts.append(drawn(np.flatnonzero(labels == label), n, random))
    return np.sort(np.concatenate(parts))


def drawn(rows: Rows, n: int, random: RandomState) -> Rows:
    """Draw n of the rows, each as often as any other, give or take one.

    Examples
    --------
    >>> np.bincount(drawn(np.arange(3), 8, RandomState(0)))
    array([2, 3, 3])
    """
    times, rest = divmod(n, len(rows))
    return np.concatenate([np.repeat(rows, times), random.choice(rows, rest, replace=False)])
