"""A stand-in for training, that tests of the rendezvous can look into."""

import faulthandler
import threading
import time

import pytest

from sknn_tricks.fused import Trained
from sknn_tricks.fused.rendezvous import _backend, _fused_training, train_together


@pytest.fixture(autouse=True)
def _nothing_hangs():
    """End the process with all threads' traces, rather than wait for ever."""
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True)
def on_train(monkeypatch):
    """Return a decorator for what `train` shall do; at first, it names nets after their seeds.

    The function returns for each job a net, an error, or a pair (net, warning).
    """

    def set_train(function):
        def train(jobs, *, is_cancelled=lambda: False, **settings):
            results = function(jobs, is_cancelled) or [f"net {job.seed}" for job in jobs]
            return [_trained(result) for result in results]

        monkeypatch.setattr(_backend, "train", train)
        monkeypatch.setattr(_fused_training, "train", train)
        return function

    set_train(lambda jobs, is_cancelled: None)
    return set_train


def _trained(result):
    if isinstance(result, Exception):
        return Trained(None, error=result)
    net, *warnings = result if isinstance(result, tuple) else (result,)
    return Trained(net, warnings=tuple(warnings))


@pytest.fixture
def trainings(on_train):
    """The seeds of each training so far."""
    seeds = []

    @on_train
    def note(jobs, is_cancelled):
        seeds.append([job.seed for job in jobs])

    return seeds


@pytest.fixture
def fit(make_job):
    """Return a function that does with a seed what a fit does with its job."""
    return lambda seed: train_together(make_job(seed=seed))[0].net


@pytest.fixture
def no_task_is_left():
    yield
    deadline = time.monotonic() + 5
    while any("sknn_tricks" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline, threading.enumerate()
        time.sleep(0.01)
