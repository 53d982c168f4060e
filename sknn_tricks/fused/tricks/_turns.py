"""Mixup and CutMix of one net take turns: a batch is blended by one of them."""

from __future__ import annotations

import numpy as np

from sknn_tricks.fused._hooks import Stream
from sknn_tricks.fused._job import Job


class Turns:
    """Says of each batch who blends it; both tricks ask one of their own, and hear the same.

    Parameters
    ----------
    job : Job
    stream : callable (purpose) -> int
        Seeds of the member's random streams.
    """

    def __init__(self, job: Job, stream: Stream) -> None:
        self._rates = job.mixup, job.cutmix
        self._generator = np.random.Generator(np.random.SFC64(stream("turns")))

    def is_cutmix(self) -> bool:
        """Whether the next batch is CutMix's: as likely as not if both are asked for."""
        mixup, cutmix = self._rates
        if mixup and cutmix:
            return bool(self._generator.random() < 0.5)
        return cutmix > 0
