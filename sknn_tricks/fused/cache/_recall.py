"""Which nets of some jobs were trained before, and the keeping of those that were not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

from sknn_tricks._messages import message
from sknn_tricks.fused._job import Job, Trained
from sknn_tricks.fused._member import EachEpochOnce, NotKept, each_epoch_once
from sknn_tricks.fused.cache._cache import Cache


class Recall:
    """What a cache has for some jobs.

    Parameters
    ----------
    cache : Cache or None
        None knows nothing and keeps nothing.
    jobs : sequence of Job

    Attributes
    ----------
    jobs : list of Job
        The same, whose epochs are told of once: those of a net that was found, but has to be
        trained after all, have been told of.
    found : dict of int to Trained
        The nets that need no training, by the places of their jobs.
    """

    def __init__(self, cache: Cache | None, jobs: Sequence[Job]) -> None:
        self._cache = cache
        self.jobs = [replace(job, epochs=each_epoch_once(job.epochs)) for job in jobs]
        self._paths = [None] * len(jobs) if cache is None else cache.addresses(jobs)
        found = {i: self._find(i) for i in range(len(jobs))}
        self.found = {i: trained for i, trained in found.items() if trained is not None}

    def _find(self, i: int) -> Trained | None:
        path, job = self._paths[i], self.jobs[i]
        if self._cache is None or (trained := self._cache.find(path, job)) is None:
            return None
        return trained if job.epochs is None else _tell_again(job.epochs, trained)

    def keep(self, i: int, trained: Trained) -> Trained:
        """Keep what became of a job, with a warning if that cannot be done.

        A net whose training was stopped by one who listened is no net of that job.
        """
        job = self.jobs[i]
        if self._cache is None or trained.net is None:
            return trained
        if job.epochs is not None and len(trained.net.history) < job.max_epochs:
            return trained
        try:
            self._cache.keep(self._paths[i], trained)
        except OSError as error:
            if not self._cache.has_failed:
                self._cache.has_failed = True
                return replace(trained, warnings=(*trained.warnings, _not_written(error)))
        return trained


class _Past:
    """A net as it was after an epoch, as far as anybody remembers."""

    def __init__(self, history: Any) -> None:
        self.history = self.history_ = history

    def twin(self) -> NoReturn:
        """Raise: the weights are gone."""
        raise NotKept


def _tell_again(epochs: Any, trained: Trained) -> Trained | None:
    """Tell of the epochs of a net that was trained before.

    Returns None if it has to be trained after all: for one who wants to see its weights after an
    epoch, or stops it earlier.
    """
    assert isinstance(epochs, EachEpochOnce)
    history = trained.net.history
    try:
        for n in range(1, len(history) + 1):
            epochs.begin()
            if epochs.end(_Past(history[:n])) and n < len(history):
                raise NotKept
    except NotKept:
        epochs.restart()
        return None
    except Exception as error:
        return Trained(None, error=error)
    return trained


def _not_written(error: OSError) -> RuntimeWarning:
    return RuntimeWarning(
        message(
            "Trained nets cannot be written to the cache",
            expected="a folder with room",
            got=str(error),
            todo="Make room; training goes on without the cache, and finds again what is there",
        )
    )
