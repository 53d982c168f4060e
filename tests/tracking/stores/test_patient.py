import copy
import threading
import time
from types import SimpleNamespace

import pytest

from sknn_tricks.tracking.stores import _patient
from sknn_tricks.tracking.stores._direct_client import Batch, NewRun, WholeRun
from sknn_tricks.tracking.stores._patient import PatientClient
from sknn_tricks.tracking.stores._reach import StoreAway
from sknn_tricks.tracking.stores._store import Store

_SERVER = Store("databricks")  # has no address to look at


class _Client:
    """Fails `n_failures` times with `error`, then works."""

    tracking_uri = "somewhere"

    def __init__(self, n_failures=0, error=None):
        self.n_failures = n_failures
        self.error = error or ConnectionRefusedError("nobody there")
        self.times = []

    def create_run(self, experiment_id, run_name=None):
        return SimpleNamespace(info=SimpleNamespace(run_id="1", run_name=run_name))

    def set_tag(self, run_id, key, value):
        self.times.append(time.monotonic())
        if self.n_failures:
            self.n_failures -= 1
            raise self.error
        return value


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(_patient, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(_patient, "_LONGEST_PAUSE", 0.04)
    monkeypatch.setattr(_patient, "_PAUSE_AT_THE_END", 0.01)
    monkeypatch.setattr(_patient, "_LONGEST_OUTAGE", 0.5)
    monkeypatch.setattr(_patient, "_LAST_WAIT_FOR_A_SERVER", 0.2)
    monkeypatch.setattr(_patient, "_LAST_WAIT_FOR_A_FILE", 0.1)


def _patient_client(client, store=_SERVER):
    patient = PatientClient(client, store)
    patient.begin()
    return patient


def test_a_short_outage_loses_nothing():
    client = _Client(n_failures=4)
    patient = _patient_client(client)
    assert patient.set_tag("1", "who", "me") == "me"
    pauses = [after - before for before, after in zip(client.times, client.times[1:], strict=False)]
    assert len(pauses) == 4
    assert pauses[0] >= 0.01
    assert pauses[3] >= 0.04
    assert patient.n_calls == 1
    assert not patient.incomplete


def test_what_is_no_method_is_repeated_too():
    client = _Client(n_failures=2)
    patient = _patient_client(client)
    assert patient.patiently(lambda: client.set_tag("1", "who", "me")) == "me"
    assert len(client.times) == 3
    assert patient.n_calls == 1


def test_nothing_is_repeated_before_it_begins():
    client = _Client(n_failures=1)
    with pytest.raises(ConnectionRefusedError):
        PatientClient(client, _SERVER).set_tag("1", "who", "me")
    assert len(client.times) == 1


def test_what_a_store_refuses_is_raised_at_once():
    client = _Client(n_failures=9, error=ValueError("no such key"))
    patient = _patient_client(client)
    with pytest.raises(ValueError, match="no such key"):
        patient.set_tag("1", "who", "me")
    assert len(client.times) == 1
    client.n_failures = 0
    assert patient.set_tag("1", "who", "me") == "me"


def test_a_long_outage_is_given_up_and_looked_at_from_time_to_time():
    client = _Client(n_failures=10**9)
    patient = _patient_client(client)
    began = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        patient.set_tag("1", "who", "me")
    assert 0.5 <= time.monotonic() - began < 5
    n_attempts = len(client.times)
    with pytest.raises(ConnectionRefusedError):  # too soon to look again
        patient.set_tag("1", "who", "me")
    assert len(client.times) == n_attempts
    client.n_failures = 0
    time.sleep(0.05)
    assert patient.set_tag("1", "who", "me") == "me"


def test_at_the_end_there_is_little_time_left():
    client = _Client(n_failures=10**9)
    patient = _patient_client(client)
    threading.Timer(0.05, patient.finish).start()
    began = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        patient.set_tag("1", "who", "me")
    assert 0.2 <= time.monotonic() - began < 0.45


def test_the_runs_that_lack_something_are_known_by_name():
    client = _Client(error=ValueError())
    patient = _patient_client(client)
    patient.create_run("0", run_name="lr=0.1")
    client.n_failures = 3
    for run_id in ("1", "1", "2"):
        with pytest.raises(ValueError):  # noqa: PT011
            patient.set_tag(run_id, "who", "me")
    client.create_run = None
    with pytest.raises(ValueError, match="x"):
        patient._call("create_run", _raise, "0", run_name="lr=0.2")
    assert list(patient.incomplete) == ["lr=0.1", "2", "lr=0.2"]


def _raise(*_args, **_kwargs):
    raise ValueError("x")


@pytest.mark.parametrize("replace", [False, True])
def test_a_database_that_was_moved_is_noticed(replace, tmp_path):
    database = tmp_path / "runs.db"
    database.write_text("one")
    client = _Client()
    patient = _patient_client(client, Store(f"sqlite:///{database}"))
    assert patient.is_there()
    database.rename(tmp_path / "moved.db")
    if replace:
        database.write_text("another")
    assert not patient.is_there()
    with pytest.raises(StoreAway, match=r"runs\.db was moved or deleted"):
        patient.set_tag("1", "who", "me")
    assert client.times == []
    (tmp_path / "moved.db").replace(database)
    time.sleep(0.05)
    assert patient.set_tag("1", "who", "me") == "me"


def test_it_stands_for_the_client():
    patient = _patient_client(_Client())
    assert patient.tracking_uri == "somewhere"
    with pytest.raises(AttributeError):
        patient.no_such_method  # noqa: B018
    with pytest.raises(TypeError, match="pickle"):
        copy.deepcopy(patient)  # it has a lock and connections


def test_runs_that_are_written_whole_or_together_have_names():
    class Direct(_Client):
        def log_run(self, experiment_id, run):
            return self.set_tag("", "", NewRun("3", "there"))

        def log_batches(self, batches):
            self.set_tag("", "", "")

    client = Direct()
    patient = PatientClient(client, _SERVER)
    patient.log_run("1", WholeRun("lr=0.3", 1, 2, "FINISHED", Batch()))
    client.n_failures = 2
    with pytest.raises(ConnectionRefusedError):
        patient.log_run("1", WholeRun("lr=0.4", 1, 2, "FINISHED", Batch()))
    with pytest.raises(ConnectionRefusedError):
        patient.log_batches({"3": Batch(), "4": Batch()})
    assert list(patient.incomplete) == ["lr=0.4", "lr=0.3", "4"]
