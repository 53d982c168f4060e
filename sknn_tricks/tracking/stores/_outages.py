"""Which errors pass when one waits, and what to say of those that did not."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable

from sknn_tricks._messages import message
from sknn_tricks.tracking.stores._links import without_password
from sknn_tricks.tracking.stores._reach import StoreAway

_PASSING = {"TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED"}
_OF_A_STORE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE}
_MOST_NAMES = 3


def is_outage(error: BaseException) -> bool:
    """Tell whether a store failed for now, and not because of what it was asked.

    Parameters
    ----------
    error : BaseException
        What a call of MLflow raised.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_outage(ConnectionRefusedError()), is_outage(TypeError())
    (True, False)
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import DBAPIError, OperationalError

    if isinstance(error, ConnectionError | TimeoutError | StoreAway | RequestException):
        return True
    if isinstance(error, DBAPIError):
        return isinstance(error, OperationalError) or error.connection_invalidated
    if isinstance(error, MlflowException):
        # how MLflow tells that it has tried a server for minutes
        in_vain = str(error).startswith("API request to")
        return in_vain or error.error_code in _PASSING or _is_passing_cause(error.__cause__)
    return isinstance(error, OSError) and error.errno in _OF_A_STORE


def reason_of(error: BaseException) -> str:
    r"""Return the first line of what a store says, without passwords, under the error's name.

    Examples
    --------
    >>> reason_of(ValueError("no such user me at https://me:secret@host\n and more"))
    'ValueError: no such user me at https://me:***@host'
    """
    from sqlalchemy.exc import DBAPIError

    cause = error.__cause__ if isinstance(error.__cause__, DBAPIError) else error
    # SQLAlchemy tells of its own doings first
    text = str(cause.orig) if isinstance(cause, DBAPIError) else str(error)
    line = (text.splitlines() or [""])[0].removesuffix(".")
    return f"{type(error).__name__}: {without_password(line)}"


def _is_passing_cause(cause: BaseException | None) -> bool:
    return cause is not None and is_outage(cause)


def loss_note(error: Exception | None, n_lost: int, n_told: int, runs: Collection[str]) -> str:
    """Say what of a fit is not in the store.

    Parameters
    ----------
    error : Exception or None
        The first failure; None if the store did not answer to the end.
    n_lost, n_told : int
        How many messages of the fit were lost, of how many.
    runs : collection of str
        The names of the runs that lack something.

    Returns
    -------
    str

    Examples
    --------
    >>> print(loss_note(OSError("disk full"), 2, 9, ["lr=0.1", "lr=0.2"]))
    Not all of this fit could be written to MLflow; the fit itself is unharmed. Expected a store \
that can be written to all the time; got OSError: disk full; 2 of 9 messages were lost, of \
'lr=0.1', 'lr=0.2'. Look for a full disk, a store that was moved or a server that is down.
    """
    reason = "no answer" if error is None else reason_of(error)
    return message(
        "Not all of this fit could be written to MLflow; the fit itself is unharmed",
        expected="a store that can be written to all the time",
        got=f"{reason}; {n_lost} of {n_told} messages were lost{_of(runs)}",
        todo="Look for a full disk, a store that was moved or a server that is down",
    )


def _of(runs: Collection[str]) -> str:
    if not runs:
        return ""
    named: Iterable[str] = list(runs)[:_MOST_NAMES]
    n_more = len(runs) - _MOST_NAMES
    rest = f" and {n_more} more" if n_more > 0 else ""
    return f", of {', '.join(map(repr, named))}{rest}"
