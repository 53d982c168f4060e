"""From a Job to a trained net: the one seam between scikit-learn and torch."""

from sknn_tricks.fused._job import Job, Stopping, Task, Trained
from sknn_tricks.fused._rows import Rows
from sknn_tricks.fused._train import train

__all__ = ["Job", "Rows", "Stopping", "Task", "Trained", "train"]
