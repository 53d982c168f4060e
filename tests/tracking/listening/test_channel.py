import multiprocessing
import threading

from joblib import Parallel, delayed
from sklearn.callback import _transport

from sknn_tricks.tracking.listening._channel import close_topic, open_topic, post


def test_what_is_used_of_scikit_learns_private_transport():
    assert _transport.ListenerHandle._fields == ("address", "authkey")
    assert isinstance(_transport._message_consumers, dict)
    for name in ("open_listener", "send"):
        assert callable(getattr(_transport, name))


def test_no_network_port_is_opened():
    address = open_topic("a", print).address
    assert isinstance(address, str)  # a path or a pipe; of a port it is a tuple (host, port)
    close_topic("a")


def test_messages_reach_their_topic_only():
    first, second = [], []
    address = open_topic("first", first.append)
    assert open_topic("second", second.append) == address
    assert post(address, "first", {"loss": 0.5, "path": (0, 1)})
    assert post(address, "second", {"loss": float("nan")})
    close_topic("first")
    assert post(address, "first", {"too": "late"})
    close_topic("second")
    assert first == [{"loss": 0.5, "path": (0, 1)}]
    assert len(second) == 1


def test_messages_from_workers_and_their_threads():
    def post_from_threads(address, worker):  # local: workers cannot import this file
        messages = ({"worker": worker, "thread": i} for i in range(4))
        threads = [threading.Thread(target=post, args=(address, "work", m)) for m in messages]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    received = []
    address = open_topic("work", received.append)
    Parallel(n_jobs=2, backend="loky")(delayed(post_from_threads)(address, i) for i in range(3))
    close_topic("work")
    sent = [{"worker": i, "thread": j} for i in range(3) for j in range(4)]
    assert sorted(received, key=str) == sorted(sent, key=str)


def test_messages_from_a_forked_process():
    received = []
    address = open_topic("fork", received.append)
    process = multiprocessing.get_context("fork").Process(
        target=post, args=(address, "fork", {"from": "child"})
    )
    process.start()
    process.join()
    close_topic("fork")
    assert received == [{"from": "child"}]


def test_a_listener_that_has_gone_stops_nobody(tmp_path):
    gone = _transport.ListenerHandle(address=str(tmp_path / "gone"), authkey=b"key")
    assert not post(gone, "topic", {})
