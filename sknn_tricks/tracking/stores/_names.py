"""Text that every store can keep: MLflow takes what its database then refuses, or shows wrongly."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sknn_tricks._messages import message

_LONGEST_EXPERIMENT = 500  # what MLflow takes
_LONGEST_RUN = 250
_LONGEST_KEY = 250
_NOT_IN_A_DATABASE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def storable(text: str) -> str:
    r"""Write characters that a database refuses as the escapes of a Python string.

    PostgreSQL has no NUL, and no database has half of a surrogate pair.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> print(storable("relu\x00"), storable("\ud800"), storable("ζ 😀"))
    relu\x00 \ud800 ζ 😀
    """
    return _NOT_IN_A_DATABASE.sub(lambda found: repr(found[0])[1:-1], text)


def check_names(experiment: str, run_name: str | None, tags: Mapping[str, str]) -> None:
    r"""Raise if a store or the UI would stumble over what a user calls things.

    Parameters
    ----------
    experiment : str
        At most 500 characters on one line.
    run_name : str or None
        At most 250 characters on one line.
    tags : mapping of str to str
        Keys of at most 250 characters on one line; values of any length and number of lines,
        of which MLflow keeps 8000 characters.

    Raises
    ------
    TypeError
        If a tag is no string.
    ValueError
        If a text is too long, or has characters that no database can keep.

    Examples
    --------
    >>> check_names("weights", None, {"who": "me"})
    >>> check_names("we\nights", None, {})
    Traceback (most recent call last):
        ...
    ValueError: experiment='we\nights' cannot be used. Expected at most 500 characters without ...
    """
    _check("experiment", experiment, _LONGEST_EXPERIMENT)
    if run_name is not None:
        _check("run_name", run_name, _LONGEST_RUN)
    for key, value in tags.items():
        for what, text in (("key", key), ("value", value)):
            if not isinstance(text, str):
                raise TypeError(_wrong("tags", tags, "a dict of strings", f"the {what} {text!r}"))
        _check("tags", key, _LONGEST_KEY)
        _check_storable(key, value)


def _check(what: str, text: str, longest: int) -> None:
    expected = f"at most {longest} characters without line breaks and control characters"
    if found := _CONTROL.search(text):
        got = f"{found[0]!r} at position {found.start()}"
        raise ValueError(_wrong(what, text[:60], expected, got))
    if len(text) > longest:
        raise ValueError(_wrong(what, text[:20] + "...", expected, f"{len(text)} characters"))
    if not text.strip():
        raise ValueError(_wrong(what, text, "a name that is not empty", repr(text)))


def _check_storable(key: str, value: str) -> None:
    if found := _NOT_IN_A_DATABASE.search(value):
        got = f"{found[0]!r} in the value of {key!r}"
        raise ValueError(_wrong("tags", key, "text without NUL and lone surrogates", got))


def _wrong(what: str, value: object, expected: str, got: str) -> str:
    return message(
        f"{what}={value!r} cannot be used",
        expected=expected,
        got=got,
        todo=f"Choose {'other' if what == 'tags' else 'another'} {what}",
    )
