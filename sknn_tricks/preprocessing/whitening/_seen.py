"""What a Whitener has seen so far, and what it makes of it when it is asked."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from sknn_tricks._messages import message
from sknn_tricks.preprocessing._arrays import Rows
from sknn_tricks.preprocessing.whitening._moments import Moments, add_rows
from sknn_tricks.preprocessing.whitening._whitening import Settings, Whitening, solve


@dataclass(frozen=True)
class Seen:
    """The moments of all rows, and their whitening.

    Parameters
    ----------
    moments : Moments
    settings : Settings
        Of the last rows.
    row_shape : tuple of int
    names : ndarray of str or None
        Those of the columns of a table.
    """

    moments: Moments
    settings: Settings
    row_shape: tuple[int, ...]
    names: NDArray[Any] | None

    @cached_property
    def whitening(self) -> Whitening:
        """The solution, found when it is first asked for: a stream pays for one only."""
        if self.moments.n_rows < 2:
            raise NotFittedError(_one_row())
        found = solve(self.moments, self.settings)
        if self.settings.eps is None and found.lost.any():
            # In the caller of a method of the Whitener, beyond two properties.
            warnings.warn(_lost(self._names_of(found.lost)), stacklevel=5)
        return found

    def _names_of(self, chosen: NDArray[np.bool_]) -> list[str]:
        """Return the names of some features; those of pixels are their places."""
        if len(self.row_shape) > 1:
            places = np.argwhere(chosen.reshape(self.row_shape))
            return [str(tuple(place)) for place in places.tolist()]
        if self.names is None:
            return [f"x{i}" for i in np.flatnonzero(chosen)]
        return [str(name) for name in self.names[chosen]]


def see(rows: Rows, settings: Settings, names: NDArray[Any] | None, before: Seen | None) -> Seen:
    """Add rows to what was seen before, if there was anything.

    Parameters
    ----------
    rows : Rows
    settings : Settings
    names : ndarray of str or None
    before : Seen or None

    Returns
    -------
    Seen

    Raises
    ------
    ValueError
        If the settings do not fit the rows or what was kept of those before, or the rows hold
        numbers that are not finite or too large.
    """
    _check_n_components(settings.n_components, math.prod(rows.row_shape))
    if before is not None and settings.fourth not in (None, before.settings.fourth):
        raise ValueError(_sums_not_kept(before.settings, settings))
    moments = add_rows(rows, settings.fourth, None if before is None else before.moments)
    return Seen(moments, settings, rows.row_shape, names)


def _check_n_components(n_components: int | float | None, n_features: int) -> None:
    if n_components is not None and n_components > n_features:
        raise ValueError(
            message(
                f"n_components={n_components} is more than X has features",
                expected=f"at most {n_features}",
                got=str(n_components),
                todo="Lower it, or use n_components=None to keep every direction",
            )
        )


def _sums_not_kept(before: Settings, now: Settings) -> str:
    return message(
        "The shrinkage 'ledoit_wolf' needs sums of all rows that were not kept",
        expected=f"method={now.method!r} and this shrinkage from the first chunk",
        got=f"method={before.method!r} and shrinkage={before.shrinkage!r} then",
        todo="Call fit, or clone the Whitener and stream again",
    )


def _one_row() -> str:
    return message(
        "This Whitener has seen too few rows",
        expected="at least 2",
        got="1",
        todo="Call partial_fit with more of them",
    )


def _lost(names: list[str]) -> str:
    return message(
        "Some features are lost, because others vary far more",
        expected="features of similar size",
        got=f"almost no variance in {', '.join(names[:5] + ['...'] * (len(names) > 5))}",
        todo="Put a StandardScaler before the Whitener, or set eps",
    )
