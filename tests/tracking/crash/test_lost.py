"""A store that goes away while a search goes on."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from sklearn.model_selection import GridSearchCV

from sknn_tricks.tracking.stores import _patient


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(_patient, "_FIRST_PAUSE", 0.02)
    monkeypatch.setattr(_patient, "_LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(_patient, "_LAST_WAIT_FOR_A_FILE", 0.3)


@pytest.fixture
def happening(stub_net):
    """A net to which something happens when its first candidate is logged, and at the refit."""

    class Net(stub_net):
        first = refit = staticmethod(lambda: None)

        def fit(self, X, y):
            if len(X) == 24:
                type(self).refit()
            elif self.lr == 0.2:
                type(self).first()
                type(self).first = staticmethod(lambda: None)
            return super().fit(X, y)

    return Net


def _search(net):
    return GridSearchCV(net, {"lr": [0.1, 0.2, 0.3, 0.4]}, cv=2)


def _wait_for_candidate(logged, callback):
    while not logged(callback).candidates:
        time.sleep(0.02)


def _scores(search):
    return {
        k: v.tolist() for k, v in search.cv_results_.items() if "score" in k and "time" not in k
    }


def test_a_file_that_is_deleted(happening, stub_net, callback, uri, data, logged, capfd):
    def delete():
        _wait_for_candidate(logged, callback)
        for path in Path(uri.removeprefix("sqlite:///")).parent.glob("copy.db*"):
            path.unlink()

    happening.first = staticmethod(delete)
    began = time.monotonic()
    with pytest.warns(RuntimeWarning, match="Not all of this fit") as caught:
        search = _search(happening()).set_callbacks(callback).fit(*data)
    assert time.monotonic() - began < 20
    assert _scores(search) == _scores(_search(stub_net()).fit(*data))
    text = str(caught[0].message)
    assert "copy.db was moved or deleted; " in text
    assert "messages were lost, of " in text
    assert "'lr=0.2'" in text
    assert len([w for w in caught if issubclass(w.category, RuntimeWarning)]) == 1
    assert capfd.readouterr() == ("", "")


def test_a_file_that_comes_back(happening, callback, uri, data, logged):
    database = Path(uri.removeprefix("sqlite:///"))

    def move():
        _wait_for_candidate(logged, callback)
        database.rename(database.with_name("elsewhere.db"))

    def move_back():
        time.sleep(0.3)
        database.with_name("elsewhere.db").rename(database)

    happening.first, happening.refit = staticmethod(move), staticmethod(move_back)
    _search(happening()).set_callbacks(callback).fit(*data)
    seen = logged(callback)
    assert seen.run.info.status == "FINISHED"
    assert [run.data.params["lr"] for run in seen.candidates] == ["0.1", "0.2", "0.3", "0.4"]
    assert all("cv_score" in run.data.metrics for run in seen.candidates)


def test_a_database_that_another_process_locks(happening, callback, uri, data, logged):
    locks = []

    def lock():
        _wait_for_candidate(logged, callback)
        locks.append(sqlite3.connect(uri.removeprefix("sqlite:///"), isolation_level=None))
        locks[0].execute("BEGIN IMMEDIATE")

    def unlock():
        time.sleep(0.3)
        locks[0].execute("COMMIT")
        locks[0].close()

    happening.first, happening.refit = staticmethod(lock), staticmethod(unlock)
    _search(happening()).set_callbacks(callback).fit(*data)
    seen = logged(callback)
    assert seen.run.info.status == "FINISHED"
    assert [run.info.status for run in seen.candidates] == ["FINISHED"] * 4


def test_a_table_that_refuses(happening, stub_net, callback, uri, data, logged, capfd):
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as database:
        refuse = "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        database.execute(f"CREATE TRIGGER full BEFORE INSERT ON metrics {refuse}")
    with pytest.warns(RuntimeWarning, match="disk is full") as caught:
        search = _search(happening()).set_callbacks(callback).fit(*data)
    assert _scores(search) == _scores(_search(stub_net()).fit(*data))
    assert len(caught) == 1
    assert logged(callback).run.info.status == "FINISHED"
    assert capfd.readouterr() == ("", "")


def test_a_store_that_cannot_be_written_is_told_before_the_search(callback, uri, data, stub_net):
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as database:
        refuse = "BEGIN SELECT RAISE(ABORT, 'attempt to write a readonly database'); END"
        database.execute(f"CREATE TRIGGER readonly BEFORE INSERT ON runs {refuse}")
    with pytest.raises(RuntimeError, match=r"cannot be opened for 'demo'.*readonly database"):
        _search(stub_net()).set_callbacks(callback).fit(*data)


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_a_scorer_that_raises(error, status, stub_net, callback, data, logged):
    def score(net, X, y):
        if net.lr == 0.3:
            raise error("an accident")
        return 1.0

    search = GridSearchCV(
        stub_net(), {"lr": [0.1, 0.2, 0.3]}, cv=2, scoring=score, error_score="raise"
    )
    with pytest.raises(error, match="an accident"):
        search.set_callbacks(callback).fit(*data)
    seen = logged(callback)
    assert seen.run.info.status == status
    assert seen.run.data.tags["error"] == f"{error.__name__}: an accident"
    assert [run.info.status for run in seen.candidates] == ["FINISHED", "FINISHED", status]
