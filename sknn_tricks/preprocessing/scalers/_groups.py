"""Which numbers of a row share a statistic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._image_layout import MOST_CHANNELS
from sknn_tricks._messages import lookup, message

# numpy is fast if its innermost loop is at least about this long.
LONG = 128

Kept = Callable[[int, int | None], list[bool]]

# By name: the axes of a row along which statistics differ, given their number and the channels'.
PER: dict[str, Kept] = {
    "feature": lambda n_axes, channel: [True] * n_axes,
    "channel": lambda n_axes, channel: [i == channel for i in range(n_axes)],
    "pixel": lambda n_axes, channel: [i != channel for i in range(n_axes)],
    "global": lambda n_axes, channel: [False] * n_axes,
}


@dataclass(frozen=True)
class Groups:
    """The numbers of a row, by the statistic that they belong to.

    Parameters
    ----------
    row_shape : tuple of int
    shape : tuple of int
        Of the statistics: as `row_shape`, but 1 along the axes that share them.

    Examples
    --------
    >>> groups = Groups((3, 2, 2), (3, 1, 1))
    >>> groups.total(np.arange(12)).tolist()
    [[[6]], [[22]], [[38]]]
    """

    row_shape: tuple[int, ...]
    shape: tuple[int, ...]

    @classmethod
    def per(cls, name: str, row_shape: tuple[int, ...], channel_axis: int | None) -> Groups:
        """Return the groups of that name.

        Parameters
        ----------
        name : {"feature", "channel", "pixel", "global"}
        row_shape : tuple of int
        channel_axis : int or None
            Counted in the data, where rows are axis 0; positive.
        """
        kept = lookup(name, PER, "per")(
            len(row_shape), None if channel_axis is None else channel_axis - 1
        )
        shape = (n if keep else 1 for n, keep in zip(row_shape, kept, strict=True))
        return cls(row_shape, tuple(shape))

    @property
    def n_groups(self) -> int:
        """Number of statistics."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Numbers of a row that share one."""
        return math.prod(self.row_shape) // self.n_groups

    @property
    def shared(self) -> tuple[int, ...]:
        """Axes of a row along which the statistics are the same."""
        sizes = enumerate(zip(self.row_shape, self.shape, strict=True))
        return tuple(i for i, (n, kept) in sizes if n != kept)

    def total(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Add the numbers of a row up, (D,) to the shape of the statistics."""
        numbers, shared = numbers.reshape(self.row_shape), self.shared
        leading = 0
        while leading in shared:
            leading += 1
        if leading:
            # A product, as sums along leading axes are slow if little follows them.
            n = math.prod(self.row_shape[:leading])
            numbers = np.ones(n, numbers.dtype) @ numbers.reshape(n, -1)
            numbers = numbers.reshape((1,) * leading + self.row_shape[leading:])
        return numbers.sum(axis=shared[leading:], keepdims=True)

    def reduce(self, function: np.ufunc, numbers: NDArray[Any]) -> NDArray[Any]:
        """Reduce the numbers of a row, (D,) to the shape of the statistics."""
        return function.reduce(numbers.reshape(self.row_shape), axis=self.shared, keepdims=True)

    def wide(self, statistics: NDArray[Any]) -> NDArray[Any]:
        """Return one statistic for each number of a row, (D,)."""
        return np.broadcast_to(statistics, self.row_shape).reshape(-1)

    def columns(self, block: NDArray[Any], at_once: int) -> Iterator[NDArray[Any]]:
        """Bring together what belongs to a statistic.

        Parameters
        ----------
        block : ndarray of shape (n, *row_shape)
        at_once : int
            Numbers to bring together in one step, about.

        Yields
        ------
        ndarray of shape (G, M)
            A copy: M numbers of each of the next G statistics.
        """
        shared = [i + 1 for i in self.shared]
        kept = [i for i in range(1, block.ndim) if i not in shared]
        view = block.transpose(*kept, 0, *shared)
        if not kept:
            yield np.array(view).reshape(1, -1)
            return
        size = max(at_once * len(view) // max(block.size, 1), 1)
        m = len(block) * self.size
        for start in range(0, len(view), size):
            yield np.array(view[start : start + size], order="C").reshape(-1, m)


def channel_axis(axis: int | None, per: str, shape: tuple[int, ...]) -> int | None:
    """Return the axis of the channels, counted from the front, None if it is of no concern.

    Parameters
    ----------
    axis : int or None
        As the user gave it.
    per : {"feature", "channel", "pixel", "global"}
    shape : tuple of int
        Of the data.

    Raises
    ------
    ValueError
        If there is no such axis, or none is given and it cannot be told from the shape.
    """
    n_axes = len(shape)
    if axis is not None:
        if not -n_axes < axis < n_axes or axis == 0:
            raise ValueError(
                message(
                    f"X of shape {shape} has no channels along channel_axis={axis}",
                    expected=f"1 to {n_axes - 1}, or {1 - n_axes} to -1, as axis 0 are the rows",
                    got=f"{axis}",
                    todo="Use 1 for (N, C, H, W), -1 for (N, H, W, C) or (N, T, D)",
                )
            )
        return axis % n_axes
    if per not in ("channel", "pixel"):
        return None
    if n_axes == 2:
        return 1
    likely = [i for i in (1, n_axes - 1) if shape[i] <= MOST_CHANNELS]
    if n_axes != 4 or len(likely) != 1:
        raise ValueError(
            message(
                f"channel_axis cannot be told from X of shape {shape}",
                expected=f"an int, for per={per!r}",
                got="None",
                todo="Set it to 1 for (N, C, H, W), to -1 for (N, H, W, C) or (N, T, D); of grey "
                "images (N, H, W) per='global' is the one channel",
            )
        )
    return likely[0]


class Aligned:
    """Statistics, laid out so that numpy combines them with rows in long loops.

    Parameters
    ----------
    statistics : sequence of ndarray
        That can be broadcast against a row.
    row_shape : tuple of int
    """

    def __init__(self, statistics: Sequence[NDArray[Any]], row_shape: tuple[int, ...]) -> None:
        n_features = math.prod(row_shape)
        self._row_shape = row_shape
        self._together = max(LONG // max(n_features, 1), 1)
        self._wide = [_long(each, row_shape) for each in statistics]
        self._tiled = self._wide
        if self._together > 1:
            rows = [np.broadcast_to(each, row_shape).reshape(-1) for each in self._wide]
            self._tiled = [np.tile(each, self._together) for each in rows]

    def views(self, x: NDArray[Any]) -> Iterator[tuple[NDArray[Any], list[NDArray[Any]]]]:
        """Return parts of the rows together with what can be broadcast against them.

        Parameters
        ----------
        x : ndarray of shape (n, D) or (n, *row_shape)
            C-contiguous.

        Yields
        ------
        view : ndarray
        statistics : list of ndarray
        """
        rest = len(x) % self._together if self._together > 1 else len(x)
        if whole := len(x) - rest:
            yield x[:whole].reshape(whole // self._together, -1), self._tiled
        if rest:
            yield x[whole:].reshape(rest, *self._row_shape), self._wide


def _long(statistics: NDArray[Any], row_shape: tuple[int, ...]) -> NDArray[Any]:
    """Repeat statistics along the last axes of a row, if they are not the same for long there."""
    shape = list(statistics.shape)
    same = len(shape)
    while same and shape[same - 1] == 1:
        same -= 1
    if math.prod(row_shape[same:]) >= LONG:
        return statistics
    for axis in reversed(range(len(shape))):
        if math.prod(shape[axis + 1 :]) >= LONG:
            break
        shape[axis] = row_shape[axis]
    return np.ascontiguousarray(np.broadcast_to(statistics, shape))
