import threading
import time

import pytest

from sknn_tricks.tracking.listening import _background
from sknn_tricks.tracking.listening._background import Background


class _Line:
    """A connection to a store; `there` is whether it answers."""

    def __init__(self, there=True):
        self.n_calls = 0
        self.there = there
        self.told = []

    def begin(self):
        self.told.append("begin")

    def finish(self):
        self.told.append("finish")

    def is_there(self):
        return self.there


def test_messages_are_consumed_in_order_before_close_returns():
    seen = []
    writer = Background(seen.append)
    for i in range(100):
        writer.put(i)
    assert writer.close()
    assert seen == list(range(100))
    assert writer.error is None
    assert (writer.n_told, writer.n_lost) == (100, 0)


def test_what_can_wait_comes_before_what_follows():
    seen, third = [], threading.Event()

    def consume(number):
        seen.append((number, third.is_set()))

    writer = Background(consume)
    writer.put(1, soon=False)
    writer.put(2, soon=False)
    time.sleep(0.05)
    assert seen == []
    third.set()
    writer.put(3)
    writer.put(4, soon=False)
    assert writer.close()
    assert seen == [(1, True), (2, True), (3, True), (4, True)]
    assert (writer.n_told, writer.n_lost) == (4, 0)


def test_a_failure_is_kept_and_the_rest_goes_on():
    seen = []

    def consume(number):
        if number in (1, 2):
            raise OSError(f"no space for {number}")
        seen.append(number)

    writer = Background(consume)
    for i in range(5):
        writer.put(i)
    assert writer.close()
    assert seen == [0, 3, 4]
    assert str(writer.error) == "no space for 1"
    assert (writer.n_told, writer.n_lost) == (5, 2)


def test_messages_of_many_threads_are_all_counted():
    writer = Background(lambda message: None)
    threads = [
        threading.Thread(target=lambda: [writer.put(i) for i in range(500)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert (writer.n_told, writer.n_lost) == (4000, 0)


def test_the_line_is_told_when_to_be_patient_and_when_to_hurry():
    line = _Line()
    writer = Background(lambda message: None, line)
    assert line.told == ["begin"]
    writer.close()
    assert line.told == ["begin", "finish"]


@pytest.mark.parametrize("there", [False, True])
def test_a_consumer_that_hangs_is_left_to_itself(there, monkeypatch):
    monkeypatch.setattr(_background, "_SECONDS_WITHOUT_PROGRESS", 0.05)
    monkeypatch.setattr(_background, "_MOST_SECONDS_WITHOUT_PROGRESS", 0.5)
    go_on = threading.Event()
    writer = Background(lambda message: go_on.wait(30), _Line(there))
    for i in range(3):
        writer.put(i)
    began = time.monotonic()
    assert not writer.close()
    waited = time.monotonic() - began
    # one that answers may be busy with something large
    assert (0.4 if there else 0.0) <= waited < 5
    assert (writer.n_told, writer.n_lost) == (3, 3)
    go_on.set()


def test_a_consumer_that_goes_on_is_waited_for(monkeypatch):
    monkeypatch.setattr(_background, "_SECONDS_WITHOUT_PROGRESS", 0.2)
    monkeypatch.setattr(_background, "_MOST_SECONDS_WITHOUT_PROGRESS", 0.2)
    line = _Line(there=False)

    def consume(message):
        for _ in range(6):
            time.sleep(0.1)
            line.n_calls += 1

    writer = Background(consume, line)
    writer.put("large")
    assert writer.close()
    assert writer.n_lost == 0
