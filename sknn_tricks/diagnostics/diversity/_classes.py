"""How many rows each class has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.diagnostics._words import count, listed

# From these on there is something to be done about it.
UNEQUAL, FEW_ROWS = 3.0, 10


@dataclass(frozen=True)
class Classes:
    """How many rows each class has.

    Parameters
    ----------
    labels : tuple
        Of the classes, those of most rows first.
    counts : tuple of int
        Rows of each.
    test_counts : tuple of int or None
        Rows of each in the test set, if there is one.
    unseen : tuple
        Labels of the test set that the training set does not have.

    Examples
    --------
    >>> classes = Classes(("cat", "dog"), (90, 10))
    >>> classes.imbalance_ratio, round(classes.effective_number, 2)
    (9.0, 1.38)
    """

    labels: tuple[Any, ...]
    counts: tuple[int, ...]
    test_counts: tuple[int, ...] | None = None
    unseen: tuple[Any, ...] = ()

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the rows that each class has."""
        return tuple(n / sum(self.counts) for n in self.counts)

    @property
    def imbalance_ratio(self) -> float:
        """Rows of the largest class for each row of the smallest."""
        return self.counts[0] / self.counts[-1]

    @property
    def effective_number(self) -> float:
        """Number of equally large classes that would be as diverse: exp of the entropy."""
        shares = np.array(self.shares)
        return float(np.exp(-(shares * np.log(shares)).sum()))

    def facts(self) -> str:
        """Say it in a line."""
        line = f"{len(self.labels)}, as diverse as {self.effective_number:.1f} equal ones; "
        if self.counts[0] == self.counts[-1]:
            line += f"{count(self.counts[0], 'row')} each"
        else:
            line += (
                f"largest to smallest {self.imbalance_ratio:.3g} to 1 (smallest: "
                f"{self.labels[-1]!s} with {count(self.counts[-1], 'row')})"
            )
        return line + (f"; {listed(self.unseen)} in the test set only" if self.unseen else "")

    def advice(self) -> list[str]:
        """Say what to do about it."""
        found = []
        if len(self.labels) == 1:
            found.append(f"All rows are of class {self.labels[0]!s}: there is nothing to learn.")
        elif self.imbalance_ratio >= UNEQUAL:
            found.append(
                f"The largest class has {self.imbalance_ratio:.3g} times the rows of the smallest: "
                "look at balanced accuracy, and try NetClassifier(loss='logit_adjusted'), "
                "class_weight='balanced', or Resampled(BalancedSampler(), net)."
            )
        few = [label for label, n in zip(self.labels, self.counts, strict=True) if n < FEW_ROWS]
        if few:
            found.append(
                f"Classes of less than {FEW_ROWS} rows ({listed(few)}) can hardly be learned or "
                "scored: collect more rows, merge classes, or augment with AugmentedOverSampler."
            )
        if self.unseen:
            found.append(
                f"No model can find the classes {listed(self.unseen)}, which only the test set "
                "has: split with stratify=y, or collect rows of them."
            )
        return found


def find_classes(codes: NDArray[np.int64], labels: tuple[Any, ...], n_rows: int) -> Classes:
    """Count the rows of each class.

    Parameters
    ----------
    codes : ndarray of shape (n_rows + n_test_rows,)
        The number in `labels` of the label of each row, of the test set last.
    labels : tuple
    n_rows : int

    Returns
    -------
    Classes
    """
    train = np.bincount(codes[:n_rows], minlength=len(labels))
    test = np.bincount(codes[n_rows:], minlength=len(labels))
    order = [int(i) for i in np.argsort(-train, kind="stable") if train[i]]
    return Classes(
        labels=tuple(labels[i] for i in order),
        counts=tuple(int(train[i]) for i in order),
        test_counts=tuple(int(test[i]) for i in order) if len(codes) > n_rows else None,
        unseen=tuple(label for i, label in enumerate(labels) if not train[i]),
    )
