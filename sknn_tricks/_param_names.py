"""Parameters as short names and short texts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

_LONGEST_TEXT = 6000  # of a parameter in MLflow
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_NOT_IN_A_NAME = re.compile(r"[^\w\-. :/]")


def short_names(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Cut parameter names down to the shortest suffix that means only one of them.

    Parameters
    ----------
    names : iterable of str
        Names such as ``"net__module__dropout"``.
    taken : iterable of str
        Words that stand for something else.

    Returns
    -------
    dict of str to str
        The short name of each name.

    Examples
    --------
    >>> short_names(["net__init", "net__module__dropout"])
    {'net__init': 'init', 'net__module__dropout': 'dropout'}
    >>> short_names(["white__method", "net__method"])
    {'white__method': 'white__method', 'net__method': 'net__method'}
    """
    every = list(names)
    reserved = set(taken)
    return {name: _shortest_suffix(name, every, reserved) for name in every}


def _shortest_suffix(name: str, every: list[str], reserved: set[str]) -> str:
    steps = name.split("__")
    for start in range(len(steps) - 1, 0, -1):
        suffix = "__".join(steps[start:])
        others = [n for n in every if n == suffix or n.endswith("__" + suffix)]
        if others == [name] and suffix not in reserved:
            return suffix
    return name


def describe(value: Any) -> str:
    """Write a parameter value as one line without memory addresses.

    Examples
    --------
    >>> import numpy as np
    >>> describe(np.float64(0.1)), describe("relu"), describe(max), describe((64, np.int64(32)))
    ('0.1', 'relu', 'max', '(64, 32)')
    """
    text = value if isinstance(value, str) else _text(value)
    text = " ".join(_ADDRESS.sub("", text).split())
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."


def _text(value: Any) -> str:
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, type) or inspect.isroutine(value):
        return value.__qualname__
    if type(value) is tuple:
        return f"({', '.join(map(_text, value))}{',' * (len(value) == 1)})"
    if type(value) is list:
        return f"[{', '.join(map(_text, value))}]"
    return repr(value)


def clean(name: str) -> str:
    """Replace what MLflow refuses in the name of a parameter or a metric."""
    steps = _NOT_IN_A_NAME.sub("_", name).split("/")
    # nor what would lead elsewhere if it were a path
    steps = ["_" if step in ("", ".", "..") else step for step in steps]
    return "/".join(steps)[:250].rstrip("/")


def class_names(estimator: Any) -> str:
    """Name an estimator by its class, a pipeline by the classes of its steps.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> class_names(make_pipeline(StandardScaler(), "passthrough"))
    'StandardScaler > passthrough'
    """
    if isinstance(estimator, str) or estimator is None:
        return str(estimator)
    steps = getattr(estimator, "steps", None)
    if not steps:
        return type(estimator).__name__
    return " > ".join(class_names(step) for _, step in steps)


def changed_params(estimator: Any) -> dict[str, Any]:
    """Return the parameters, of all depths, that are not at their default.

    Parameters
    ----------
    estimator : estimator
        Anything with ``get_params(deep=True)``.

    Returns
    -------
    dict of str to object
        An object without ``fit``, such as the spec of a net, is told by the name of its class
        unless that is the default's; its own parameters follow.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> changed_params(Ridge(alpha=2.0))
    {'alpha': 2.0}
    >>> from sknn_tricks import NetClassifier
    >>> from sknn_tricks.nets import ConvNet
    >>> changed_params(NetClassifier(ConvNet(channels=8), lr=0.1))
    {'lr': 0.1, 'module': 'ConvNet', 'module__channels': 8}
    """
    params = estimator.get_params(deep=True)
    owners = {"": estimator, **{name: value for name, value in params.items() if _nests(value)}}
    return {
        name: type(value).__name__ if _nests(value) else value
        for name, value in sorted(params.items())
        if _is_told(value, owners) and _is_changed(name, value, owners)
    }


def _is_told(value: Any, owners: Mapping[str, Any]) -> bool:
    """Return whether that is not an estimator, or a list of some that stand for themselves."""
    if _nests(value):
        return not hasattr(value, "fit")
    items = list(_estimators(value))
    return not any(item is owner for item in items for owner in owners.values())


def _is_changed(name: str, value: Any, owners: Mapping[str, Any]) -> bool:
    above, _, last = name.rpartition("__")
    if above not in owners:  # parameters of a default that is made when it is needed
        return False
    known = inspect.signature(type(owners[above])).parameters
    if last not in known:
        return True
    default = known[last].default
    if _nests(value):  # its own parameters are told by themselves
        return type(default) is not type(value)
    return describe(default) != describe(value)


def _nests(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def _estimators(value: Any) -> Iterator[Any]:
    """Yield what has parameters in a list, or in lists in it."""
    if _nests(value):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _estimators(item)
