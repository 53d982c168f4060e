"""A schedule that looks at the losses."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sknn_tricks.schedules._checks import check, is_count
from sknn_tricks.schedules._moment import Moment


@dataclass(frozen=True)
class plateau:
    """Times `factor` whenever the loss has not fallen for some epochs.

    It looks at the validation loss where there is one, else at the training loss.

    Parameters
    ----------
    factor : float, default=0.2
        In (0, 1).
    patience : int, default=5
        Epochs without a better loss after which it falls. Early stopping should wait longer.
    tol : float, default=1e-4
        Share of the best loss by which another must be lower to count as better.
    final : float, default=0.0
        Below this it does not fall.

    Notes
    -----
    It has a memory, which a schedule has not: `begin` returns what remembers one training.

    Examples
    --------
    >>> watch = plateau(factor=0.5, patience=2).begin()
    >>> for loss in (1.0, 0.9, 0.9, 0.9):
    ...     watch.end_epoch(loss)
    >>> watch(Moment(40, 100, 10))
    0.5
    """

    factor: float = 0.2
    patience: int = 5
    tol: float = 1e-4
    final: float = 0.0

    def __post_init__(self) -> None:
        check(0 < self.factor < 1, "factor", self.factor, "a factor in (0, 1)", "0.2")
        check(is_count(self.patience), "patience", self.patience, "epochs from 1 on", "5")
        check(0 <= self.tol < 1, "tol", self.tol, "a share in [0, 1)", "1e-4")
        check(0 <= self.final <= 1, "final", self.final, "a factor in [0, 1]", "0.0")

    def __call__(self, moment: Moment) -> float:
        """Return 1: only what `begin` returns hears of losses."""
        return 1.0

    def begin(self) -> Watch:
        """Return what remembers the losses of one training."""
        return Watch(self)


class Watch:
    """The memory of a `plateau` in one training.

    Parameters
    ----------
    settings : plateau
    """

    def __init__(self, settings: plateau) -> None:
        self._settings = settings
        self._best, self._n_bad, self._now = math.inf, 0, 1.0

    def __call__(self, moment: Moment) -> float:
        """Return the factor of a moment."""
        return self._now

    def end_epoch(self, loss: float) -> None:
        """Hear of an epoch's loss."""
        settings = self._settings
        margin = settings.tol * abs(self._best) if self._best < math.inf else 0.0
        if loss < self._best - margin:
            self._best, self._n_bad = loss, 0
            return
        self._n_bad += 1
        if self._n_bad == settings.patience:
            self._n_bad = 0
            self._now = max(self._now * settings.factor, settings.final)
