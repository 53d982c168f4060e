"""Histories as fitted estimators have them: a plain dict for each epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

# Ends of the history's keys that only skorch's callbacks need.
OF_SKORCH = ("batches", "_batch_count", "_best")
# What an epoch's entry has the mean of; durations are added up.
MEANS = ("train_loss", "valid_loss", "valid_score", "monitor")


def plain_epochs(history: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return epochs of skorch's history without what only its callbacks need.

    Examples
    --------
    >>> plain_epochs([{"epoch": 1, "train_loss": 0.5, "train_loss_best": True, "batches": []}])
    [{'epoch': 1, 'train_loss': 0.5}]
    """
    return [
        {name: value for name, value in epoch.items() if not name.endswith(OF_SKORCH)}
        for epoch in history
    ]


def mean_history(histories: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return one history: of each epoch the means over the members that were still training.

    Examples
    --------
    >>> first, second = ({"epoch": n, "train_loss": 3.0 - n, "dur": 1.0} for n in (1, 2))
    >>> other = {"epoch": 1, "train_loss": 1.0, "dur": 1.0}
    >>> mean_history([[first, second], [other]])[0]
    {'epoch': 1, 'train_loss': 1.5, 'dur': 2.0}
    """
    longest = max(histories, key=len)
    return [
        _mean_epoch([history[i] for history in histories if i < len(history)])
        for i in range(len(longest))
    ]


def _mean_epoch(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    means = {
        name: float(np.mean([entry[name] for entry in entries]))
        for name in MEANS
        if name in entries[0]
    }
    return {**entries[0], **means, "dur": sum(entry["dur"] for entry in entries)}
