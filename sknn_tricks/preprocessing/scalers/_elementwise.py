"""Formulas that change each number by the statistics of its group."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks.preprocessing.scalers._groups import Aligned


@dataclass(frozen=True, eq=False)
class Elementwise:
    """A formula with its statistics, computed in float64; a step of `Rows.map`.

    Parameters
    ----------
    formula : callable (x, *statistics, *constants) -> x
        A function of a module. It may write to its x, and is given arrays or tensors.
    statistics : tuple of ndarray of float64
        Of as many axes as a row has, that can be broadcast against it.
    row_shape : tuple of int
    constants : tuple of float, default=()
    """

    formula: Callable[..., Any]
    statistics: tuple[NDArray[np.float64], ...]
    row_shape: tuple[int, ...]
    constants: tuple[float, ...] = ()

    @cached_property
    def _aligned(self) -> Aligned:
        return Aligned(self.statistics, self.row_shape)

    def __reduce__(self) -> tuple[Any, ...]:
        return Elementwise, (self.formula, self.statistics, self.row_shape, self.constants)

    def __call__(self, block: NDArray[Any]) -> NDArray[np.float64]:
        """Return a changed copy."""
        x = np.array(block, np.float64, order="C")
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for view, statistics in self._aligned.views(x):
                changed = self.formula(view, *statistics, *self.constants)
                if changed is not view:
                    view[...] = changed
        return x

    def on_tensor(self, block: Tensor) -> Tensor:
        """Return a changed copy on the same device."""
        x = block.to(torch.float64, copy=True)
        statistics = [torch.from_numpy(each).to(x.device) for each in self.statistics]
        return self.formula(x, *statistics, *self.constants)

    def identity(self) -> list[Any]:
        """Return plain values that no other formula has."""
        shapes = [list(self.row_shape), *(list(each.shape) for each in self.statistics)]
        numbers = b"".join(np.ascontiguousarray(each).tobytes() for each in self.statistics)
        digest = hashlib.blake2b(numbers, digest_size=32).hexdigest()
        return [self.formula.__module__, self.formula.__qualname__, shapes, digest, self.constants]
