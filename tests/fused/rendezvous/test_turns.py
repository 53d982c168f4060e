"""Who runs when, and what trains with what; `train` is a stand-in that notes seeds."""

import contextvars
import threading
import time
import warnings
from itertools import chain

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config

from sknn_tricks.fused import fused_training
from sknn_tricks.fused.rendezvous import _hub, train_together
from sknn_tricks.fused.rendezvous._hub import FULL, MANY, MAX_PARKED


def call(*tasks, **settings):
    return Parallel(**settings)(delayed(task)() for task in tasks)


def test_tasks_run_in_their_order_and_train_together(trainings, fit):
    events = []

    def task(seed):
        events.append(f"{seed} begins")
        assert fit(seed) == f"net {seed}"
        events.append(f"{seed} ends")
        return seed

    with fused_training():
        assert Parallel()(delayed(task)(seed) for seed in range(3)) == [0, 1, 2]
    assert events == [f"{seed} {what}" for what in ("begins", "ends") for seed in range(3)]
    assert trainings == [[0, 1, 2]]


def test_a_task_may_fit_several_times_or_never(trainings, fit):
    def task(*seeds):
        return [fit(seed) for seed in seeds]

    with fused_training():
        call(lambda: task(1, 2), lambda: None, lambda: task(3))
    assert trainings == [[1, 3], [2]]


def test_nested_calls_train_together(trainings, fit):
    def outer(seed):
        return Parallel()(delayed(fit)(10 * seed + i) for i in range(2))

    with fused_training():
        nets = Parallel()(delayed(outer)(seed) for seed in range(3))
    assert nets == [[f"net {10 * seed + i}" for i in range(2)] for seed in range(3)]
    assert trainings == [[0, 1, 10, 11, 20, 21]]


def test_nested_tasks_start_before_further_outer_ones(trainings, fit, monkeypatch):
    monkeypatch.setattr(_hub, "MAX_PARKED", 2)

    def outer(seed):
        return Parallel()(delayed(fit)(10 * seed + i) for i in range(4))

    with fused_training():
        Parallel()(delayed(outer)(seed) for seed in range(2))
    assert trainings == [[0, 1], [2, 3], [10, 11], [12, 13]]


def test_many_tasks_train_in_portions(trainings, fit, monkeypatch):
    monkeypatch.setattr(_hub, "MAX_PARKED", 4)
    with fused_training():
        Parallel()(delayed(fit)(seed) for seed in range(10))
        Parallel(pre_dispatch=3)(delayed(fit)(seed) for seed in range(5))
    assert [len(seeds) for seeds in trainings] == [4, 4, 2, 3, 2]


def test_more_tasks_than_are_handed_over_at_once(trainings, fit):
    with fused_training():
        assert Parallel()(delayed(fit)(i) for i in range(600)) == [f"net {i}" for i in range(600)]
    sizes = [len(seeds) for seeds in trainings]
    assert sum(sizes) == 600
    assert sizes[0] == FULL
    assert max(sizes) <= MAX_PARKED


@pytest.mark.parametrize(
    ("n_tasks", "n_cores", "sizes"),
    [
        (MANY - 1, 2, [MANY - 1]),
        (MANY, 2, [48, 48]),
        (100, 2, [50, 50]),
        (180, 2, [45, 45, 45, 45]),
        (180, 3, [60, 60, 60]),
        (150, 1, [150]),
    ],
)
def test_many_tasks_are_cut_evenly_among_cores(fit, on_train, n_tasks, n_cores, sizes):
    begun = []

    @on_train
    def train_slowly(jobs, is_cancelled):
        begun.append([job.seed for job in jobs])
        all_at_work = min(len(begun) - 1 + n_cores, len(sizes))
        while len(begun) < all_at_work:
            time.sleep(0.001)

    with fused_training(n_jobs=n_cores):
        Parallel()(delayed(fit)(seed) for seed in range(n_tasks))
    assert [len(seeds) for seeds in begun] == sizes
    assert sorted(chain(*begun)) == list(range(n_tasks))


def test_portions_train_while_other_tasks_go_on(fit, on_train):
    begun, others = threading.Event(), []

    @on_train
    def train(jobs, is_cancelled):
        begun.set()
        while len(others) < MANY:
            time.sleep(0.001)

    def task(seed):
        if begun.is_set():
            others.append(seed)
        return fit(seed)

    with fused_training(n_jobs=2):
        Parallel()(delayed(task)(seed) for seed in range(2 * MANY))
    assert len(others) >= MANY


def test_no_more_portions_than_cores_train_at_once(fit, on_train):
    at_work, most, lock = [], [], threading.Lock()

    @on_train
    def train(jobs, is_cancelled):
        with lock:
            at_work.append(1)
            most.append(len(at_work))
        time.sleep(0.02)
        at_work.pop()

    with fused_training(n_jobs=3):
        Parallel()(delayed(fit)(seed) for seed in range(600))
    assert max(most) <= 3


def test_portions_are_small_where_memory_is(trainings, fit, monkeypatch, make_job):
    x = make_job().train.x
    monkeypatch.setattr(_hub, "available_bytes", lambda: 4 * 4 * x.nbytes * 2)
    with fused_training():
        Parallel()(delayed(fit)(seed) for seed in range(5))
    assert [len(seeds) for seeds in trainings] == [2, 2, 1]


def test_the_backend_has_a_name(trainings, fit):
    with parallel_config(backend="fused"):
        call(lambda: fit(1), lambda: fit(2))
        call(lambda: fit(3), lambda: fit(4))
    call(lambda: fit(5), lambda: fit(6), backend="fused")
    assert trainings == [[1, 2], [3, 4], [5, 6]]


def test_a_block_in_a_task_joins(trainings, fit):
    def task(seed):
        with fused_training() as inner:
            fit(seed)
        return inner

    with fused_training() as outer:
        assert Parallel()(delayed(task)(seed) for seed in range(2)) == [outer, outer]
    assert trainings == [[0, 1]]


def test_fits_elsewhere_train_at_once(trainings, fit):
    def task(seed):
        thread = threading.Thread(target=fit, args=(seed,))
        thread.start()
        thread.join()

    with fused_training():
        fit(1)
        call(lambda: task(2), lambda: task(3))
    fit(4)
    assert trainings == [[1], [2], [3], [4]]


@pytest.mark.parametrize("n_tasks", [3, 600])
def test_fits_while_tasks_are_handed_over(trainings, fit, n_tasks):
    """The iterator of tasks may fit; later ones are drawn when others end."""
    with fused_training():
        Parallel()(delayed(fit)(fit(seed)) for seed in range(n_tasks))
    assert next(len(seeds) for seeds in trainings if len(seeds) > 1) in (n_tasks, MAX_PARKED, FULL)


def test_fits_while_a_task_hands_over_its_own(trainings, fit):
    def outer(seed):
        return Parallel()(delayed(fit)(fit(f"{seed}{i}")) for i in "ab")

    with fused_training():
        Parallel()(delayed(outer)(seed) for seed in (1, 2))
    assert trainings[:2] == [["1a", "2a"], ["1b", "2b"]]
    assert len(trainings) == 3


# --- generators -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["generator", "generator_unordered"])
def test_results_as_a_generator(trainings, fit, kind):
    def outer(seed):
        results = Parallel(return_as=kind)(delayed(fit)(10 * seed + i) for i in range(3))
        return [(net, fit(f"after {net}")) for net in results]

    with fused_training():
        results = Parallel(return_as=kind)(delayed(outer)(seed) for seed in range(2))
        assert sorted(pair[0] for pairs in results for pair in pairs) == [
            f"net {seed}" for seed in (0, 1, 10, 11, 12, 2)
        ]
    assert [len(seeds) for seeds in trainings] == [6, 2, 2, 2]


def test_two_generators_at_a_time(fit):
    with fused_training():
        first = Parallel(return_as="generator")(delayed(fit)(seed) for seed in range(3))
        second = Parallel(return_as="generator")(delayed(fit)(seed) for seed in range(3, 6))
        assert [*second, *first] == [f"net {seed}" for seed in (3, 4, 5, 0, 1, 2)]


def test_a_generator_that_is_left(trainings, fit, no_task_is_left):
    with fused_training():
        results = Parallel(return_as="generator")(delayed(fit)(seed) for seed in range(3))
        with pytest.warns(UserWarning, match="3 tasks which were still being processed"):
            del results
        assert call(lambda: fit(4)) == ["net 4"]
    assert trainings == [[4]]


# --- what a task sees -----------------------------------------------------------------------


def test_tasks_see_the_callers_context():
    name = contextvars.ContextVar("name", default="nobody")
    name.set("caller")

    def task():
        before = name.get()
        name.set("task")
        return before, np.geterr()["divide"]

    with fused_training(), np.errstate(divide="raise"):
        assert call(task, task) == [("caller", "raise")] * 2
    assert name.get() == "caller"


def test_warning_filters_belong_to_the_task(fit):
    def strict():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit(1)
            with pytest.raises(UserWarning):
                warnings.warn("from the strict task", stacklevel=1)

    def collecting():
        with warnings.catch_warnings(record=True) as log:
            warnings.simplefilter("always")
            fit(2)
            warnings.warn("kept", stacklevel=1)
        return [str(warning.message) for warning in log]

    def careless():
        warnings.simplefilter("error")
        warnings.showwarning = print
        fit(3)

    before = warnings.filters, list(warnings.filters), warnings.showwarning
    with fused_training(), warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")
        plain = lambda: (fit(4), warnings.warn("from the plain task", stacklevel=1))  # noqa: E731
        results = call(strict, collecting, careless, plain, strict)
    assert results[1] == ["kept"]
    assert [str(warning.message) for warning in log] == ["from the plain task"]
    assert before == (warnings.filters, list(warnings.filters), warnings.showwarning)


def test_training_sees_the_filters_outside(fit, on_train):
    @on_train
    def warn(jobs, is_cancelled):
        warnings.warn("while training", stacklevel=1)

    def task():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit(1)

    with fused_training(), pytest.warns(UserWarning, match="while training"):
        call(task, task)


def test_warnings_of_training_are_issued_in_the_fit(make_job, on_train):
    @on_train
    def train(jobs, is_cancelled):
        return [(f"net {job.seed}", UserWarning(f"about {job.seed}")) for job in jobs]

    def task(seed):
        with pytest.warns(UserWarning, match=f"about {seed}"):
            train_together(make_job(seed=seed))

    with fused_training():
        Parallel()(delayed(task)(seed) for seed in range(3))
