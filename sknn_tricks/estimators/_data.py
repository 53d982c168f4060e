"""Training data on their way from the user to a Job: checked, weighted, held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from torch import Tensor

from sknn_tricks._messages import message
from sknn_tricks.on_disk import OnDisk


@dataclass
class Data:
    """Rows as they come out of validation.

    Parameters
    ----------
    X : ndarray or OnDisk of shape (N, ...)
    y : ndarray of shape (N,) or (N, O)
    weight : ndarray of float64, shape (N,), or None
        The user's weights.
    """

    X: NDArray[Any] | OnDisk
    y: NDArray[Any]
    weight: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, index: NDArray[Any]) -> Data:
        """Return the rows of that index or mask."""
        weight = None if self.weight is None else self.weight[index]
        return Data(self.X[index], self.y[index], weight)

    def without_absent(self) -> Data:
        """Return the rows of a weight above 0."""
        if self.weight is None or (kept := self.weight > 0).all():
            return self
        if not kept.any():
            raise ValueError(
                message(
                    "sample_weight leaves nothing to train on",
                    expected="at least one weight above 0",
                    got=f"{len(self)} weights of 0",
                    todo="Correct the weights",
                )
            )
        return self.take(kept)

    def hooks(self) -> dict[str, Any]:
        """Return what scikit-learn's callbacks are told of the data."""
        metadata = None if self.weight is None else {"sample_weight": self.weight}
        return {"X": self.X, "y": self.y, "metadata": metadata}


def hold_out(
    n_rows: int, fraction: float, labels: NDArray[Any] | None, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split row numbers into training and validation, shuffled, stratified where that is possible.

    Parameters
    ----------
    n_rows : int
    fraction : float
        Share of the rows for validation, in (0, 1); at least one row on each side.
    labels : ndarray of shape (n_rows,), or None
        Classes to stratify by. A class of a single row, or more classes than validation rows,
        make an unstratified split.
    seed : int

    Returns
    -------
    train, valid : ndarray of int

    Raises
    ------
    ValueError
        If there is only one row.

    Examples
    --------
    >>> train, valid = hold_out(10, 0.2, np.repeat([0, 1], 5), seed=0)
    >>> len(train), sorted(np.repeat([0, 1], 5)[valid].tolist())
    (8, [0, 1])
    """
    if n_rows < 2:
        raise ValueError(
            message(
                "Early stopping cannot hold rows out of 1 sample",
                expected="2 samples or more",
                got=f"n_samples={n_rows}",
                todo="Give more rows, or early_stopping=False",
            )
        )
    n_valid = min(int(np.ceil(fraction * n_rows)), n_rows - 1)
    stratified = labels is not None and _can_stratify(labels, n_valid)
    train, valid = train_test_split(
        np.arange(n_rows),
        test_size=n_valid,
        random_state=seed,
        stratify=labels if stratified else None,
    )
    return train, valid


def _can_stratify(labels: NDArray[Any], n_valid: int) -> bool:
    counts = np.unique(labels, return_counts=True)[1]
    return bool(counts.min() >= 2 and len(counts) <= min(n_valid, len(labels) - n_valid))


def to_tensor(array: NDArray[Any]) -> Tensor:
    """Return a tensor on the array's memory where torch can take it, else on a copy."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())
