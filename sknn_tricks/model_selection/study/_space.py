"""What is searched, in Optuna's terms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna import Trial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    check_distribution_compatibility,
)
from optuna.trial import FrozenTrial

from sknn_tricks.model_selection import _refusals as refusals

# The categories that Optuna can write down.
PLAIN = (bool, int, float, str, type(None))
ADDRESS = re.compile(r" at 0x\w+")


class Space:
    """Parameters, and what each is drawn from.

    Categories that Optuna cannot write down, such as tuples or functions, have a label there.

    Parameters
    ----------
    param_distributions : dict of str to distribution or list

    Attributes
    ----------
    distributions : dict of str to optuna.distributions.BaseDistribution

    Examples
    --------
    >>> Space({"lr": [0.1, 0.2], "hidden": [(8,), (8, 8)]}).distributions["hidden"]
    CategoricalDistribution(choices=('0: (8,)', '1: (8, 8)'))
    """

    def __init__(self, param_distributions: Mapping[str, Any]) -> None:
        if not param_distributions:
            raise ValueError(refusals.nothing_to_search())
        self._labelled: dict[str, dict[Any, Any]] = {}
        self.distributions = {
            name: self._distribution(name, given) for name, given in param_distributions.items()
        }

    def values(self, trial: Trial | FrozenTrial) -> dict[str, Any]:
        """Return the parameters of a trial as the estimator wants them."""
        return {
            name: self._labelled[name][value] if name in self._labelled else value
            for name, value in trial.params.items()
        }

    def check(self, trial: FrozenTrial) -> None:
        """Raise if a trial of the study was drawn from something that does not go with this."""
        for name, before in trial.distributions.items():
            now = self.distributions.get(name, before)
            try:
                check_distribution_compatibility(before, now)
            except ValueError as error:
                raise ValueError(refusals.other_distribution(name, before, now)) from error

    def _distribution(self, name: str, given: Any) -> BaseDistribution:
        if isinstance(given, BaseDistribution):
            return given
        choices = given.tolist() if isinstance(given, np.ndarray) else given
        if not isinstance(choices, list | tuple) or not choices:
            raise ValueError(refusals.no_distribution(name, given))
        if all(isinstance(choice, PLAIN) for choice in choices):
            return CategoricalDistribution(choices)
        labels = [f"{i}: {_text(choice)}" for i, choice in enumerate(choices)]
        self._labelled[name] = dict(zip(labels, choices, strict=True))
        return CategoricalDistribution(labels)


def _text(choice: Any) -> str:
    """Return what a category is called, which is the same in each process."""
    return getattr(choice, "__qualname__", None) or ADDRESS.sub("", repr(choice))
