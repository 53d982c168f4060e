import pytest
import torch

from sknn_tricks.fused import Stopping
from sknn_tricks.fused._member import EachEpochOnce, Member
from sknn_tricks.nets import MLP


class Listener:
    """Notes what it is told; its answers are given."""

    def __init__(self, answers=()):
        self.told = []
        self.answers = list(answers)

    def begin(self):
        self.told.append("begin")

    def end(self, net):
        self.told.append(f"end {net}")
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, Exception):
            raise answer
        return answer


def run_epochs(once, n):
    answers = []
    for net in range(n):
        once.begin()
        answers.append(once.end(net))
    return answers


# --- each epoch once ------------------------------------------------------------------------


def test_epochs_are_told_as_they_come():
    listener = Listener([False, True])
    assert run_epochs(EachEpochOnce(listener), 2) == [False, True]
    assert listener.told == ["begin", "end 0", "begin", "end 1"]


def test_after_a_restart_only_what_is_new_is_told():
    listener = Listener()
    once = EachEpochOnce(listener)
    run_epochs(once, 2)
    once.restart()
    run_epochs(once, 3)
    assert listener.told == ["begin", "end 0", "begin", "end 1", "begin", "end 2"]


def test_an_epoch_that_had_only_begun_is_not_begun_again():
    listener = Listener()
    once = EachEpochOnce(listener)
    once.begin()
    once.restart()
    run_epochs(once, 1)
    assert listener.told == ["begin", "end 0"]


def test_the_answer_from_before_a_restart_still_holds():
    listener = Listener([False, True])
    once = EachEpochOnce(listener)
    run_epochs(once, 2)
    once.restart()
    assert run_epochs(once, 2) == [False, True]
    assert len(listener.told) == 4


def test_the_error_from_before_a_restart_still_holds():
    once = EachEpochOnce(Listener([OSError("disk full")]))
    with pytest.raises(OSError, match="disk full"):
        run_epochs(once, 1)
    once.restart()
    with pytest.raises(OSError, match="disk full"):
        run_epochs(once, 1)


# --- members --------------------------------------------------------------------------------


def test_a_restart_is_a_new_beginning(make_job, same):
    member = Member(make_job(spec=MLP(hidden=(6,), batch_norm=True)))
    first = {name: value.clone() for name, value in member.net.module_.state_dict().items()}
    net = member.net
    for tensor in net.module_.state_dict().values():
        tensor.zero_()
    member.fail(OSError())
    member.restart()
    assert member.net is not net
    assert same(member.net, first)
    assert member.error is None


def test_a_net_to_go_on_from_stays_as_it_is(make_job, same, state):
    start = Member(make_job(label_smoothing=0.1)).net
    before = state(start)
    member = Member(make_job(start=start, lr=0.5, batch_size=5, label_smoothing=0.3))
    for tensor in member.net.module_.state_dict().values():
        tensor.zero_()
    assert same(start, before)
    assert (start.lr, start.batch_size) == (0.01, 16)
    assert {group["lr"] for group in start.optimizer_.param_groups} == {0.01}
    assert start.label_smoothing == 0.1


def test_the_first_error_is_the_one_that_is_kept(make_job):
    member = Member(make_job())
    first, second = OSError("first"), OSError("second")
    member.fail(first)
    member.fail(second)
    assert member.result().error is first
    assert member.result().net is None


def test_streams_differ_by_purpose_index_and_epochs_before(make_job):
    member = Member(make_job())
    seeds = [member.stream("shuffle"), member.stream("dropout", 0), member.stream("dropout", 1)]
    member.n_before = 3
    seeds += [member.stream("shuffle"), member.stream("dropout", 0), member.stream("dropout", 1)]
    assert len(set(seeds)) == 6


@pytest.mark.parametrize(
    ("optimizer", "momentum"),
    [("sgd", 0.0), ("rmsprop", 0.0), ("momentum", 0.5), ("nesterov", 0.5)],
)
def test_momentum_is_for_the_optimizers_that_are_named_after_it(make_job, optimizer, momentum):
    net = Member(make_job(optimizer=optimizer, momentum=0.5)).net
    assert {group["momentum"] for group in net.optimizer_.param_groups} == {momentum}


def test_the_optimizer_has_the_new_settings_in_a_continued_training(make_job):
    start = Member(make_job(weight_decay=0.1)).net
    again = Member(make_job(start=start, lr=0.5, weight_decay=0.2, betas=(0.5, 0.6))).net
    decaying, others = again.optimizer_.param_groups
    assert (decaying["lr"], decaying["weight_decay"], decaying["betas"]) == (0.5, 0.2, (0.5, 0.6))
    assert (others["lr"], others["weight_decay"], others["betas"]) == (0.5, 0.0, (0.5, 0.6))


def test_early_stopping_is_no_callback_of_the_result(make_job, make_rows):
    member = Member(make_job(valid=make_rows(9), stopping=Stopping(1, 0.0)))
    member.fail(OSError())
    member.restart()
    assert [name for name, _ in member.net.callbacks_] == ["best_weights", "epoch_timer"]


def test_validation_is_recorded_from_the_outputs(make_job, make_rows):
    valid = make_rows(9)
    member = Member(make_job(valid=valid))
    member.begin()
    member.begin_epoch()
    outputs = torch.randn(9, 2)
    member.record_validation(outputs)
    row = member.net.history[-1]
    assert row["valid_loss"] == member.job.task.loss(outputs, valid.target, None).item()
    assert row["valid_score"] == member.job.task.score(outputs, valid.target, None)
