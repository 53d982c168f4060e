"""Estimators that keep what they were given fitted, where scikit-learn clones them."""

from __future__ import annotations

import copy
from typing import Any, Self

from sklearn.base import clone

from sknn_tricks.transfer import _refusals as refusals

# What scikit-learn's clone passes on beside parameters.
PASSED_ON = ("_metadata_request", "_skl_callbacks", "_sklearn_output_config")


class KeepsBackbone:
    """An estimator with a parameter `backbone` that was fitted before, and is part of no search.

    A clone has the same backbone, not an unfitted copy; its parameters are none of this estimator.
    """

    backbone: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with `deep`, also those of other estimators than the backbone."""
        params = super().get_params(deep=deep)  # type: ignore[misc]
        return {n: value for n, value in params.items() if not n.startswith("backbone__")}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, but none of the backbone's, whose training is over."""
        if inner := [name for name in params if name.startswith("backbone__")]:
            raise ValueError(refusals.no_params_of_backbone(inner[0]))
        return super().set_params(**params)  # type: ignore[misc]

    def __sklearn_clone__(self) -> Self:
        params = {
            name: value if name == "backbone" else clone(value, safe=False)
            for name, value in self.get_params(deep=False).items()
        }
        twin = type(self)(**params)
        for name in PASSED_ON:
            if name in vars(self):
                value = vars(self)[name]
                # Callbacks are the same for all clones.
                vars(twin)[name] = value if name == "_skl_callbacks" else copy.deepcopy(value)
        return twin
