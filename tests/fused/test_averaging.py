"""Averages along a training: what they are of, who has them when, and how training goes on."""

import pytest
import torch
from skorch.callbacks import Callback

from sknn_tricks.averaging import ema, renew_statistics, snapshots, swa
from sknn_tricks.fused import Cache, Report, Stopping, train
from sknn_tricks.fused._packed import pack, unpack
from sknn_tricks.fused._rows import in_order
from sknn_tricks.nets import MLP

RICH = MLP(hidden=(6, 5), batch_norm=True, dropout=0.3)
RULES = [ema(), ema(decay=0.5), swa(start=0.5), swa(start=0.0, every=2), snapshots(2)]


class Idle(Callback):
    """Keeps a net out of stacks."""


class Steps(Callback):
    """Notes the weights after each step, and those that callbacks see after each epoch."""

    def initialize(self):
        self.steps, self.shown = [], []

    def on_batch_end(self, net, training, **kwargs):
        if training:
            self.steps.append(copied(net))

    def on_epoch_end(self, net, **kwargs):
        self.shown.append(copied(net))


def copied(net):
    return {name: tensor.clone() for name, tensor in net.module_.state_dict().items()}


def train_one(job):
    [trained] = train([job])
    assert trained.error is None, trained.error
    return trained.net


def watched(make_job, **settings):
    """Return a net that was trained outside of the stacks, and its weights step by step."""
    net = train_one(make_job(callbacks=[Steps()], **settings))
    [steps] = [callback for _, callback in net.callbacks_ if isinstance(callback, Steps)]
    return net, steps


def assert_close(first, second):
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        torch.testing.assert_close(tensor, second[name], msg=name)


def mean(states):
    return {name: torch.stack([s[name] for s in states]).mean(dim=0) for name in states[0]}


# --- what they are --------------------------------------------------------------------------


def test_ema_is_the_average_of_all_steps(make_job):
    net, seen = watched(make_job, averaging=ema(decay=0.7), optimizer="sgd", lr=0.5)
    assert len(seen.steps) == 9
    average = seen.steps[0]
    for n, weights in enumerate(seen.steps[1:], start=2):
        share = max(0.3, 9 / (n + 8))
        average = {
            name: (1 - share) * tensor + share * weights[name] for name, tensor in average.items()
        }
    assert_close(copied(net), average)
    assert_close(net.last_, seen.steps[-1])
    assert_close(copied(net), seen.shown[-1])
    assert net.n_averaged_ == 9


def test_ema_averages_running_statistics_too(make_job):
    net, seen = watched(make_job, averaging=ema(decay=1.0, eta=0.0), spec=RICH)
    name = "norm_0.running_mean"
    assert_close({name: copied(net)[name]}, mean([{name: each[name]} for each in seen.steps]))
    assert copied(net)["norm_0.num_batches_tracked"] == 9


def test_swa_is_the_mean_of_the_ends_of_epochs(make_job):
    settings = {"max_epochs": 6, "averaging": swa(start=0.5), "optimizer": "sgd", "lr": 0.5}
    net, seen = watched(make_job, **settings)
    ends = seen.steps[2::3]
    assert_close(copied(net), mean(ends[3:]))
    assert_close(net.last_, ends[-1])
    for epoch, shown in enumerate(seen.shown, start=1):  # before there is a mean: the weights
        assert_close(shown, mean(ends[3:epoch]) if epoch > 3 else ends[epoch - 1])


def test_swa_renews_batch_statistics_from_the_training_rows(make_job):
    job = make_job(averaging=swa(start=0.0), spec=RICH, lr=0.3)
    net = train_one(job)
    stale = net.twin()
    for buffer in stale.module_.buffers():
        buffer.fill_(1)
    renew_statistics(stale.module_, in_order(job.train, job.batch_size))
    assert_close(copied(net), copied(stale))
    assert net.module_.norm_0.num_batches_tracked == 3


def test_snapshots_are_the_ends_of_cycles(make_job):
    net, seen = watched(make_job, max_epochs=7, averaging=snapshots(3))
    assert snapshots(3).epochs(7) == (3, 5, 7)
    first, second = net.snapshots_
    assert_close(first, seen.steps[3 * 3 - 1])
    assert_close(second, seen.steps[5 * 3 - 1])
    assert_close(copied(net), seen.steps[-1])
    assert net.last_ is None


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("spec", [MLP((8,)), RICH], ids=["plain", "rich"])
def test_in_a_stack_it_is_what_it_is_in_the_plain_loop(make_job, make_rows, rule, spec):
    settings = {"averaging": rule, "spec": spec, "max_epochs": 5, "dtype": torch.float64}
    settings["valid"] = make_rows(9, torch.float64)
    stacked = train_one(make_job(**settings))
    plain = train_one(make_job(callbacks=[Idle()], **settings))
    assert_close(copied(stacked), copied(plain))
    assert stacked.n_averaged_ == plain.n_averaged_
    for name in ("train_loss", "valid_loss", "valid_score"):
        assert stacked.history[:, name] == pytest.approx(plain.history[:, name])
    for ours, theirs in zip(
        (*stacked.snapshots_, stacked.last_), (*plain.snapshots_, plain.last_), strict=True
    ):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert_close(ours, theirs)


# --- who sees them --------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES[:4], ids=str)
@pytest.mark.parametrize("callbacks", [[], [Idle()]], ids=["stacked", "plain"])
def test_the_net_after_an_epoch_is_the_one_that_is_validated(make_job, make_rows, rule, callbacks):
    valid = make_rows(9, seed=1)
    losses = []

    def look(net):
        twin = net.twin()
        twin.valid_ = valid
        losses.append(twin.validation_loss())
        return False

    job = make_job(look, averaging=rule, valid=valid, max_epochs=5, callbacks=callbacks)
    net = train_one(job)
    assert net.history[:, "valid_loss"] == pytest.approx(losses, rel=1e-5)


@pytest.mark.parametrize("callbacks", [[], [Idle()]], ids=["stacked", "plain"])
def test_training_itself_is_the_same_with_and_without(make_job, callbacks):
    usual = {"spec": RICH, "max_epochs": 4, "callbacks": callbacks}
    without = train_one(make_job(**usual))
    for rule in RULES[:4]:
        net = train_one(make_job(averaging=rule, **usual))
        assert net.history[:, "train_loss"] == without.history[:, "train_loss"]
        assert all(t.equal(net.last_[name]) for name, t in copied(without).items())
        assert not all(t.equal(copied(net)[name]) for name, t in copied(without).items())


def test_early_stopping_keeps_the_best_average(make_job, make_rows):
    seen = []
    usual = {"valid": make_rows(30, seed=1), "max_epochs": 20, "lr": 0.3, "averaging": ema(0.5)}
    job = make_job(
        lambda net: seen.append(copied(net)), **usual, stopping=Stopping(patience=2, tol=0.0)
    )
    [trained] = train([job])
    losses = trained.net.history[:, "valid_loss"]
    best = losses.index(min(losses))
    assert trained.best_epoch == best + 1 < len(losses) < 20
    assert_close(copied(trained.net), seen[best])
    # The weights to go on from are those of the last epoch, which is not the one that is kept.
    assert trained.net.last_ is None
    assert trained.net.n_averaged_ == 0


def test_statistics_are_renewed_only_if_a_mean_is_kept(make_job, make_rows):
    usual = {"spec": RICH, "valid": make_rows(30, seed=1), "max_epochs": 20, "lr": 0.3}
    usual |= {"stopping": Stopping(patience=1, tol=0.0)}
    plain = train_one(make_job(**usual))
    assert plain.kept_epoch_ < 10
    net = train_one(make_job(averaging=swa(start=0.9), **usual))
    assert_close(copied(net), copied(plain))


# --- going on -------------------------------------------------------------------------------


@pytest.mark.parametrize("callbacks", [[], [Idle()]], ids=["stacked", "plain"])
def test_training_goes_on_from_the_weights_and_ema_with_its_average(make_job, callbacks):
    rule, usual = ema(decay=0.9), {"optimizer": "sgd", "callbacks": callbacks}
    first = train_one(make_job(averaging=rule, lr=0.1, **usual))
    average, last = copied(first), dict(first.last_)
    again = train_one(make_job(averaging=rule, start=first, lr=1e-30, max_epochs=2, **usual))
    assert_close(again.last_, last)
    for n in range(10, 16):
        share = rule.share(n)
        average = {name: t + share * (last[name] - t) for name, t in average.items()}
    assert_close(copied(again), average)
    assert again.n_averaged_ == 15
    # The net that was gone on from stays as it was.
    assert_close(first.last_, last)
    assert first.n_averaged_ == 9


def test_without_averaging_training_goes_on_from_the_weights(make_job):
    first = train_one(make_job(averaging=ema(), optimizer="sgd"))
    again = train_one(make_job(start=first, lr=1e-30, optimizer="sgd"))
    assert_close(copied(again), first.last_)
    assert (again.last_, again.n_averaged_) == (None, 0)


def test_swa_and_snapshots_begin_anew_in_each_training(make_job):
    for rule in (swa(start=0.0), snapshots(3)):
        first = train_one(make_job(averaging=rule, optimizer="sgd", lr=0.3))
        ended = first.last_ or copied(first)
        again = train_one(make_job(averaging=rule, start=first, optimizer="sgd", lr=1e-30))
        assert_close(copied(again), ended)
        assert len(again.snapshots_) == len(first.snapshots_)
        for snapshot in again.snapshots_:
            assert_close(snapshot, ended)


def test_best_weights_before_are_the_average_before(make_job, make_rows):
    """Nothing gets better in the second training, so the net stays what it was."""
    usual = {"valid": make_rows(30, seed=1), "averaging": ema(0.5)}
    first = train_one(make_job(max_epochs=5, **usual))
    again = train_one(
        make_job(start=first, lr=30.0, stopping=Stopping(2, 0.0), max_epochs=5, **usual)
    )
    assert again.kept_epoch_ == 5
    assert_close(copied(again), copied(first))
    assert again.last_ is None


# --- on their way ---------------------------------------------------------------------------


def assert_same_besides(first, second, same):
    assert same(first, second)
    assert first.n_averaged_ == second.n_averaged_
    assert (first.last_ is None) == (second.last_ is None)
    assert first.last_ is None or same(first.last_, second.last_)
    assert len(first.snapshots_) == len(second.snapshots_)
    pairs = zip(first.snapshots_, second.snapshots_, strict=True)
    assert all(same(a, b) for a, b in pairs)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_they_are_packed(make_job, same, rule):
    job = make_job(averaging=rule, spec=RICH)
    [trained] = train([job])
    assert_same_besides(unpack(pack(trained), job).net, trained.net, same)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_cache_has_them(make_job, same, rule, tmp_path):
    job, cache = make_job(averaging=rule, spec=RICH), Cache(tmp_path)
    [first] = train([job], cache=cache)
    report = Report()
    [again] = train([job], cache=cache, report=report)
    assert report.n_cached == 1
    assert_same_besides(again.net, first.net, same)
    on = [make_job(**{**vars(job), "start": each.net}) for each in (first, again)]
    assert_same_besides(*(train_one(job) for job in on), same)


def test_a_member_without_is_not_touched(make_job, same):
    jobs = [make_job(averaging=rule, seed=k) for k, rule in enumerate([None, *RULES, None])]
    together = train(jobs)
    for job, one in zip(jobs, together, strict=True):
        if job.averaging is None:
            assert same(one.net, train_one(job))
            assert (one.net.last_, one.net.snapshots_, one.net.n_averaged_) == (None, (), 0)
