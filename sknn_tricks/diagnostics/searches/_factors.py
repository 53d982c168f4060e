"""What a search has varied: factors and their levels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._param_names import describe, short_names
from sknn_tricks.diagnostics.searches._trials import Trials

# Numbers of more values than this are looked at in bins, of at most so many.
MOST_VALUES, MOST_BINS = 8, 8
# Numbers above zero are drawn on a logarithmic axis if all but a twentieth on either side span so
# much; with those, evenly drawn ones would, too.
_WIDE_RANGE = 30.0
# What the columns of a leaderboard and the parameters of MLflow are called otherwise.
RESERVED = ("rank", "mean", "std", "min", "max", "fit_seconds", "resources", "pruned", "row")


class _NotSet:
    """Stands for a parameter that a candidate leaves as it is."""

    def __repr__(self) -> str:
        return "(not set)"


NOT_SET = _NotSet()


@dataclass(frozen=True, eq=False)
class Factor:
    """A parameter that a search has tried several values of.

    Parameters
    ----------
    name : str
        Short name, such as ``"dropout"``.
    param : str
        Whole name, such as ``"net__module__dropout"``.
    values : tuple of str
        The values as texts: numbers from the least on, then others as they came.
    numbers : ndarray of shape (n_rows,)
        The value of each row of ``cv_results_``; NaN where it is no number.
    levels : tuple of str
        Groups of values: each value, or bins of numbers where there are many.
    codes : ndarray of shape (n_rows,), int
        The level of each row.
    is_binned : bool
        Whether there are bins.
    raw : tuple
        The value of each row; `NOT_SET` where a row has none.
    texts : tuple of str
        The same as texts.
    """

    name: str
    param: str
    values: tuple[str, ...]
    numbers: NDArray[np.float64]
    levels: tuple[str, ...]
    codes: NDArray[np.int64]
    is_binned: bool
    raw: tuple[Any, ...]
    texts: tuple[str, ...]

    @property
    def is_numeric(self) -> bool:
        """Whether all values are numbers."""
        return bool(np.isfinite(self.numbers).all())

    @property
    def is_log(self) -> bool:
        """Whether the numbers are above zero and of different magnitudes."""
        numbers = self.numbers[np.isfinite(self.numbers)]
        if not len(numbers) or numbers.min() <= 0:
            return False
        low, high = np.quantile(numbers, [0.05, 0.95])
        return bool(high > _WIDE_RANGE * low)


def shown(value: Any) -> str:
    """Write a value for readers: floats in four digits.

    Examples
    --------
    >>> shown(0.012345678), shown(1e-05), shown(12345.0), shown("relu"), shown((64, 32))
    ('0.01235', '1e-05', '12345', 'relu', '(64, 32)')
    """
    if isinstance(value, float | np.floating) and math.isfinite(number := float(value)):
        return f"{number:.4g}" if abs(number) < 1000 else f"{number:.6g}"
    return describe(value)


def find_factors(trials: Trials) -> tuple[Factor, ...]:
    """Return the parameters of which several values were tried, in the order they came.

    Parameters
    ----------
    trials : Trials

    Returns
    -------
    tuple of Factor
    """
    every = list(dict.fromkeys(name for params in trials.params for name in params))
    names = {name: _column(short) for name, short in short_names(every, RESERVED).items()}
    given = set(every) - trials.resource_names
    found = [_factor(trials, name, names[name]) for name in every if name in given]
    return tuple(factor for factor in found if factor is not None)


def _column(name: str) -> str:
    return f"param_{name}" if name in RESERVED else name


def _factor(trials: Trials, param: str, name: str) -> Factor | None:
    raw = tuple(params.get(param, NOT_SET) for params in trials.params)
    firsts, kinds = number_equals(raw)
    if len(firsts) < 2:
        return None
    numbers = np.array([_as_number(raw[row]) for row in firsts])
    order = np.argsort(numbers, kind="stable")  # those that are no numbers come last
    ranks = np.argsort(order)
    values = _unlike([raw[firsts[i]] for i in order])
    levels, codes = values, ranks[kinds]
    texts = tuple(values[code] for code in codes)
    is_binned = int(np.isfinite(numbers).sum()) > MOST_VALUES
    if is_binned:
        levels, codes = _bin(numbers[kinds], values, codes)
    return Factor(
        name=name,
        param=param,
        values=tuple(values),
        numbers=numbers[kinds],
        levels=tuple(levels),
        codes=codes,
        is_binned=is_binned,
        raw=raw,
        texts=texts,
    )


def number_equals(values: Sequence[Any]) -> tuple[list[int], NDArray[np.int64]]:
    """Give values numbers, equal ones the same.

    Numbers are equal as numbers are, others if they are of one type and read the same; functions
    and arrays, which may read the same and differ, if they are the same object.

    Parameters
    ----------
    values : sequence

    Returns
    -------
    firsts : list of int
        Where each number comes first.
    numbers : ndarray of shape (n_values,), int

    Examples
    --------
    >>> number_equals(["relu", 1, "relu", True, 1.0])
    ([0, 1, 3], array([0, 1, 0, 2, 1]))
    """
    seen: dict[Any, int] = {}
    firsts: list[int] = []
    numbers = np.empty(len(values), np.int64)
    for i, value in enumerate(values):
        key = _key(value)
        if key not in seen:
            seen[key] = len(firsts)
            firsts.append(i)
        numbers[i] = seen[key]
    return firsts, numbers


def _key(value: Any) -> Any:
    if callable(value) or isinstance(value, np.ndarray):
        return id(value)
    number = _as_number(value)
    if math.isfinite(number):
        return number
    return type(value), value if isinstance(value, str) else describe(value)


def _as_number(value: Any) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    return float(value) if is_number and math.isfinite(value) else math.nan


def _unlike(values: Sequence[Any]) -> list[str]:
    """Write values so that no two read the same; those that do, as two lambdas, get numbers."""
    texts = [shown(value) for value in values]
    often = Counter(texts)
    texts = [describe(v) if often[t] > 1 else t for v, t in zip(values, texts, strict=True)]
    often, told = Counter(texts), Counter[str]()
    for i, text in enumerate(texts):
        told[text] += 1
        texts[i] = f"{text} ({told[text]})" if often[text] > 1 else text
    return texts


def _bin(
    numbers: NDArray[np.float64], texts: list[str], codes: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.int64]]:
    """Put numbers in bins of about as many rows each; what is no number stays as it is."""
    is_number = np.isfinite(numbers)
    some = numbers[is_number]
    n_bins = int(np.clip(round(math.sqrt(len(some))), 2, MOST_BINS))
    inner = np.unique(np.quantile(some, np.arange(1, n_bins) / n_bins))
    bins, within = np.unique(np.searchsorted(inner, some), return_inverse=True)
    levels = [_span(some[within == i]) for i in range(len(bins))]
    n_numbers = int(codes[is_number].max()) + 1
    binned = codes - n_numbers + len(bins)
    binned[is_number] = within
    return _unlike(levels) + texts[n_numbers:], binned


def _span(numbers: NDArray[np.float64]) -> str:
    least, most = f"{numbers.min():.2g}", f"{numbers.max():.2g}"
    if numbers.max() >= 100:
        least, most = shown(float(numbers.min())), shown(float(numbers.max()))
    return least if least == most else f"{least} to {most}"


def in_words(factors: Iterable[Factor], row: int) -> str:
    """Write what a row has of some factors as one line."""
    return ", ".join(f"{factor.name}={factor.texts[row]}" for factor in factors)
