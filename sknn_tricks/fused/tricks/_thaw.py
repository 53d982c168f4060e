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
    """

    def __init__(self, parts: Sequence[Layered]) -> None:
        self._parts = parts

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return what thaws the layers of a module, if some begin later than others."""
        parts = [part for part in module.modules() if isinstance(part, Layered) and part.changes]
        return cls(parts) if parts else None

    def on_epoch_begin(self, epoch: int) -> None:
        """Let the layers learn whose epoch has come."""
        for part in self._parts:
            part.begin_epoch(epoch)

    def save(self, net: Any) -> None:
        """Leave a net that nobody finds frozen."""
        for part in self._parts:
            part.thaw()
