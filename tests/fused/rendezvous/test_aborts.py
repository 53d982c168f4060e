"""Errors, Ctrl-C and timeouts: nothing hangs, nothing is left, and all works again after."""

import _thread
import threading
import time
import traceback

import pytest
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend

from sknn_tricks.fused import fused_training
from sknn_tricks.fused.rendezvous import FusedBackend

pytestmark = pytest.mark.usefixtures("no_task_is_left")


def fail():
    raise ZeroDivisionError("a task")


@pytest.fixture
def endless_training(on_train):
    """Training that goes on until it is cancelled."""

    @on_train
    def train(jobs, is_cancelled):
        while not is_cancelled():
            time.sleep(0.01)
        raise ZeroDivisionError("training, which has been cancelled")


def test_an_error_ends_the_call(trainings, fit):
    ended = []

    def task(seed):
        try:
            return fit(seed)
        except Exception as error:
            ended.append(error)
        finally:
            ended.append(seed)

    with fused_training():
        tasks = [delayed(task)(1), delayed(task)(2), delayed(fail)(), delayed(task)(3)]
        with pytest.raises(ZeroDivisionError, match="a task") as raised:
            Parallel()(tasks)
        assert ended == [1, 2]  # without having seen an exception; 3 never began
        assert not trainings
        assert Parallel()([delayed(task)(4)]) == ["net 4"]
    lines = "".join(traceback.format_tb(raised.value.__traceback__))
    assert "in fail" in lines


def test_an_error_of_one_training(fit, on_train):
    @on_train
    def train(jobs, is_cancelled):
        return [ValueError("diverged") if job.seed == 1 else f"net {job.seed}" for job in jobs]

    def task(seed):
        try:
            return fit(seed)
        except ValueError as error:
            return str(error)

    with fused_training():
        results = Parallel()(delayed(task)(seed) for seed in range(3))
    assert results == ["net 0", "diverged", "net 2"]


@pytest.mark.parametrize("accident", [MemoryError("full"), KeyboardInterrupt(), SystemExit(1)])
def test_training_breaks_down(fit, on_train, accident):
    @on_train
    def train(jobs, is_cancelled):
        raise accident

    with fused_training(), pytest.raises(type(accident)):
        Parallel()(delayed(fit)(seed) for seed in range(3))


def test_training_returns_too_little(fit, on_train):
    @on_train
    def train(jobs, is_cancelled):
        return ["net"]

    with fused_training(), pytest.raises(ValueError, match="zip"):
        Parallel()(delayed(fit)(seed) for seed in range(3))


def test_the_iterator_of_tasks_fails(fit):
    def tasks(n):
        for seed in range(n):
            yield delayed(fit)(seed)
        fail()

    with fused_training():
        for n in (0, 3, 600):
            with pytest.raises(ZeroDivisionError):
                Parallel()(tasks(n))


def test_an_error_in_a_nested_call_cancels_that_call_only(trainings, fit):
    def inner(seed):
        return fail() if seed == "bad" else fit(seed)

    def outer(*seeds):
        try:
            return Parallel()(delayed(inner)(seed) for seed in seeds)
        except ZeroDivisionError:
            return "failed"

    with fused_training():
        calls = [delayed(outer)(1, 2), delayed(outer)(3, "bad", 4), delayed(outer)(5)]
        assert Parallel()(calls) == [["net 1", "net 2"], "failed", ["net 5"]]
    assert trainings == [[1, 2, 5]]


def test_an_error_reaches_nested_calls_that_wait(trainings, fit):
    def outer(seed):
        return Parallel()(delayed(fit)(10 * seed + i) for i in range(2))

    with fused_training():
        with pytest.raises(ZeroDivisionError):
            Parallel()([delayed(outer)(1), delayed(outer)(2), delayed(fail)()])
        assert not trainings
        assert Parallel()([delayed(outer)(1)]) == [["net 10", "net 11"]]


def interrupt_soon():
    threading.Timer(0.1, _thread.interrupt_main).start()


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.usefixtures("endless_training")
def test_ctrl_c_while_nets_train(fit, on_train, nested):
    def task(seed):
        return Parallel()(delayed(fit)(10 * seed + i) for i in range(2)) if nested else fit(seed)

    with fused_training():
        interrupt_soon()
        with pytest.raises(KeyboardInterrupt):
            Parallel()(delayed(task)(seed) for seed in range(3))
        on_train(lambda jobs, is_cancelled: None)
        assert Parallel()([delayed(fit)(1)]) == ["net 1"]


@pytest.mark.parametrize("nested", [False, True])
def test_ctrl_c_while_a_task_runs(trainings, fit, nested):
    def slow():
        time.sleep(0.3)
        return Parallel()([delayed(fit)(2)]) if nested else fit(2)

    with fused_training():
        interrupt_soon()
        with pytest.raises(KeyboardInterrupt):
            Parallel()([delayed(fit)(1), delayed(slow)()])
    assert not trainings


def test_ctrl_c_while_tasks_are_handed_over(trainings, fit):
    def tasks():
        yield delayed(fit)(1)
        raise KeyboardInterrupt

    with fused_training(), pytest.raises(KeyboardInterrupt):
        Parallel()(tasks())
    assert not trainings


def test_a_task_raises_keyboard_interrupt(fit):
    def interrupt():
        raise KeyboardInterrupt

    with fused_training(), pytest.raises(KeyboardInterrupt):
        Parallel()([delayed(fit)(1), delayed(interrupt)()])


@pytest.mark.usefixtures("endless_training")
def test_time_runs_out(fit):
    with fused_training(), pytest.raises(TimeoutError):
        Parallel(timeout=0.2)(delayed(fit)(seed) for seed in range(3))


@pytest.mark.usefixtures("endless_training")
def test_time_runs_out_in_a_nested_call(fit):
    def outer(seed):
        with pytest.raises(TimeoutError):
            Parallel(timeout=0.2)(delayed(fit)(seed) for _ in range(2))
        return "late"

    with fused_training():
        assert Parallel()(delayed(outer)(seed) for seed in range(2)) == ["late"] * 2


def test_time_is_enough(fit):
    with fused_training():
        assert Parallel(timeout=5)(delayed(fit)(seed) for seed in range(2)) == ["net 0", "net 1"]


def test_an_error_of_the_users_own(fit):
    def work():
        with fused_training():
            Parallel()([delayed(fit)(1)])
            fail()

    with pytest.raises(ZeroDivisionError):
        work()
    assert not isinstance(get_active_backend()[0], FusedBackend)


def test_two_threads_have_blocks_of_their_own(fit, on_train):
    both_train = threading.Barrier(2, timeout=10)
    on_train(lambda jobs, is_cancelled: both_train.wait() and None)
    results = {}

    def work(name):
        with fused_training() as fused:
            results[name] = Parallel()(delayed(fit)(f"{name}{i}") for i in range(5)), fused

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: nets for name, (nets, _) in results.items()} == {
        name: [f"net {name}{i}" for i in range(5)] for name in "ab"
    }
    assert results["a"][1] is not results["b"][1]


def test_no_cores():
    with pytest.raises(ValueError, match="n_jobs is zero"), fused_training(n_jobs=0):
        pass
    with fused_training(), pytest.raises(ValueError, match="n_jobs is zero"):
        Parallel(n_jobs=0)([delayed(fail)()])
