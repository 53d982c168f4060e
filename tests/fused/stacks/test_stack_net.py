import dataclasses
import threading

import pytest
import torch

from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.fused import Report, Stopping, train
from sknn_tricks.fused._job import Cancelled
from sknn_tricks.fused.stacks._losses import per_member
from sknn_tricks.fused.stacks._stack_net import StackNet
from sknn_tricks.nets import MLP

RICH = MLP(hidden=(6, 5), batch_norm=True, dropout=0.3)
TOO_LITTLE = [
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"),
]


@pytest.fixture
def make_jobs(make_job):
    """Return a function that makes jobs of one stack, each of another seed."""

    def make(n, **settings):
        return [make_job(**{"spec": RICH, "seed": seed, **settings}) for seed in range(n)]

    return make


@pytest.fixture
def assert_untouched(same):
    """Assert that nets are those that their jobs give alone."""

    def check(trained, jobs):
        for one, job in zip(trained, jobs, strict=True):
            assert one.error is None
            [alone] = train([job])
            assert same(one.net, alone.net)
            assert one.net.history[:, "train_loss"] == alone.net.history[:, "train_loss"]

    return check


def sizes(report):
    return [batch.n_nets for batch in report.batches]


def with_epochs(job, function):
    class Epochs:
        def begin(self):
            pass

        def end(self, net):
            return function(net)

    return dataclasses.replace(job, epochs=Epochs())


def raise_in_epoch(number, error):
    def after_epoch(net):
        if len(net.history) == number:
            raise error

    return after_epoch


# --- members that end before the others -----------------------------------------------------


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_member_whose_callback_fails_ends_alone(make_jobs, assert_untouched, place):
    jobs = make_jobs(5)
    failing = list(jobs)
    failing[place] = with_epochs(jobs[place], raise_in_epoch(2, OSError("disk full")))
    report = Report()
    trained = train(failing, report=report)
    assert sizes(report) == [5]
    broken = trained.pop(place)
    del jobs[place]
    assert str(broken.error) == "disk full"
    assert broken.net is None
    assert_untouched(trained, jobs)


def test_a_member_whose_epoch_cannot_begin_ends_alone(make_jobs, assert_untouched):
    class Epochs:
        def begin(self):
            raise OSError("disk full")

    jobs = make_jobs(3)
    failing = dataclasses.replace(jobs[1], epochs=Epochs())
    first, broken, last = train([jobs[0], failing, jobs[2]])
    assert str(broken.error) == "disk full"
    assert_untouched([first, last], [jobs[0], jobs[2]])


def test_a_member_whose_score_fails_ends_alone(make_jobs, make_rows, assert_untouched):
    def failing_score(outputs, target, weight):
        raise OSError("no score")

    jobs = make_jobs(3, valid=make_rows(9))
    task = dataclasses.replace(jobs[1].task, score=failing_score)
    first, broken, last = train([jobs[0], dataclasses.replace(jobs[1], task=task), jobs[2]])
    assert str(broken.error) == "no score"
    assert_untouched([first, last], [jobs[0], jobs[2]])


def test_a_member_whose_callback_says_stop_leaves(make_jobs, assert_untouched):
    jobs = make_jobs(4)
    jobs[1] = with_epochs(jobs[1], lambda net: len(net.history) == 2)
    trained = train(jobs)
    assert [len(one.net.history) for one in trained] == [3, 2, 3, 3]
    assert_untouched(trained, jobs)


def test_a_member_that_stops_early_leaves(make_jobs, make_rows, assert_untouched):
    liars = make_rows(12, seed=1)
    liars.target = 1 - liars.target
    jobs = make_jobs(4, valid=liars, stopping=Stopping(1, 0.0), max_epochs=12)
    jobs[1] = dataclasses.replace(jobs[1], lr=0.1)
    trained = train(jobs)
    assert len({len(one.net.history) for one in trained}) > 1
    assert_untouched(trained, jobs)


def test_members_with_fewer_epochs_leave(make_jobs, assert_untouched):
    jobs = [dataclasses.replace(job, max_epochs=1 + k) for k, job in enumerate(make_jobs(4))]
    trained = train(jobs)
    assert [len(one.net.history) for one in trained] == [1, 2, 3, 4]
    assert_untouched(trained, jobs)


@pytest.mark.parametrize("settings", [{"l1": 0.01}, {"clip_norm": 0.01}, {"label_smoothing": 0.1}])
def test_settings_stay_with_their_members_when_others_leave(make_jobs, assert_untouched, settings):
    jobs = make_jobs(4)
    jobs[0] = dataclasses.replace(jobs[0], max_epochs=1)
    jobs[2] = dataclasses.replace(jobs[2], **settings)
    assert_untouched(train(jobs), jobs)


@pytest.mark.parametrize("lr", [1e30, 1e38])
@pytest.mark.parametrize("watched", [False, True])
def test_a_member_that_diverges_ends_alone(make_jobs, make_rows, assert_untouched, lr, watched):
    jobs = make_jobs(4, optimizer="sgd", valid=make_rows(9) if watched else None)
    failing = [dataclasses.replace(jobs[0], lr=lr), *jobs[1:]]
    report = Report()
    broken, *rest = train(failing, report=report)
    assert sizes(report) == [4]
    assert isinstance(broken.error, DivergenceError)
    assert_untouched(rest, jobs[1:])


def test_all_members_may_diverge(make_jobs):
    trained = train(make_jobs(3, optimizer="sgd", lr=1e38))
    assert {type(one.error) for one in trained} == {DivergenceError}


def test_a_net_has_memory_of_its_own_once_it_has_left(make_jobs):
    jobs = make_jobs(2)
    states = []
    jobs[0] = dataclasses.replace(jobs[0], max_epochs=1)
    jobs[1] = with_epochs(jobs[1], lambda net: states.append(net))
    first, second = train(jobs)
    pointers = {
        tensor.untyped_storage().data_ptr()
        for one in (first, second)
        for tensor in one.net.module_.state_dict().values()
    }
    assert len(pointers) == 2 * len(first.net.module_.state_dict())


# --- what members see of their own training -------------------------------------------------


def test_members_see_their_own_weights_after_each_epoch(make_jobs, make_rows):
    rows = make_rows()
    seen = [[] for _ in range(3)]
    jobs = [
        with_epochs(job, lambda net, k=k: seen[k].append(net.predict_proba(rows.x)))
        for k, job in enumerate(make_jobs(3, spec=MLP((6,)), max_epochs=2))
    ]
    trained = train(jobs)
    for one, (first, last) in zip(trained, seen, strict=True):
        torch.testing.assert_close(last, one.net.predict_proba(rows.x))
        assert abs(first - last).max() > 1e-4


def test_seconds_are_shared_out(make_jobs):
    report = Report()
    trained = train(make_jobs(4), report=report)
    seconds = [one.seconds for one in trained]
    assert all(each > 0 for each in seconds)
    assert sum(seconds) <= report.seconds


def test_each_member_may_print_its_epochs(make_jobs, capsys):
    train(make_jobs(2, verbose=1))
    assert capsys.readouterr().out.count("train_loss") == 2


# --- cancelling -----------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_cancelled_training_ends_in_the_middle(make_jobs, n_jobs):
    epochs = []
    jobs = [with_epochs(job, lambda net: epochs.append(1)) for job in make_jobs(4, max_epochs=1000)]
    with pytest.raises(Cancelled):
        train(jobs, n_jobs=n_jobs, is_cancelled=lambda: len(epochs) >= 8)
    assert 8 <= len(epochs) <= 12


def test_a_training_may_be_cancelled_before_it_begins(make_jobs):
    epochs = []
    jobs = [with_epochs(job, lambda net: epochs.append(1)) for job in make_jobs(2)]
    with pytest.raises(Cancelled):
        train(jobs, is_cancelled=lambda: True)
    assert not epochs


def test_a_training_may_be_cancelled_from_another_thread(make_jobs):
    began, stop = threading.Event(), threading.Event()
    threading.Thread(target=lambda: began.wait(10) and stop.set()).start()
    [job] = make_jobs(1, max_epochs=10**9)
    with pytest.raises(Cancelled):
        train([with_epochs(job, lambda net: began.set())], is_cancelled=stop.is_set)


# --- too little memory ----------------------------------------------------------------------


@pytest.fixture
def limit(monkeypatch):
    """Return a function that lets stacks of more members than a limit fail in an epoch."""
    step = StackNet.train_step

    def set_limit(largest, error, epoch=1):
        def limited(self, batch, **kwargs):
            if len(self.members) > largest and len(self.history) == epoch:
                raise error
            return step(self, batch, **kwargs)

        monkeypatch.setattr(StackNet, "train_step", limited)

    return set_limit


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("error", TOO_LITTLE, ids=lambda error: type(error).__name__)
def test_with_too_little_memory_a_stack_goes_on_in_halves(
    make_jobs, limit, assert_untouched, error, epoch
):
    jobs = make_jobs(7)
    limit(2, error, epoch)
    report = Report()
    trained = train(jobs, report=report)
    assert sizes(report) == [1, 2, 2, 2]
    assert_untouched(trained, jobs)


@pytest.mark.parametrize("error", TOO_LITTLE, ids=lambda error: type(error).__name__)
def test_where_not_even_one_net_fits_it_is_an_error(make_jobs, limit, error):
    limit(0, error)
    trained = train(make_jobs(3))
    assert [one.error for one in trained] == [error] * 3


def test_other_errors_are_no_reason_for_halves(make_jobs, limit):
    error = RuntimeError("shapes differ")
    limit(2, error)
    report = Report()
    trained = train(make_jobs(4), report=report)
    assert [one.error for one in trained] == [error] * 4
    assert sizes(report) == [4]


def test_each_epoch_is_told_once_even_if_training_began_anew(make_job, make_jobs, limit):
    told = [[] for _ in range(5)]
    jobs = [
        make_job(spec=RICH, seed=k, after_epoch=lambda net, k=k: told[k].append(len(net.history)))
        for k in range(5)
    ]
    limit(1, MemoryError(), epoch=2)
    train(jobs)
    assert told == [[1, 2, 3]] * 5
    assert [job.epochs.n_begun for job in jobs] == [3] * 5


def test_who_was_told_to_stop_stops_again_if_training_begins_anew(make_jobs, limit):
    jobs = make_jobs(4)
    jobs[1] = with_epochs(jobs[1], lambda net: len(net.history) == 1)
    limit(2, MemoryError(), epoch=2)
    trained = train(jobs)
    assert [len(one.net.history) for one in trained] == [3, 1, 3, 3]


def test_whose_callback_failed_has_failed_if_training_begins_anew(make_jobs, limit):
    jobs = make_jobs(4)
    jobs[1] = with_epochs(jobs[1], raise_in_epoch(1, OSError("disk full")))
    limit(2, MemoryError(), epoch=2)
    trained = train(jobs)
    assert [one.error is None for one in trained] == [True, False, True, True]


def test_a_continued_training_that_begins_anew_begins_where_it_began(
    make_jobs, make_job, limit, assert_untouched
):
    jobs = make_jobs(3)
    starts = [one.net for one in train(jobs)]
    pairs = zip(jobs, starts, strict=True)
    again = [dataclasses.replace(job, start=start) for job, start in pairs]
    limit(1, MemoryError(), epoch=2)
    trained = train(again)
    assert [len(one.net.history) for one in trained] == [6] * 3
    assert_untouched(trained, again)


# --- settings of each member ----------------------------------------------------------------


def test_a_setting_is_given_to_each_member():
    setting = per_member([0.1, 0.0], torch.float64)
    assert setting.shape == (2, 1, 1)
    assert setting.flatten().tolist() == [0.1, 0.0]


def test_a_setting_that_means_nothing_to_all_is_none():
    assert per_member([0.0, 0.0], torch.float32) is None
    assert per_member([torch.inf] * 2, torch.float32, nothing=torch.inf) is None
