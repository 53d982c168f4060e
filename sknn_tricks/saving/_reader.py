"""From plain values, arrays, and parts of skops to an estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sknn_tricks.saving import _refusals as refusals
from sknn_tricks.saving._refusals import Damaged, Refused
from sknn_tricks.saving._skops import read_part


@dataclass
class Reader:
    """Puts values together again.

    Parameters
    ----------
    forms : dict of str to Form
        By their kinds; there are no others.
    arrays : dict of str to ndarray
    parts : list of bytes
        What skops wrote.
    trusted : sequence of str or type
        What the user vouches for in them.
    modules : dict of str to class
        The user's own modules.
    """

    forms: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    parts: Sequence[bytes]
    trusted: Sequence[Any] = ()
    modules: Mapping[str, type[nn.Module]] = field(default_factory=dict)
    _made: dict[int, Any] = field(default_factory=dict)
    _used: set[str | int] = field(default_factory=set)

    def read(self, node: Any) -> Any:
        """Return the value that a node stands for."""
        if node is None or isinstance(node, bool | int | float | str):
            return node
        if isinstance(node, list):
            return [self.read(each) for each in node]
        kind = node["is"]
        if kind == "same":
            return self._made[node["as"]]
        if kind not in self.forms:
            raise Damaged(f"nothing is of the kind {kind!r}")
        value = self.forms[kind].read(self, node)
        if "id" in node:
            self._made[node["id"]] = value
        return value

    def attributes(self, nodes: dict[str, Any]) -> dict[str, Any]:
        """Return attributes by name."""
        return {name: self.read(node) for name, node in nodes.items()}

    def array(self, name: str) -> NDArray[Any]:
        """Return an array in memory of its own."""
        if name not in self.arrays:
            raise Damaged(f"the array {name!r} is not there")
        self._used.add(name)
        return np.array(self.arrays[name])

    def part(self, number: int) -> Any:
        """Return what skops wrote.

        Raises
        ------
        Refused
            If it holds types that nobody vouches for.
        """
        self._used.add(number)
        return read_part(self.parts[number], self.trusted)

    def check_all_used(self) -> None:
        """Raise if there is something that nothing was made of."""
        if unused := {*self.arrays, *range(len(self.parts))} - self._used:
            raise Damaged(f"nothing is made of {sorted(unused, key=str)[0]!r}")

    def own_class(self, name: str) -> type[nn.Module]:
        """Return a class of the user's.

        Raises
        ------
        Refused
            If it was not given.
        """
        if name not in self.modules:
            raise Refused(refusals.no_module(name, list(self.modules)))
        return self.modules[name]
