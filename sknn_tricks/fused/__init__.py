"""Nets that are trained together: many fits, one training."""

from sknn_tricks.fused._job import Job, Stopping, Task, Trained
from sknn_tricks.fused._report import Report
from sknn_tricks.fused._rows import Rows
from sknn_tricks.fused._train import train
from sknn_tricks.fused.cache import Cache
from sknn_tricks.fused.rendezvous import fit_many, fused_training

__all__ = [
    "Cache",
    "Job",
    "Report",
    "Rows",
    "Stopping",
    "Task",
    "Trained",
    "fit_many",
    "fused_training",
    "train",
]
