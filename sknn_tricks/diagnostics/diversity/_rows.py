"""Rows that come several times, within a data set and in its test set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.diagnostics._words import count, percent

Codes = NDArray[np.int64]

# Groups of equal rows that are named.
EXAMPLES, ROWS_OF_AN_EXAMPLE = 5, 5


@dataclass(frozen=True)
class Duplicates:
    """Rows that are equal to others.

    Parameters
    ----------
    n_rows : int
        Rows in all.
    n_copies : int
        Rows that equal an earlier one.
    n_groups : int
        Groups of two or more equal rows.
    largest_group : int
        Rows of the largest of them; 1 if there is none.
    n_contradictory : int or None
        Rows of groups in which not all have the same label or target; None without targets.
    best_accuracy : float or None
        The accuracy on these rows that no classifier can exceed, since equal rows get equal
        predictions; None without classes.
    examples : tuple of tuple of int
        Numbers of the first rows of the largest groups, contradictory ones first.
    """

    n_rows: int
    n_copies: int
    n_groups: int
    largest_group: int
    n_contradictory: int | None = None
    best_accuracy: float | None = None
    examples: tuple[tuple[int, ...], ...] = ()

    @property
    def share(self) -> float:
        """Share of the rows that are copies."""
        return self.n_copies / self.n_rows

    def facts(self) -> str:
        """Say it in a line."""
        if not self.n_copies:
            return "none"
        line = (
            f"{self.n_copies:,} of {count(self.n_rows, 'row')} copy earlier ones "
            f"({percent(self.share)}), in {count(self.n_groups, 'group')} of up to "
            f"{self.largest_group:,}"
        )
        if self.n_contradictory:
            line += f"; {count(self.n_contradictory, 'row')} in groups of several targets"
        return line + f"; for instance rows {' = '.join(map(str, self.examples[0]))}"

    def advice(self) -> list[str]:
        """Say what to do about it."""
        found = []
        if self.n_copies:
            found.append(
                "Equal rows must not lie on both sides of a split, or scores are too good: "
                "cross-validate with GroupKFold and groups=report.groups. That they count several "
                "times in training is undone by Resampled(DropDuplicates(), net)."
            )
        if self.n_contradictory:
            least = ""
            if self.best_accuracy is not None:
                n_wrong = round((1 - self.best_accuracy) * self.n_rows)
                least = f", and any classifier is wrong on at least {n_wrong:,} of them"
            found.append(
                f"{count(self.n_contradictory, 'row')} contradict each other{least}: look at "
                "them, correct their labels, or add the feature that tells them apart."
            )
        return found


@dataclass(frozen=True)
class Overlap:
    """Rows of the test set that occur in the training set.

    Parameters
    ----------
    n_test_rows : int
        Rows of the test set.
    n_seen : int
        Those of them that equal a row of the training set.
    n_same_target : int or None
        Those of `n_seen` for which an equal row also has the same label or target; None without
        targets.
    examples : tuple of tuple of int
        Pairs: the number of a row of the test set, and that of the first equal training row.
    """

    n_test_rows: int
    n_seen: int
    n_same_target: int | None = None
    examples: tuple[tuple[int, int], ...] = ()

    @property
    def share(self) -> float:
        """Share of the test set that was seen in training."""
        return self.n_seen / self.n_test_rows

    @property
    def n_other_target(self) -> int | None:
        """Rows seen in training, but with other labels or targets only."""
        return None if self.n_same_target is None else self.n_seen - self.n_same_target

    def facts(self) -> str:
        """Say it in a line."""
        if not self.n_seen:
            return f"none of {count(self.n_test_rows, 'test row')}"
        test, train = self.examples[0]
        line = f"{self.n_seen:,} of {count(self.n_test_rows, 'test row')} ({percent(self.share)})"
        if self.n_other_target:
            line += f", {self.n_other_target:,} of them with another target only"
        return f"{line}; for instance test row {test} = row {train}"

    def advice(self) -> list[str]:
        """Say what to do about it."""
        if not self.n_seen:
            return []
        return [
            f"{percent(self.share)} of the test set were seen in training, so its score is too "
            "good: leave these rows out of one of the sets."
        ]


def find_duplicates(
    codes: Codes, targets: Codes | None, *, are_classes: bool
) -> tuple[Duplicates, Codes]:
    """Look for equal rows.

    Parameters
    ----------
    codes : ndarray of shape (N,)
        Equal for equal rows: their `row_codes`.
    targets : ndarray of shape (N,) or None
        Equal for equal targets.
    are_classes : bool
        Whether the targets are labels.

    Returns
    -------
    Duplicates
    groups : ndarray of shape (N,)
        Equal for equal rows, from 0 without gaps.
    """
    _, groups, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    contradictory = np.zeros(len(sizes), bool)
    best_accuracy = None
    if targets is not None:
        # each kind of target within each group, as a single number
        _, at, votes = np.unique(
            groups * (targets.max() + 1) + targets, return_index=True, return_counts=True
        )
        contradictory = np.bincount(groups[at], minlength=len(sizes)) > 1
        if are_classes:
            most = np.zeros(len(sizes), np.int64)
            np.maximum.at(most, groups[at], votes)
            best_accuracy = float(most.sum() / len(codes))
    found = Duplicates(
        n_rows=len(codes),
        n_copies=len(codes) - len(sizes),
        n_groups=int((sizes > 1).sum()),
        largest_group=int(sizes.max()),
        n_contradictory=None if targets is None else int(sizes[contradictory].sum()),
        best_accuracy=best_accuracy,
        examples=_examples(groups, sizes, contradictory),
    )
    return found, groups


def _examples(
    groups: Codes, sizes: Codes, contradictory: NDArray[np.bool_]
) -> tuple[tuple[int, ...], ...]:
    order = np.lexsort((-sizes, ~contradictory))[:EXAMPLES]
    named = [np.flatnonzero(groups == i) for i in order if sizes[i] > 1]
    return tuple(tuple(rows[:ROWS_OF_AN_EXAMPLE].tolist()) for rows in named)


def find_overlap(
    train: Codes, test: Codes, train_targets: Codes | None, test_targets: Codes | None
) -> Overlap:
    """Look for rows of the training set in the test set.

    Parameters
    ----------
    train, test : ndarray of shape (N,), (N_test,)
        The `joint_row_codes` of both.
    train_targets, test_targets : ndarray of the same shapes, or None
        Equal for equal targets.

    Returns
    -------
    Overlap
    """
    seen = test < len(train)
    n_same = None
    if train_targets is not None and test_targets is not None:
        n_targets = max(train_targets.max(), test_targets.max()) + 1
        pairs = test[seen] * n_targets + test_targets[seen]
        n_same = int(np.isin(pairs, train * n_targets + train_targets).sum())
    at = np.flatnonzero(seen)[:EXAMPLES]
    examples = tuple((int(i), int(test[i])) for i in at)
    return Overlap(len(test), int(seen.sum()), n_same, examples)
