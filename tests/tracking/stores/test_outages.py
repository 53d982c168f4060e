import errno
import sqlite3

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, TEMPORARILY_UNAVAILABLE
from requests import ConnectionError as RequestsConnectionError
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from sknn_tricks.tracking.stores._outages import is_outage, loss_note
from sknn_tricks.tracking.stores._reach import StoreAway


def _of_sqlalchemy(invalidated):
    error = MlflowException("server closed the connection")
    error.__cause__ = DBAPIError("SELECT 1", {}, Exception(), connection_invalidated=invalidated)
    return error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        ConnectionResetError(),
        TimeoutError(),
        StoreAway("moved"),
        RequestsConnectionError(),
        OSError(errno.ENOSPC, "No space left on device"),
        MlflowException("locked", error_code=TEMPORARILY_UNAVAILABLE),
        MlflowException("API request to http://host failed with exception x"),
        _of_sqlalchemy(True),
        OperationalError("SELECT 1", {}, Exception()),
    ],
)
def test_what_passes(error):
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        TypeError(),
        KeyboardInterrupt(),
        FileNotFoundError(errno.ENOENT, "a picture that was never drawn"),
        MlflowException("changing a value", error_code=INVALID_PARAMETER_VALUE),
        MlflowException("what no codec can encode"),
        _of_sqlalchemy(False),
        ProgrammingError("SELECT 1", {}, Exception()),
        sqlite3.IntegrityError(),
    ],
)
def test_what_does_not_pass(error):
    assert not is_outage(error)


def test_the_note_names_runs_and_hides_passwords():
    error = OSError("no route to postgresql://me:secret@host/db\nand more")
    note = loss_note(error, 3, 9, [f"lr={i}" for i in range(5)])
    assert "got OSError: no route to postgresql://me:***@host/db; " in note
    assert "; 3 of 9 messages were lost, of 'lr=0', 'lr=1', 'lr=2' and 2 more. " in note
    assert "got no answer; 2 of 9 messages were lost. Look" in loss_note(None, 2, 9, [])
