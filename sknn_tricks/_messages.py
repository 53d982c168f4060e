"""The one shape of every error text: what is wrong, what was expected, what was got, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TypeVar

Entry = TypeVar("Entry")


def message(wrong: str, *, expected: str, got: str, todo: str) -> str:
    """Put an error text together.

    Parameters
    ----------
    wrong, expected, got, todo : str
        What is wrong, what was expected, what was got and what the reader can do about it,
        each without a closing full stop.

    Returns
    -------
    str

    Examples
    --------
    >>> message("lr is negative", expected="a rate above 0", got="-1", todo="Try lr=1e-3")
    'lr is negative. Expected a rate above 0; got -1. Try lr=1e-3.'
    """
    return f"{wrong}. Expected {expected}; got {got}. {todo}."


def lookup(name: object, table: Mapping[str, Entry], what: str) -> Entry:
    """Return ``table[name]``, or say which name was probably meant.

    Parameters
    ----------
    name : str
        The name to look up.
    table : mapping of str to object
        The known names.
    what : str
        The parameter that the name was given for.

    Returns
    -------
    object
        The entry of that name.

    Raises
    ------
    ValueError
        If the table has no such name.

    Examples
    --------
    >>> lookup("rleu", {"relu": 1, "tanh": 2}, "activation")
    Traceback (most recent call last):
        ...
    ValueError: activation='rleu' is not known. Expected one of 'relu', 'tanh'; got 'rleu'. \
Did you mean 'relu'?
    """
    if isinstance(name, str) and name in table:
        return table[name]
    known = ", ".join(repr(key) for key in sorted(table))
    close = difflib.get_close_matches(str(name).lower(), table, n=1, cutoff=0.5)
    todo = f"Did you mean {close[0]!r}?" if close else "Choose one of these names."
    raise ValueError(f"{what}={name!r} is not known. Expected one of {known}; got {name!r}. {todo}")
