"""What kind of fit a run is of, and what is told of it when it begins."""

from __future__ import annotations

from typing import Any

from sknn_tricks._param_names import changed_params, class_names, describe, short_names
from sknn_tricks._sklearn_private import BaseSearchCV
from sknn_tricks.model_selection._cross_validation import CrossValidation


def kind_of(estimator: Any) -> str:
    """Return ``"search"``, ``"cross_validation"`` or ``"fit"``: the run's tag `kind`."""
    if isinstance(estimator, BaseSearchCV):
        return "search"
    return "cross_validation" if isinstance(estimator, CrossValidation) else "fit"


def default_name(estimator: Any) -> str:
    """Return the name of a run whose user gave none.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV
    >>> default_name(GridSearchCV(Ridge(), {"alpha": [1, 2]}))
    'GridSearchCV: Ridge'
    """
    match kind_of(estimator):
        case "search":
            return f"{type(estimator).__name__}: {class_names(estimator.estimator)}"
        case "cross_validation":
            return f"cross_validate: {class_names(estimator.estimator)}"
        case _:
            return class_names(estimator)


def described(estimator: Any) -> Any:
    """Return the estimator that a run is about: of a cross-validation the one it validates."""
    return estimator.estimator if isinstance(estimator, CrossValidation) else estimator


def first_params(estimator: Any) -> dict[str, str]:
    """Return the parameters that are not at their default, by their short names.

    None for a search, whose parameters are told when it sends out candidates.
    """
    if kind_of(estimator) == "search":
        return {}
    params = changed_params(described(estimator))
    short = short_names(params, taken=["estimator", "cv", "scoring", "n_splits"])
    changed = {short[name]: describe(value) for name, value in params.items()}
    return {"estimator": class_names(described(estimator)), **changed}
