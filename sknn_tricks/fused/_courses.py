"""The rates of one net along its training: learning rate, weight decay, dropout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sknn_tricks.nets._seeded import Seeded
from sknn_tricks.schedules import Course, make_schedule

if TYPE_CHECKING:
    from sknn_tricks.fused._job import Job

Factors = tuple[float, ...] | None
SCHEDULED = ("lr_schedule", "weight_decay_schedule", "dropout_schedule")


class Courses:
    """How a net's rates go on, epoch by epoch.

    Parameters
    ----------
    job : Job
    pace : int
        Steps of an epoch.

    Raises
    ------
    ValueError
        If there is no such schedule, or the training is too short for it.
    """

    def __init__(self, job: Job, pace: int) -> None:
        whole = job.max_epochs, pace
        self._lr = Course("lr_schedule", job.lr_schedule, *whole, job.warmup)
        self._weight_decay = Course("weight_decay_schedule", job.weight_decay_schedule, *whole)
        self._dropout = Course("dropout_schedule", job.dropout_schedule, *whole, highest=1.0)

    @property
    def lr(self) -> Factors:
        """Of each step of the epoch; None for a factor that is always 1."""
        return self._lr.factors

    @property
    def weight_decay(self) -> Factors:
        """Of each step of the epoch; None for a factor that is always 1."""
        return self._weight_decay.factors

    @property
    def dropout(self) -> Factors:
        """Of each step of the epoch; None for a factor that is always 1."""
        return self._dropout.factors

    @property
    def is_constant(self) -> bool:
        """Whether all rates stay what they are."""
        return self._lr.is_constant and self._weight_decay.is_constant and self._dropout.is_constant

    def begin_epoch(self) -> None:
        """Settle the factors of the next epoch."""
        for course in (self._lr, self._weight_decay, self._dropout):
            course.begin_epoch()

    def end_epoch(self, row: dict[str, Any]) -> None:
        """Hear of an epoch, by its row of the history."""
        loss = row.get("valid_loss", row["train_loss"])
        for course in (self._lr, self._weight_decay, self._dropout):
            course.end_epoch(loss)


def unscheduled(job: Job) -> Job:
    """Return the job with rates that stay what they are.

    Raises
    ------
    ValueError
        If there are no schedules such as it has.
    """
    for name in SCHEDULED:
        make_schedule(getattr(job, name), name)
    constant: dict[str, Any] = dict.fromkeys(SCHEDULED, "constant")
    return replace(job, warmup=0.0, **constant)


class PlainRates:
    """Sets the rates of a plain net's optimiser and layers before each step.

    Parameters
    ----------
    courses : Courses
    module : torch.nn.Module
    optimizer : torch.optim.Optimizer
        The factors are for the rates that it has now.
    """

    def __init__(
        self, courses: Courses, module: nn.Module, optimizer: torch.optim.Optimizer
    ) -> None:
        self._courses, self._step = courses, 0
        self._groups = [(group, dict(group)) for group in optimizer.param_groups]
        self._ours = [part for part in module.modules() if isinstance(part, Seeded)]
        dropouts = (e for e in module.modules() if isinstance(e, nn.modules.dropout._DropoutNd))
        self._torchs = [(part, part.p) for part in dropouts if not isinstance(part, Seeded)]

    def begin_epoch(self) -> None:
        """Begin with the first step of an epoch."""
        self._step = 0

    def begin_step(self) -> None:
        """Set the rates of the next step."""
        courses, step = self._courses, self._step
        self._step += 1
        if courses.lr is not None or courses.weight_decay is not None:
            self._set_optimizer(at(courses.lr, step), at(courses.weight_decay, step))
        if courses.dropout is not None:
            self._set_dropout(courses.dropout[step])

    def reset(self) -> None:
        """Set all rates to what they would be without schedules."""
        self._set_optimizer(1.0, 1.0)
        self._set_dropout(1.0)

    def _set_optimizer(self, lr: float, weight_decay: float) -> None:
        for group, whole in self._groups:
            group["lr"] = whole["lr"] * lr
            if "weight_decay" in group:
                group["weight_decay"] = whole["weight_decay"] * weight_decay

    def _set_dropout(self, factor: float) -> None:
        for layer in self._ours:
            layer.factor = factor
        for other, p in self._torchs:
            other.p = p * factor


def at(factors: Factors, step: int) -> float:
    """Return the factor of a step."""
    return 1.0 if factors is None else factors[step]


def per_step(factors: Sequence[Factors], n_steps: int) -> torch.Tensor | None:
    """Return the factors of K members' steps as float64 (T, K, 1, 1), or None if all are always 1.

    Those of members with fewer steps are filled up with 1.
    """
    if all(each is None for each in factors):
        return None
    filled = torch.ones(n_steps, len(factors), 1, 1, dtype=torch.float64)
    for k, each in enumerate(factors):
        if each is not None:
            filled[: len(each), k, 0, 0] = torch.tensor(each, dtype=torch.float64)
    return filled
