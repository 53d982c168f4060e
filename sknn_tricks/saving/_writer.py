"""From an estimator to plain values, arrays, and parts that skops writes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.saving import _refusals as refusals
from sknn_tricks.saving._refusals import Refused


@dataclass(frozen=True)
class Place:
    """Where a value is.

    Parameters
    ----------
    route : str
        The way to it, which names arrays in the file.
    what : str
        What to call it in an error.
    """

    route: str
    what: str

    def attribute(self, owner: str, name: str) -> Place:
        """Return the place of an attribute of an object of that class."""
        return Place(f"{self.route}.{name}" if self.route else name, f"{name} of {owner}")

    def item(self, key: object) -> Place:
        """Return the place of an item of a container."""
        return Place(f"{self.route}.{key}" if self.route else str(key), self.what)


@dataclass
class Writer:
    """Takes values apart.

    Parameters
    ----------
    forms : sequence of Form
        What a value may be; the first that fits writes it.

    Attributes
    ----------
    arrays : dict of str to ndarray
    parts : list of bytes
        What skops wrote.
    """

    forms: Any
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)
    _written: dict[int, tuple[Any, dict[str, Any]]] = field(default_factory=dict)
    _unfinished: set[int] = field(default_factory=set)
    _n_shared: int = 0
    _own_classes: dict[str, type] = field(default_factory=dict)

    def write(self, value: Any, place: Place) -> Any:
        """Return a value as JSON has it.

        Raises
        ------
        Refused
            If there is no form for it; saying where it is.
        """
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float and math.isfinite(value):
            return value
        if type(value) is list:
            return [self.write(each, place.item(i)) for i, each in enumerate(value)]
        form = next((form for form in self.forms if form.fits(value)), None)
        if form is None:
            raise Refused(_reason(value)(place.what, value))
        if not form.shared:
            return {"is": form.kind, **form.write(self, value, place)}
        return self._once(value, form, place)

    def _once(self, value: Any, form: Any, place: Place) -> dict[str, Any]:
        """Write an object, or say which of those written before it is."""
        if id(value) in self._unfinished:
            raise Refused(refusals.around_itself(place.what))
        if id(value) in self._written:
            _, node = self._written[id(value)]
            if "id" not in node:
                node["id"], self._n_shared = self._n_shared, self._n_shared + 1
            return {"is": "same", "as": node["id"]}
        self._unfinished.add(id(value))
        node = {"is": form.kind, **form.write(self, value, place)}
        self._unfinished.remove(id(value))
        # The object itself is held too: another one might come to have its id.
        self._written[id(value)] = value, node
        return node

    def attributes(self, values: dict[str, Any], owner: str, place: Place) -> dict[str, Any]:
        """Return the attributes of an object of that class, written."""
        return {
            name: self.write(value, place.attribute(owner, name)) for name, value in values.items()
        }

    def array(self, array: NDArray[Any], place: Place) -> str:
        """Take an array of numbers; return its name."""
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise Refused(refusals.no_array(place.what, array.dtype))
        name, n = place.route, 2
        while name in self.arrays:
            name, n = f"{place.route} ({n})", n + 1
        self.arrays[name] = np.asarray(array, array.dtype.newbyteorder("="), order="C")
        return name

    def part(self, data: bytes) -> int:
        """Take what skops wrote; return its number."""
        self.parts.append(data)
        return len(self.parts) - 1

    def own_class(self, cls: type) -> str:
        """Return the name of a class of the user's."""
        name = cls.__name__
        if self._own_classes.setdefault(name, cls) is not cls:
            raise Refused(refusals.same_name(name))
        return name


def _reason(value: Any) -> Callable[[str, Any], str]:
    functions = FunctionType | BuiltinFunctionType | MethodType
    return refusals.own_function if isinstance(value, functions) else refusals.no_form
