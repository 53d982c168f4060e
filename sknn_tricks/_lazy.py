"""Packages whose names are imported when they are first used.

The command line, which needs no net, would wait for torch; `import sknn_tricks` would, too.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def attach(
    package: str, where: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    Parameters
    ----------
    package : str
        Its ``__name__``.
    where : mapping of str to str
        The module of each public name. Subpackages are found without an entry.

    Returns
    -------
    callable, callable

    Examples
    --------
    >>> get, names = attach("sknn_tricks", {"MLP": "sknn_tricks.nets"})
    >>> get("MLP")
    <class 'sknn_tricks.nets._mlp.MLP'>
    >>> get("MLQ")
    Traceback (most recent call last):
        ...
    AttributeError: module 'sknn_tricks' has no attribute 'MLQ'
    """

    def get(name: str) -> Any:
        if name in where:
            value = getattr(importlib.import_module(where[name]), name)
            setattr(sys.modules[package], name, value)
            return value
        try:
            if not name.startswith("_"):
                return importlib.import_module(f"{package}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{package}.{name}":
                raise
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *where})

    return get, names
