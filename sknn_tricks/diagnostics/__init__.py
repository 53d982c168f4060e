"""Reports on data and training: data first, figures second."""

from sknn_tricks.diagnostics.diversity._classes import Classes
from sknn_tricks.diagnostics.diversity._diversity import DiversityReport, diversity_report
from sknn_tricks.diagnostics.diversity._features import Coverage, Features
from sknn_tricks.diagnostics.diversity._rows import Duplicates, Overlap
from sknn_tricks.diagnostics.predictions._classification import ClassificationReport
from sknn_tricks.diagnostics.predictions._multi_output import MultiOutputReport
from sknn_tricks.diagnostics.predictions._out_of_fold import OutOfFold, out_of_fold
from sknn_tricks.diagnostics.predictions._prediction_report import prediction_report
from sknn_tricks.diagnostics.predictions._regression import RegressionReport
from sknn_tricks.diagnostics.searches._comparison import Comparison
from sknn_tricks.diagnostics.searches._factors import Factor
from sknn_tricks.diagnostics.searches._report import SearchReport
from sknn_tricks.diagnostics.searches._search_report import search_report

__all__ = [
    "Classes",
    "ClassificationReport",
    "Comparison",
    "Coverage",
    "DiversityReport",
    "Duplicates",
    "Factor",
    "Features",
    "MultiOutputReport",
    "OutOfFold",
    "Overlap",
    "RegressionReport",
    "SearchReport",
    "diversity_report",
    "out_of_fold",
    "prediction_report",
    "search_report",
]
