"""A net while it trains, alone or in a stack."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from skorch.callbacks import EpochTimer
from torch import Tensor

from sknn_tricks._padding import padded
from sknn_tricks.averaging import renew_statistics, swa
from sknn_tricks.fused import tricks
from sknn_tricks.fused._balance import Orders
from sknn_tricks.fused._courses import Courses
from sknn_tricks.fused._cpu import no_denormals, one_thread
from sknn_tricks.fused._hooks import NOTHING, Hooks, Trick
from sknn_tricks.fused._job import Epochs, Job, Trained
from sknn_tricks.fused._make import check_batch_norm, give_settings, make_net
from sknn_tricks.fused._net import StopTraining, own_memory
from sknn_tricks.fused._random import stream_seed
from sknn_tricks.fused._rows import Rows, batch_sizes, in_order
from sknn_tricks.fused._stopping import BestWeights, check_finite_weights, warnings_if_astray
from sknn_tricks.fused.stacks._batches import flat_x

# scikit-learn's callbacks are told of epochs by one thread at a time.
_TELLING = threading.RLock()


class NotKept(Exception):
    """Somebody wants to know of weights that nobody has any more."""


class EachEpochOnce:
    """Tells of each epoch once, even if training has to begin anew.

    Parameters
    ----------
    epochs : Epochs
    """

    def __init__(self, epochs: Epochs) -> None:
        self._epochs = epochs
        self._n_begun = 0
        self._answers: list[bool | Exception] = []
        self.restart()

    def restart(self) -> None:
        """Count the epochs from the first again."""
        self._n = 0

    def begin(self) -> None:
        """Tell of an epoch that begins."""
        if self._n == self._n_begun:
            self._n_begun += 1
            with _TELLING:
                self._epochs.begin()

    def end(self, net: Any) -> bool:
        """Tell of an epoch that has ended."""
        if self._n == len(self._answers):
            self._answers.append(self._tell(net))
        self._n += 1
        answer = self._answers[self._n - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _tell(self, net: Any) -> bool | Exception:
        with _TELLING:
            try:
                return self._epochs.end(net)
            except NotKept:
                raise
            except Exception as error:
                return error


def each_epoch_once(epochs: Epochs | None) -> EachEpochOnce | None:
    """Return what tells of each epoch once, whoever trains."""
    if epochs is None or isinstance(epochs, EachEpochOnce):
        return epochs
    return EachEpochOnce(epochs)


class Member:
    """The net of a job, from its making to its end.

    Parameters
    ----------
    job : Job

    Attributes
    ----------
    net : Net
        A new one, or the twin of the one to go on from.
    n_before : int
        Epochs that the net has had before.
    seconds : float
        Its share of the time so far.
    error : Exception or None
        What ended its training before its time.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.epochs = each_epoch_once(job.epochs)
        self.restart()

    def restart(self) -> None:
        """Begin anew, with a new net."""
        job = self.job
        if self.epochs is not None:
            self.epochs.restart()
        self.net = job.start.twin() if job.start is not None else make_net(job)
        self.n_before = len(self.net.history)
        self.best = BestWeights(job.stopping) if job.stopping is not None else None
        self.seconds = 0.0
        self.error: Exception | None = None
        self.has_ended = False
        self._set_up()

    def _set_up(self) -> None:
        """Give the net the settings of this training."""
        job, net = self.job, self.net
        check_batch_norm(net.module_, job)
        give_settings(net, job)
        self.courses = net.courses_ = Courses(job, self.pace)
        asked = [each.of(job, net.module_, self.stream) for each in tricks.TRICKS]
        net.tricks_ = Hooks([trick for trick in asked if trick is not None], Trick)
        if self.best is not None:
            # First, so that it has seen an epoch that another callback stops after.
            net.callbacks_.insert(0, ("best_weights", self.best))

    def stream(self, purpose: str, *index: int) -> int:
        """Return the seed of one of its random streams."""
        return stream_seed(self.job.seed, purpose, *index, self.n_before)

    def fail(self, error: Exception) -> None:
        """Note what went wrong, unless the training had ended before."""
        if not self.has_ended:
            self.error, self.has_ended = error, True

    def result(self) -> Trained:
        """Return the trained net, or why there is none."""
        if self.error is None:
            try:
                self._renew_statistics()
            except Exception as error:  # rows that cannot be read
                self.error = error
        if self.error is not None:
            return Trained(None, seconds=self.seconds, error=self.error)
        net = self.net
        if self.best is not None:
            net.callbacks_.remove(("best_weights", self.best))
        net.kept_epoch_ = self.best.best_epoch_ if self.best is not None else len(net.history)
        found = warnings_if_astray(net, self.job.task.constant_loss)
        return Trained(net, net.kept_epoch_, self.seconds, found)

    def _renew_statistics(self) -> None:
        """Compute BatchNorm's running statistics anew if the net has a mean of weights."""
        job, rule = self.job, self.job.averaging
        n_epochs = len(self.net.history) if self.best is None else self.best.best_epoch_
        if isinstance(rule, swa) and n_epochs - self.n_before >= rule.first_epoch(job.max_epochs):
            with one_thread(), no_denormals():
                renew_statistics(self.net.module_, in_order(job.train, job.batch_size))

    # --- as part of a stack -----------------------------------------------------------------

    @property
    def pace(self) -> int:
        """Steps in an epoch."""
        return len(batch_sizes(len(self.job.train), self.job.batch_size))

    def begin(self) -> None:
        """Begin the training in the net's callbacks, and its order of rows."""
        job = self.job
        self.net.tricks_ = NOTHING  # the stack has those of all members
        generator = torch.Generator().manual_seed(self.stream("shuffle"))
        self.orders = Orders(job.train, job.balance, generator)
        # As a stack takes them, once for all epochs.
        self.valid = torch.empty(0) if job.valid is None else flat_x(job.valid)
        with self._failing():
            self.net.begin(job.train, job.valid, self.epochs)

    def begin_epoch(self) -> None:
        """Begin an epoch in the net."""
        with self._failing():
            self.net.notify("on_epoch_begin", dataset_train=None, dataset_valid=None)

    def record_train_loss(self, loss: float) -> None:
        """Record the mean loss of an epoch."""
        if not self.has_ended:
            self.net.record_loss("train_loss", loss)

    def valid_rows(self, start: int, size: int) -> Tensor:
        """Return some validation rows; zeros if they cannot be read, which is the member's end."""
        try:
            return self.valid[start : start + size]
        except Exception as error:
            self.fail(error)
            width = padded(torch.Size(self.job.input_shape).numel())
            nothing = torch.zeros(1, width, dtype=self.job.dtype)
            self.valid = nothing.expand(len(self.valid), -1)
            return self.valid[start : start + size]

    def record_validation(self, outputs: Tensor) -> None:
        """Record loss and score of the outputs on the validation rows."""
        if self.has_ended:
            return
        task, rows = self.job.task, cast(Rows, self.job.valid)
        target = cast(Tensor, rows.target)
        with self._failing():
            self.net.record_loss("valid_loss", task.loss(outputs, target, rows.weight).item())
            self.net.history.record("valid_score", task.score(outputs, target, rows.weight))

    def end_epoch(self, seconds: float) -> bool:
        """End an epoch that took it so long; True if it was the last."""
        if self.has_ended:
            return True
        self.seconds += seconds
        for _, callback in self.net.callbacks_:
            if isinstance(callback, EpochTimer):
                callback.epoch_start_time_ = time.time() - seconds
        with self._failing():
            try:
                self.net.notify("on_epoch_end", dataset_train=None, dataset_valid=None)
            except StopTraining:
                return True
        return self.has_ended or len(self.net.history) - self.n_before == self.job.max_epochs

    def end(self) -> None:
        """End the training; the net's tensors are its own from now on."""
        own_memory(self.net.module_)
        with self._failing():
            self.net.end(self.job.train)
            check_finite_weights(self.net)
        self.has_ended = True

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Let an error be the end of this member, not of the others."""
        try:
            yield
        except Exception as error:
            self.fail(error)
