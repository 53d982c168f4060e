"""Candidates that are stopped when their first epochs are poor."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from sknn_tricks._callback_tasks import is_fold, lineage
from sknn_tricks.model_selection.study._trials import Trials


class EpochPruner:
    """Tells a study's pruner of each epoch, and stops the nets of the candidates it gives up.

    It is a callback of scikit-learn's that finds its way to all nets of a search. What is told of
    a candidate's epoch is the mean over its folds, once all of them have come so far. Nets may
    train in several threads.
    """

    max_propagation_depth = None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batch: Any = None

    def watch(self, context: Any, trials: Trials, n_splits: int) -> None:
        """Begin with a batch.

        Parameters
        ----------
        context : sklearn.callback.CallbackContext
            The task whose children are the folds of the batch.
        trials : Trials
        n_splits : int
        """
        self._batch, self._trials, self._n_splits = context, trials, n_splits
        # By candidate and epoch, what each fold has reached.
        self._values: dict[tuple[int, int], dict[int, float]] = {}

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Take note of an epoch; True if its net need not go on."""
        row = getattr(context, "history_row", None)
        if row is None or (fold := self._fold(context)) is None:
            return False
        candidate, split = divmod(fold, self._n_splits)
        n_epochs = context.parent.max_subtasks
        with self._lock:
            self._take(candidate, split, context.task_id, _value(row), n_epochs)
            return self._trials.asked[candidate].number in self._trials.pruned

    def _take(self, candidate: int, split: int, epoch: int, value: float, n_epochs: int) -> None:
        trial, pruned = self._trials.asked[candidate], self._trials.pruned
        values = self._values.setdefault((candidate, epoch), {})
        if trial.number in pruned or split in values:  # of another net of the same fold
            return
        values[split] = value
        if len(values) == self._n_splits:
            trial.report(sum(values[i] for i in range(self._n_splits)) / len(values), epoch)
            # Who has come to the end may as well be scored.
            if epoch + 1 < n_epochs and trial.should_prune():
                pruned.add(trial.number)

    def _fold(self, context: Any) -> int | None:
        """Return the number of the batch's fold that a task is part of.

        None for what is no part of the batch, or of a fold of another search in there.
        """
        path = lineage(context)
        if self._batch not in path:
            return None
        fold, *inner = path[path.index(self._batch) + 1 :]
        return None if any(is_fold(task) for task in inner) else fold.task_id


def _value(row: Mapping[str, Any]) -> float:
    """Return how good a net is after an epoch: higher is better."""
    if "valid_score" in row:
        return float(row["valid_score"])
    return -float(row["valid_loss"] if "valid_loss" in row else row["train_loss"])
