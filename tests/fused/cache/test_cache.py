"""Trained nets in files: whole or not at all, found again to the bit."""

import os
import threading
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sknn_tricks.fused import Cache, Report, Stopping, train
from sknn_tricks.fused._packed import pack
from sknn_tricks.fused.cache import as_cache
from sknn_tricks.fused.cache._files import Damaged, from_bytes, to_bytes
from sknn_tricks.nets import MLP

RICH = {"spec": MLP((9,), batch_norm=True, dropout=0.2), "optimizer": "adam"}


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "nets")


def files(cache):
    return sorted(cache.folder.glob("*/*"))


def without_training(jobs, cache, **settings):
    """Return what the cache has for jobs, if it has all of them."""
    report = Report()
    nets = train(jobs, cache=cache, report=report, **settings)
    assert (report.n_nets, report.n_cached) == (0, len(jobs))
    return nets


# --- what comes back ------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "adagrad", "rmsprop", "momentum", "sgd"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nets_come_back_as_they_were(make_job, make_rows, cache, same, optimizer, dtype):
    usual = {
        **RICH, "optimizer": optimizer, "dtype": dtype, "valid": make_rows(9, dtype),
        "stopping": Stopping(1, 0.0), "max_epochs": 6,
    }  # fmt: skip
    jobs = [make_job(**usual, seed=seed) for seed in range(3)]
    first = train(jobs, cache=cache)
    again = without_training(jobs, cache)
    for a, b in zip(first, again, strict=True):
        assert same(a.net, b.net)
        assert list(a.net.history) == list(b.net.history)
        assert (a.best_epoch, a.seconds) == (b.best_epoch, b.seconds)
        assert a.net.best_losses_ == b.net.best_losses_
        on = [make_job(**{**usual, "stopping": None}, start=each.net) for each in (a, b)]
        assert same(*(each.net for each in train(on)))  # the optimiser's memory is there too


def test_warnings_come_back(make_job, make_rows, cache):
    job = make_job(valid=make_rows(9), stopping=Stopping(1, 0.0), optimizer="sgd", lr=1e-12)
    [first] = train([job], cache=cache)
    [again] = without_training([job], cache)
    assert [str(w) for w in first.warnings] == [str(w) for w in again.warnings]
    assert [type(w) for w in first.warnings] == [type(w) for w in again.warnings]


def test_nets_that_fail_are_tried_again(make_job, cache):
    job = make_job(optimizer="sgd", lr=1e38)
    for _ in range(2):
        [trained] = train([job], cache=cache)
        assert trained.error is not None
    assert not files(cache)


def test_only_what_is_missing_trains(make_job, cache, same):
    jobs = [make_job(**RICH, seed=seed) for seed in range(5)]
    undisturbed = train(jobs)
    train([jobs[3], jobs[1]], cache=cache)
    report = Report()
    nets = train(jobs, cache=cache, report=report)
    assert (report.n_nets, report.n_cached) == (3, 2)
    assert "3 nets in 1 stack of 3, 0 alone, 2 from the cache" in repr(report)
    assert all(same(a.net, b.net) for a, b in zip(nets, undisturbed, strict=True))


def test_nets_without_an_address_just_train(make_job, cache):
    job = make_job()
    [net] = train([job], cache=cache)
    report = Report()
    train([make_job(start=net.net)], cache=cache, report=report)
    assert (report.n_nets, report.n_cached) == (1, 0)
    assert len(files(cache)) == 1


# --- those who listen -----------------------------------------------------------------------


def test_epochs_are_told_again(make_job, cache):
    heard = []

    def listen(net):
        heard.append((len(net.history), net.history[-1]["train_loss"]))
        return False

    job = make_job(after_epoch=listen)
    train([job], cache=cache)
    first = heard.copy()
    heard.clear()
    without_training([job], cache)
    assert heard == first
    assert job.epochs.n_begun == 2 * len(first)


def test_one_who_wants_the_weights_has_the_net_trained_and_hears_of_each_epoch_once(
    make_job, cache
):
    heard = []

    def look(net):
        heard.append(next(net.twin().module_.parameters()).sum().item())
        return False

    job = make_job(after_epoch=look)
    train([job], cache=cache)
    first = heard.copy()
    heard.clear()
    report = Report()
    train([job], cache=cache, report=report)
    assert report.n_nets == 1
    assert heard == first


def test_a_training_that_was_stopped_from_outside_is_not_kept(make_job, cache):
    train([make_job(after_epoch=lambda net: True)], cache=cache)
    assert not files(cache)


def test_one_who_stops_early_has_the_net_trained(make_job, cache):
    train([make_job()], cache=cache)
    [stopped] = train([make_job(after_epoch=lambda net: len(net.history) == 2)], cache=cache)
    assert len(stopped.net.history) == 2


def test_an_error_of_one_who_listens(make_job, cache):
    def fail(net):
        raise RuntimeError("no")

    train([make_job()], cache=cache)
    [trained] = train([make_job(after_epoch=fail)], cache=cache)
    assert str(trained.error) == "no"


# --- files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "header"])
def test_a_damaged_file_is_trained_anew(make_job, cache, same, damage):
    job = make_job(**RICH)
    [first] = train([job], cache=cache)
    [path] = files(cache)
    data = path.read_bytes()
    path.write_bytes(
        {
            "cut": data[:-7],
            "flipped": data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
            "empty": b"",
            "text": b"something else " * 9,
            "header": data.replace(b"epoch", b"ebook", 1),
        }[damage]
    )
    assert path.read_bytes() != data
    report = Report()
    [again] = train([job], cache=cache, report=report)
    assert report.n_nets == 1
    assert same(first.net, again.net)
    without_training([job], cache)


def test_no_changed_bit_goes_unnoticed(make_job):
    [trained] = train([make_job(max_epochs=1)])
    data = to_bytes(pack(trained))

    @given(st.integers(0, len(data) * 8 - 1))
    @settings(max_examples=150, deadline=None)
    def check(bit):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            packed = from_bytes(bytes(changed))
        except Damaged:
            return
        # JSON may say the same in other letters, as in 1e5 and 1E5.
        assert to_bytes(packed) == data

    check()


def test_nothing_of_it_is_a_pickle(make_job, cache):
    train([make_job(**RICH)], cache=cache)
    [path] = files(cache)
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        assert all(name.startswith(("weights/", "memory/")) for name in file.keys())  # noqa: SIM118
    assert b"sklearn" not in path.read_bytes()


def test_the_oldest_go_first(make_job, cache, monkeypatch):
    jobs = [make_job(**RICH, seed=seed) for seed in range(6)]
    train(jobs[:1], cache=cache)
    size = files(cache)[0].stat().st_size
    cache.max_bytes = 4 * size + size // 2
    for job in jobs[1:4]:
        train([job], cache=cache)
        time.sleep(0.01)
    without_training(jobs[:1], cache)  # now it is the youngest
    train(jobs[4:5], cache=cache)
    assert sum(path.stat().st_size for path in files(cache)) <= cache.max_bytes
    without_training([jobs[0], jobs[4]], cache)
    report = Report()
    train(jobs[1:2], cache=cache, report=report)
    assert report.n_nets == 1


def test_two_at_once(make_job, cache, same):
    """Both write the same files, and both read what there is."""
    jobs = [make_job(**RICH, seed=seed) for seed in range(4)]
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(train(jobs, cache=Cache(cache.folder))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files(cache)) == 4
    for others in results[1:]:
        assert all(same(a.net, b.net) for a, b in zip(results[0], others, strict=True))


def test_a_full_disk_is_told_once_and_training_goes_on(make_job, cache, monkeypatch):
    def no_room(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_room)
    jobs = [make_job(**RICH, seed=seed) for seed in range(3)]
    nets = train(jobs, cache=cache) + train(jobs, cache=cache)
    [warning] = [warning for net in nets for warning in net.warnings]
    assert str(warning) == (
        "Trained nets cannot be written to the cache. Expected a folder with room; got [Errno 28] "
        "No space left on device. Make room; training goes on without the cache, and finds again "
        "what is there."
    )
    assert all(net.net is not None for net in nets)
    assert not files(cache)


# --- what may be given ----------------------------------------------------------------------


def test_a_folder_a_cache_or_none(tmp_path):
    assert as_cache(None) is None
    assert as_cache(str(tmp_path)).folder == as_cache(tmp_path).folder == tmp_path
    cache = Cache(tmp_path, max_bytes=9)
    assert as_cache(cache) is cache
    assert repr(cache) == f"Cache({str(tmp_path)!r}, max_bytes=9)"
    with pytest.raises(TypeError, match="cache is nothing to keep nets in"):
        as_cache(7)
