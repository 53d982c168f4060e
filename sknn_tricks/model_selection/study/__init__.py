"""What a search keeps in a study of Optuna.

It needs Optuna, so nobody imports it before there is a search to run.
"""

from sknn_tricks.model_selection.study._pruning import EpochPruner
from sknn_tricks.model_selection.study._space import Space
from sknn_tricks.model_selection.study._study import copy_of_sampler, new_sampler, open_study
from sknn_tricks.model_selection.study._trials import Trials

__all__ = ["EpochPruner", "Space", "Trials", "copy_of_sampler", "new_sampler", "open_study"]
