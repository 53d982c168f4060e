"""Which rows of data are equal, in one pass over them and without comparing all with all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._row_words import RowWords, Words, row_words

Codes = NDArray[np.int64]

# Words that are worked on at once: a megabyte, which the cache of a core holds.
BLOCK_WORDS = 2**17


def row_codes(X: Any) -> Codes:
    """Give each row a number, so that rows have the same number if and only if they are equal.

    Rows are equal if all their entries are. 0.0 and -0.0 are equal, missing values are (NaN, NaT,
    None, pandas.NA), and objects are if Python says so. Equality is checked, not taken from the
    hashes.

    Parameters
    ----------
    X : array-like, DataFrame, tensor, sparse array, memmap or OnDisk, of shape (N, ...)
        What is on the disk is read by blocks.

    Returns
    -------
    ndarray of shape (N,), int64
        For each row the number of the first row that equals it, often its own.

    Raises
    ------
    ValueError
        If `X` has no rows, or entries that cannot be compared.

    Examples
    --------
    >>> row_codes([[1.0, 0.0], [2.0, 3.0], [1.0, -0.0]])
    array([0, 1, 0])
    """
    return joint_row_codes(X)[0]


def joint_row_codes(*sets: Any) -> list[Codes]:
    """Give equal rows the same number, and others another one, across several sets.

    Rows are counted on from one set to the next. Entries are compared in the common dtype that
    numpy finds for the sets; columns of tables are found by their names, in any order.

    Parameters
    ----------
    *sets : as X of `row_codes`
        All of them tables, or none.

    Returns
    -------
    list of ndarray of shape (N,), int64
        For each row the number of the first row of all sets that equals it.

    Raises
    ------
    ValueError
        If sets have rows of other shapes, columns or kinds of entries.

    Examples
    --------
    >>> train, test = joint_row_codes([[1, 2], [3, 4]], [[3, 4], [5, 6]])
    >>> test < len(train)  # which rows of the test set occur in the training set
    array([ True, False])
    """
    words = row_words(sets)
    ends = np.cumsum([len(each) for each in words])
    hashes = np.concatenate([_hashes(each) for each in words])
    return np.split(_first_equal(hashes, words, ends), ends[:-1])


def _hashes(words: RowWords) -> Words:
    # The factors have no part in the result, as equality is checked: they may be the same always.
    factors = np.random.default_rng(0).integers(2**63, size=words.width, dtype=np.uint64) * 2 + 1
    blocks = _blocks(len(words), words.width)
    return np.concatenate([_spread(words[rows]) @ factors for rows in blocks])


def _spread(words: Words) -> Words:
    """Let each bit of a word count in its low bits too: products carry upwards only."""
    spread = (words ^ (words >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    return spread ^ (spread >> np.uint64(29))


def _first_equal(hashes: Words, words: Sequence[RowWords], ends: Codes) -> Codes:
    """Return the first equal row of each; rows that differ but share a hash go round again."""
    first = np.arange(len(hashes))
    rows = first
    while len(rows):
        _, at, group = np.unique(hashes[rows], return_index=True, return_inverse=True)
        heads = rows[at][group]
        rows, heads = rows[heads != rows], heads[heads != rows]
        equal = np.zeros(len(rows), bool)
        for block in _blocks(len(rows), words[0].width):
            found, expected = (_take(words, ends, each[block]) for each in (rows, heads))
            equal[block] = (found == expected).all(axis=1)
        first[rows[equal]] = heads[equal]
        rows = rows[~equal]
    return first


def _take(words: Sequence[RowWords], ends: Codes, rows: Codes) -> Words:
    """Return rows by their numbers among all sets."""
    found = np.empty((len(rows), words[0].width), np.uint64)
    of_set = np.searchsorted(ends, rows, side="right")
    for i in np.unique(of_set):
        found[of_set == i] = words[i][rows[of_set == i] - (ends[i] - len(words[i]))]
    return found


def _blocks(n_rows: int, width: int) -> list[slice]:
    size = max(BLOCK_WORDS // max(width, 1), 1)
    return [slice(start, start + size) for start in range(0, n_rows, size)]
