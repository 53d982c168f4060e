"""All that is done to a net in training: alone and together the same, bit by bit."""

import pytest
import torch

from sknn_tricks import losses
from sknn_tricks.fused import Stopping, train
from sknn_tricks.fused._rows import batch_sizes
from sknn_tricks.init import SCHEMES
from sknn_tricks.optim import OPTIMIZERS
from sknn_tricks.schedules import SCHEDULES, plateau

KINDS = ["classes", "labels", "numbers"]

# All at once, and each off for some.
REMEDIES = {
    "clip_value": [None, 0.01],
    "max_norm": [0.5, None, 1.0],
    "input_noise": [0.1, 0.1, 0.0, 0.0],
    "mixup": [0.4, 0.0, 0.0],
    "decay_biases": [True, False],
    "l1": [0.0, 0.001],
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(make_crowd, assert_alone_is_together, optimizer, dtype):
    assert_alone_is_together(make_crowd(7, "dropping", optimizer=optimizer, dtype=dtype))


@pytest.mark.parametrize("init", ["auto", *SCHEMES])
def test_inits(make_crowd, assert_alone_is_together, init):
    assert_alone_is_together(make_crowd(7, init=init))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "settings",
    [
        {"weighted": True},
        {"clip_norm": [None, 0.01, 0.1]},
        {"l1": [0.0, 0.01, 0.1]},
        {"valid": None},
        {"batch_size": 1000},
        {"batch_size": 64, "spec": "dropping"},
        {"dtype": torch.float64},
        {"weighted": True, "clip_norm": 0.01, "l1": 0.01, "dtype": torch.float64},
        {"clip_value": [None, 0.001, 0.01]},
        {"max_norm": [None, 0.5, 1.0], "optimizer": "sgd"},
        {"input_noise": [0.0, 0.1, 1.0]},
        {"mixup": [0.0, 0.2, 1.0]},
        {"mixup": [0.2, 0.0], "weighted": [False, True], "dtype": torch.float64},
        {"decay_biases": [False, True], "l1": [0.0, 0.01, 0.1], "optimizer": "rmsprop"},
        {**REMEDIES, "spec": "dropping", "max_epochs": [3, 1, 2]},
        {**REMEDIES, "dtype": torch.float64},
    ],
    ids=lambda settings: " ".join(settings),
)
def test_settings(make_crowd, assert_alone_is_together, kind, settings):
    assert_alone_is_together(make_crowd(7, kind=kind, **settings))


SCHEDULED = {
    "lr_schedule": ["one_cycle", "constant", "plateau", "cosine", "cosine"],
    "warmup": [0.0, 0.0, 0.3],
    "weight_decay_schedule": ["constant", "flat_cosine"],
    "dropout_schedule": ["coslog4", "constant", "constant", "linear"],
    "lr_scaling": [None, "linear", "sqrt"],
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_beside_constant_rates(make_crowd, assert_alone_is_together, schedule):
    settings = {
        name: ["constant", schedule, schedule]
        for name in ("lr_schedule", "weight_decay_schedule", "dropout_schedule")
    }
    assert_alone_is_together(make_crowd(7, "dropping", **settings))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_schedules_of_all_rates(make_crowd, assert_alone_is_together, optimizer, dtype):
    settings = {**SCHEDULED, "optimizer": optimizer, "dtype": dtype, "max_epochs": [3, 1, 4, 2]}
    assert_alone_is_together(make_crowd(7, "dropping", **settings))


def test_schedules_with_members_that_stop_early(make_crowd, assert_alone_is_together):
    watching = plateau(factor=0.5, patience=1, tol=0.01)
    stopping = [Stopping(patience, 0.0) for patience in (1, 3, 2)]
    settings = {**SCHEDULED, "lr_schedule": [watching, "one_cycle", watching], "lr": [0.1, 0.03]}
    jobs = make_crowd(7, "dropping", stopping=stopping, max_epochs=[8], **settings)
    alone = assert_alone_is_together(jobs)
    assert len({len(one.net.history) for one in alone}) > 2


@pytest.mark.parametrize(
    "losses_",
    [[losses.absolute_error], [losses.huber(0.5), losses.huber(2.0)]],
    ids=["absolute_error", "huber"],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_of_numbers(make_crowd, with_loss, assert_alone_is_together, losses_, weighted):
    tasks = [with_loss("numbers", loss) for loss in losses_]
    assert_alone_is_together(make_crowd(7, kind="numbers", weighted=weighted, task=tasks))


@pytest.mark.parametrize("kind", ["classes", "labels"])
@pytest.mark.parametrize("weighted", [False, True])
def test_label_smoothing(make_crowd, assert_alone_is_together, kind, weighted):
    shares = [0.0, 0.1, 0.3]
    jobs = make_crowd(7, kind=kind, weighted=weighted, label_smoothing=shares)
    assert_alone_is_together(jobs)


@pytest.mark.parametrize("kind", KINDS)
def test_row_weights_of_some(make_crowd, assert_alone_is_together, kind):
    assert_alone_is_together(make_crowd(7, kind=kind, weighted=[False, True]))


def steps_of(net):
    [state, *_] = net.optimizer_.state.values()
    return state["step"]


@pytest.mark.parametrize("rows", [[96], [97, 96], [128, 130, 129], [33, 32]], ids=str)
def test_full_batches_beside_a_last_one_with_a_row_more(
    make_crowd, train_alone, train_stacked, assert_all_same, rows
):
    jobs = make_crowd(7, "dropping", rows=rows)
    alone = train_alone(jobs)
    assert_all_same(alone, train_stacked(jobs, [7]), jobs)
    n_steps = [len(batch_sizes(len(job.train), job.batch_size)) * job.max_epochs for job in jobs]
    assert [steps_of(one.net) for one in alone] == n_steps


@pytest.mark.parametrize("spec", ["plain", "dropping"])
def test_early_stopping_which_lets_the_others_go_on(make_crowd, assert_alone_is_together, spec):
    stopping = [Stopping(patience, 0.0) for patience in (1, 3, 2)]
    lr = [0.1, 0.001, 0.03]
    jobs = make_crowd(7, spec, stopping=stopping, lr=lr, max_epochs=[8])
    alone = assert_alone_is_together(jobs)
    assert len({len(one.net.history) for one in alone}) > 2
    assert any(one.best_epoch < len(one.net.history) for one in alone)


@pytest.mark.parametrize("max_epochs", [[1, 2, 3, 4], [4, 1, 1, 1], [1, 1, 4]], ids=str)
def test_numbers_of_epochs(make_crowd, assert_alone_is_together, max_epochs):
    jobs = make_crowd(7, "dropping", max_epochs=max_epochs)
    alone = assert_alone_is_together(jobs)
    assert [len(one.net.history) for one in alone] == [job.max_epochs for job in jobs]


def test_continued_training_with_schedules(make_crowd, make_job, assert_alone_is_together):
    starts = train(make_crowd(7, "dropping", **SCHEDULED))
    again = [
        make_job(**{**vars(job), "start": start.net})
        for job, start in zip(make_crowd(7, "dropping", **SCHEDULED), starts, strict=True)
    ]
    assert_alone_is_together(again)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_continued_with_other_remedies(
    make_crowd, make_job, assert_alone_is_together, optimizer
):
    first = make_crowd(7, "dropping", optimizer=optimizer, decay_biases=[True, False, False])
    again = [
        make_job(**{**vars(job), "start": one.net})
        for job, one in zip(
            make_crowd(7, "dropping", optimizer=optimizer, **REMEDIES), train(first), strict=True
        )
    ]
    assert_alone_is_together(again)
