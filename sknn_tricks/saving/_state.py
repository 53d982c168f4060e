"""What an object is, apart from its class: its attributes."""

from __future__ import annotations

from typing import Any

from sklearn import config_context
from sklearn.base import BaseEstimator

from sknn_tricks._unchanged import OF_CALLBACKS

# Who listens to an estimator's fits is no part of it, and nets are written in their own way.
LEFT_OUT = ("_metadata_request", "_parent_callback_ctx", "_skl_callbacks", *OF_CALLBACKS)
# The methods of which scikit-learn's metadata routing knows requests.
METHODS = (
    *("decision_function", "fit", "inverse_transform", "partial_fit", "predict"),
    *("predict_log_proba", "predict_proba", "score", "split", "transform"),
)


def state_of(value: Any) -> dict[str, Any]:
    """Return the attributes to write."""
    if isinstance(value, tuple):  # a named one
        return value._asdict()  # type: ignore[attr-defined]
    state = {name: each for name, each in vars(value).items() if name not in LEFT_OUT}
    return _without_finders(state) if _is_sampler(value) else state


def _is_sampler(value: Any) -> bool:
    # By name: importing imbalanced-learn takes a second.
    return any(cls.__name__ == "SamplerMixin" for cls in type(value).__mro__)


def _without_finders(state: dict[str, Any]) -> dict[str, Any]:
    """Leave out the estimators that a sampler has found rows with, one or one for each class.

    They hold the training data, and each fit makes them anew.
    """
    return {
        name: value
        for name, value in state.items()
        if not (name.endswith("_") and _are_estimators(value))
    }


def _are_estimators(value: Any) -> bool:
    values = list(value.values()) if isinstance(value, dict) else [value]
    return bool(values) and all(isinstance(each, BaseEstimator) for each in values)


def with_state(cls: type, state: dict[str, Any]) -> Any:
    """Return an object of those attributes; of its code, only checks of values run."""
    if issubclass(cls, tuple):
        return cls(**state)
    value = cls.__new__(cls)
    vars(value).update(state)
    if hasattr(value, "__post_init__"):
        value.__post_init__()
    return value


def requests_of(value: Any) -> dict[str, Any]:
    """Return what an estimator asks of metadata routing, such as ``set_fit_request`` leaves."""
    if (routing := getattr(value, "_metadata_request", None)) is None:
        return {}
    names = [name for name in METHODS if hasattr(value, f"set_{name}_request")]
    requests = {name: dict(getattr(routing, name).requests) for name in names}
    return {"requests": {name: asked for name, asked in requests.items() if asked}}


def put_requests(value: Any, node: dict[str, Any]) -> None:
    """Let an estimator ask it again."""
    with config_context(enable_metadata_routing=True):
        for name, asked in node.get("requests", {}).items():
            getattr(value, f"set_{METHODS[METHODS.index(name)]}_request")(**asked)
