"""Random numbers that depend on a seed, an epoch and a row, and on nothing else.

They are not drawn one after the other, but computed: each is a hash of where it belongs. So a row
has the same numbers in any batch, in any order, in any process and beside whichever other rows.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Of splitmix64: what its counter grows by, and what its two products are with.
STEP = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
# Where the counter of places begins.
APART = 0xD1B54A32D192ED03
# Words of noise that are made at once: they stay in the cache.
WORDS = 2**14


class Draws:
    """Random numbers for some rows: each call gives each row its next number.

    Parameters
    ----------
    keys : ndarray of uint64, shape (N,)
        One of each row.

    References
    ----------
    G. L. Steele, D. Lea and C. H. Flood (2014). Fast splittable pseudorandom number generators.
    OOPSLA. (splitmix64, whose n-th number is a hash of the key and n.)

    Examples
    --------
    >>> draws = Draws.of(seed=0, epoch=0, rows=np.arange(4))
    >>> draws.uniform().round(2), draws.uniform().round(2)
    (array([0.9 , 0.64, 0.43, 0.4 ]), array([0.28, 0.23, 0.9 , 0.97]))
    >>> Draws.of(seed=0, epoch=0, rows=np.array([2])).uniform().round(2)
    array([0.43])
    """

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        self._keys, self._n = keys, 0

    @classmethod
    def of(cls, seed: Any, epoch: Any, rows: Any) -> Self:
        """Return the draws of some rows in an epoch.

        Parameters
        ----------
        seed, epoch, rows : int or array of int, from 0 up
            Of shapes that broadcast to N numbers.
        """
        keys = np.full(1, STEP, np.uint64)
        for part in (seed, epoch, rows):
            keys = _hash(_hash(keys) + np.asarray(part).astype(np.uint64))
        return cls(keys.ravel())

    def __len__(self) -> int:
        return len(self._keys)

    def at(self, place: int) -> Draws:
        """Return other draws for the same rows: those of a transform at that place, from 0."""
        return Draws(_hash(self._keys + _wrapped(STEP * (place + 1)) + np.uint64(1)))

    def take(self, index: NDArray[Any] | slice) -> Draws:
        """Return the draws of some of the rows, from the next number on."""
        taken = Draws(self._keys[index])
        taken._n = self._n
        return taken

    def words(self) -> NDArray[np.uint64]:
        """Return 64 random bits for each row, of shape (N,)."""
        self._n += 1
        return _hash(self._keys + _wrapped(STEP * self._n))

    def uniform(self, low: Any = 0.0, high: Any = 1.0) -> NDArray[np.float64]:
        """Return a number for each row, in [low, high), of shape (N,)."""
        share = (self.words() >> np.uint64(11)) * 2.0**-53
        return low + (high - low) * share

    def integers(self, low: Any, high: Any) -> NDArray[np.int64]:
        """Return a whole number for each row, from `low` to `high`, of shape (N,)."""
        return np.floor(self.uniform(low, np.asarray(high) + 1)).astype(np.int64)

    def factors(self, low: float, high: float) -> NDArray[np.float64]:
        """Return a number for each row, in [low, high), uniform in its logarithm."""
        return np.exp(self.uniform(np.log(low), np.log(high)))

    def normal(self) -> NDArray[np.float32]:
        """Return a normal number for each row, of shape (N,); see `normal_like`."""
        return _quantiles().numpy()[self.words() >> np.uint64(48)]

    def normal_like(self, x: Tensor) -> Tensor:
        """Return normal numbers of the shape (N, ...) and dtype of a tensor.

        Each is one of the 65,536 quantiles of the normal distribution, at 1/2, 3/2, 5/2... of
        65,536: one hash of 64 bits gives four of them, which is several times as fast as to
        transform uniform numbers. None is above 4.4.

        Examples
        --------
        >>> draws = Draws.of(seed=0, epoch=0, rows=np.arange(100))
        >>> noise = draws.normal_like(torch.empty(100, 1, 28, 28))
        >>> round(noise.mean().item(), 2), round(noise.std().item(), 2)
        (-0.0, 1.0)
        """
        return self._numbers_like(x, _quantiles())

    def uniform_like(self, x: Tensor) -> Tensor:
        """Return numbers in (0, 1), of the shape (N, ...) and dtype of a tensor.

        They are 1/2, 3/2, 5/2... of 65,536.
        """
        return self._numbers_like(x, _shares())

    def _numbers_like(self, x: Tensor, table: Tensor) -> Tensor:
        """Return numbers of a table (65536,) at random."""
        keys = torch.from_numpy(self.words().view(np.int64)).to(x.device)
        n_numbers = x[0].numel()
        places = _places(-(-n_numbers // 4)).to(x.device)
        table = table.to(x.device)
        parts = keys[:, None].split(max(WORDS // len(places), 1))
        noise = [_picked(part ^ places, table)[:, :n_numbers] for part in parts]
        return torch.cat(noise).view(x.shape).to(x.dtype)


def _hash(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix the bits of each word: each bit of the result depends on all."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(FIRST)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(SECOND)
    return words ^ (words >> np.uint64(31))


def _wrapped(number: int) -> np.uint64:
    return np.uint64(number % 2**64)


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


def _picked(words: Tensor, table: Tensor) -> Tensor:
    """Return four numbers of a table for each word (N, n), its bits mixed, as (N, 4 * n)."""
    for shift, factor in ((30, FIRST), (27, SECOND)):
        # torch shifts signed words: the sign must not come along
        words ^= (words >> shift) & (2 ** (64 - shift) - 1)
        words *= _signed(factor)
    words ^= (words >> 31) & (2**33 - 1)
    index = words.view(torch.int16).to(torch.int32) & 0xFFFF
    return table.index_select(0, index.view(-1)).view(index.shape)


@cache
def _quantiles() -> Tensor:
    """Return the quantiles of the normal distribution, of shape (65536,)."""
    return torch.special.ndtri(_shares()).float()


@cache
def _shares() -> Tensor:
    """Return 1/2, 3/2... of 65,536, of shape (65536,)."""
    return (torch.arange(2**16, dtype=torch.float64) + 0.5) / 2**16


@cache
def _places(n: int) -> Tensor:
    """Return a random word for each of n places in an image."""
    # From far away of all counters: what keys and places have in common would show as a pattern.
    words = _hash(_hash(np.arange(n, dtype=np.uint64) + _wrapped(APART)))
    return torch.from_numpy(words.view(np.int64))
