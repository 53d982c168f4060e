"""Layers that are frozen at first begin to learn, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from torch import nn

from sknn_tricks.fused._hooks import Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.nets._layered import Layered


class Thaw(Trick):
    """Gradual unfreezing of one net; there is no form for K members, as such nets train alone.

    Parameters
    ----------
    parts : sequence of Layered
    n_before : int
        Epochs that the net has had before: it thaws over all its trainings.
    """

    def __init__(self, parts: Sequence[Layered], n_before: int) -> None:
        self._parts, self._n_before = parts, n_before

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return what thaws the layers of a module, if some begin later than others."""
        parts = [part for part in module.modules() if isinstance(part, Layered) and part.changes]
        n_before = 0 if job.start is None else len(job.start.history)
        return cls(parts, n_before) if parts else None

    def on_epoch_begin(self, epoch: int) -> None:
        """Let the layers learn whose epoch has come."""
        for part in self._parts:
            part.begin_epoch(self._n_before + epoch)

    def save(self, net: Any) -> None:
        """Leave a net that nobody finds frozen."""
        for part in self._parts:
            part.thaw()
