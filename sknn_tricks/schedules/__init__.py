"""Schedules: how a rate goes on along the training, as a factor of each step."""

from sknn_tricks.schedules._by_name import SCHEDULES, make_schedule
from sknn_tricks.schedules._course import Course, factor_at
from sknn_tricks.schedules._cycles import cosine_restarts, coslog, cyclic, one_cycle
from sknn_tricks.schedules._decays import (
    constant,
    cosine,
    exponential,
    flat_cosine,
    inverse_sqrt,
    linear,
    multi_step,
    step,
)
from sknn_tricks.schedules._moment import Moment, Schedule
from sknn_tricks.schedules._plateau import plateau
from sknn_tricks.schedules._torch import as_torch

__all__ = [
    "SCHEDULES",
    "Course",
    "Moment",
    "Schedule",
    "as_torch",
    "constant",
    "cosine",
    "cosine_restarts",
    "coslog",
    "cyclic",
    "exponential",
    "factor_at",
    "flat_cosine",
    "inverse_sqrt",
    "linear",
    "make_schedule",
    "multi_step",
    "one_cycle",
    "plateau",
    "step",
]
