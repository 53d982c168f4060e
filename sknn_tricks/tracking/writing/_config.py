"""The whole configuration of an estimator as JSON: what it was made of, and no data."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sknn_tricks._param_names import describe

_LONGEST_LIST = 1000
_DEEPEST = 30


def config_text(estimator: Any) -> str:
    """Return the configuration of an estimator as the text of a JSON file.

    On one line, which takes a fraction of the time; MLflow's pages lay it out.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> print(config_text(Ridge(alpha=2.0))[:73])
    {"class": "sklearn.linear_model._ridge.Ridge", "params": {"alpha": 2.0, "
    """
    return json.dumps(as_config(estimator), allow_nan=False)


def candidate_configs(estimator: Any, params: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the text of the configuration of each candidate of a search.

    Parameters
    ----------
    estimator : estimator
        The search's.
    params : iterable of dict
        What each candidate sets. One copy of the estimator serves all candidates that set the same
        parameters: a copy takes longer than all the rest.
    """
    copies: dict[frozenset[str], Any] = {}
    for each in params:
        names = frozenset(each)
        if names not in copies:
            copies[names] = clone(estimator)
        yield config_text(copies[names].set_params(**clone(dict(each), safe=False)))


def as_config(value: Any, depth: int = 0) -> Any:
    """Return a parameter, or an estimator with all of its parameters, as plain JSON types.

    Numbers, texts, lists and dicts stay as they are. An estimator is ``{"class": ..., "params":
    ...}``, a function or class its name, an array its shape, type and digest; any other object
    is its `repr`, unless that tells no more than an address in memory.

    Examples
    --------
    >>> as_config({"a": (1, 2.5, None), "f": max, "x": np.zeros(2)})["x"]["shape"]
    [2]
    """
    if depth > _DEEPEST:  # it may hold itself
        return _qualified(type(value))
    inner = functools.partial(as_config, depth=depth + 1)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, np.generic):
        return inner(value.item()) if not isinstance(value.item(), np.generic) else str(value)
    if isinstance(value, Mapping):
        return {str(key): inner(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [inner(item) for item in value] if len(value) <= _LONGEST_LIST else _array(value)
    if isinstance(value, functools.partial):
        bound = {"args": value.args, "keywords": value.keywords}
        return {"function": inner(value.func), **{k: inner(v) for k, v in bound.items() if v}}
    if isinstance(value, type) or inspect.isroutine(value):
        return _qualified(value)
    if hasattr(value, "get_params"):
        return {"class": _qualified(type(value)), "params": _params(value, depth)}
    if (hasattr(value, "shape") and hasattr(value, "dtype")) or hasattr(value, "iloc"):
        return _array(value)
    return _other(value)


def _params(estimator: Any, depth: int) -> dict[str, Any]:
    """Return the parameters, also those of a default that is only made when it is needed."""
    own = estimator.get_params(deep=False)
    params = {name: as_config(value, depth + 1) for name, value in own.items()}
    for name, value in estimator.get_params(deep=True).items():
        first, _, rest = name.partition("__")
        if rest and first in own and (own[first] is None or isinstance(own[first], type)):
            if not isinstance(params[first], dict):
                params[first] = {"class": params[first], "params": {}}
            params[first]["params"][rest] = as_config(value, depth + 1)
    return params


def _array(value: Any) -> dict[str, Any]:
    """Return what tells an array from another without telling its numbers."""
    if not hasattr(value, "__array__") and hasattr(value, "toarray"):  # a sparse matrix
        return {"class": _qualified(type(value)), "shape": list(value.shape)}
    array = _as_array(value)
    config = {"class": _qualified(type(value)), "shape": list(array.shape)}
    config |= {"dtype": str(array.dtype)}
    if not array.dtype.hasobject:
        config["sha256"] = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return config


def _as_array(value: Any) -> NDArray[Any]:
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        return np.asarray(value)
    except ValueError:  # lists of different lengths
        return np.asarray(list(map(repr, value)))


def _other(value: Any) -> Any:
    text = repr(value)
    if " at 0x" not in text and not callable(getattr(value, "parameters", None)):
        return describe(value)
    held = vars(value).items() if hasattr(value, "__dict__") else ()
    plain = {name: item for name, item in held if not name.startswith("_") and _is_plain(item)}
    config: dict[str, Any] = {"class": _qualified(type(value))}
    return {**config, "params": as_config(plain)} if plain else config


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= _LONGEST_LIST and all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return value is None or isinstance(value, bool | int | float | str)


def _qualified(value: Any) -> str:
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", type(value).__qualname__)
    return f"{module}.{name}" if module else name
