"""Reports on data and training: data first, figures second."""

from sknn_tricks.diagnostics._diversity import DiversityReport, diversity_report
from sknn_tricks.diagnostics._diversity_classes import Classes
from sknn_tricks.diagnostics._diversity_features import Coverage, Features
from sknn_tricks.diagnostics._diversity_rows import Duplicates, Overlap

__all__ = [
    "Classes",
    "Coverage",
    "DiversityReport",
    "Duplicates",
    "Features",
    "Overlap",
    "diversity_report",
]
