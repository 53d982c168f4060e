"""Augmentation in training: which rows, what is seen of them, and that company changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sknn_tricks.augment import (
    Albumentation,
    Augment,
    ColorJitter,
    Cutout,
    Flip,
    Noise,
    Rotate,
    Shift,
    Transform,
)
from sknn_tricks.averaging import make_averaging
from sknn_tricks.fused import Stopping, train
from sknn_tricks.fused._balance import Balance
from sknn_tricks.fused._random import stream_seed
from sknn_tricks.nets import MLP

SOME = Augment([Flip(), Shift(1), Rotate(20), Cutout(2), Noise()])


def outside_of_stacks(job):
    """Return the job so that it trains in skorch's loop: no stack knows an optimiser's class."""
    return replace(job, optimizer=lambda params, lr: torch.optim.SGD(params, lr))


class Black(Transform):
    """Destroys images."""

    def __init__(self, p=1.0):
        self.p = p

    def change(self, x, draws):
        return torch.zeros_like(x)


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 3), (3, 6, 7)], ids=str)
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("of_bytes", [False, True])
def test_rows_are_seen_as_their_seed_epoch_and_number_say(seen, image_job, shape, alone, of_bytes):
    job = image_job(shape, augment=SOME, seed=5, of_bytes=of_bytes)
    [trained] = train([outside_of_stacks(job) if alone else job])
    assert trained.error is None
    x = job.train.take(slice(None))[0]
    n_features = x[0].numel()
    assert len(seen) == 3
    for epoch, steps in enumerate(seen):
        wanted = SOME.apply(x, stream_seed(5, "augment", 0), epoch, np.arange(50)).flatten(1)
        for index, images, _ in steps:
            index, images = index.view(-1), images.flatten(0, -2)
            assert torch.equal(images[:, :n_features], wanted[index])
            assert not images[:, n_features:].any()


def rare(job, n_rare):
    """Return the job with so many rows of one class, as often as those of the other."""
    target = (torch.arange(len(job.train)) < n_rare).long()
    return replace(job, train=replace(job.train, target=target), balance=Balance(batches=True))


@pytest.mark.parametrize("alone", [False, True])
def test_a_row_that_comes_again_is_seen_anew(seen, image_job, alone):
    job = rare(image_job(augment=SOME, seed=5), 5)
    [trained] = train([outside_of_stacks(job) if alone else job])
    assert trained.error is None
    x, target = job.train.take(slice(None))
    n_features = x[0].numel()
    for epoch, steps in enumerate(seen):
        numbers = torch.cat([index.view(-1) for index, _, _ in steps])
        images = torch.cat([images.flatten(0, -2)[:, :n_features] for _, images, _ in steps])
        rows = numbers % 50
        wanted = SOME.apply(x[rows], stream_seed(5, "augment", 0), epoch, numbers.numpy())
        assert torch.equal(images, wanted.flatten(1))
        of_rare = images[target[rows] == 1]
        assert len(of_rare) == 25
        assert len(of_rare.unique(dim=0)) == 25
        # The first time is as it would be without the others.
        assert set(range(5)) <= set(numbers.tolist())


def test_rows_that_come_again_are_the_same_alone_and_together(image_job, same):
    settings = [(5, 50), (3, 50), (20, 50), (4, 49)]
    jobs = [
        rare(image_job(n=n, augment=SOME, seed=seed), n_rare)
        for seed, (n_rare, n) in enumerate(settings)
    ]
    jobs.append(image_job(augment=SOME, seed=9))
    for job, one in zip(jobs, train(jobs), strict=True):
        [alone] = train([job])
        assert same(alone.net, one.net)


def test_workers_change_rows_that_come_again_as_often(image_job, same):
    job = outside_of_stacks(rare(image_job(augment=SOME), 5))
    with_workers = replace(job, augment=Augment(SOME.transforms, n_workers=2))
    first, second = (train([each])[0].net for each in (job, with_workers))
    assert same(first, second)


def test_members_with_and_without_share_a_stack(seen, image_job, same):
    augments = [None, SOME, Augment(Flip()), SOME, Augment([Cutout(3)], strength=0.5), None, SOME]
    jobs = [
        image_job(augment=augment, seed=seed, max_epochs=n)
        for seed, (augment, n) in enumerate(zip(augments, [3, 2, 3, 3, 1, 2, 3], strict=True))
    ]
    together = train(jobs)
    assert len(seen[0][0][1]) == 7
    for job, one in zip(jobs, together, strict=True):
        [alone] = train([job])
        assert same(alone.net, one.net)
        assert [row["train_loss"] for row in alone.net.history] == [
            row["train_loss"] for row in one.net.history
        ]


def test_with_last_batches_of_other_sizes_and_stopping_members(image_job, same):
    jobs = [
        image_job(
            n=n,
            augment=SOME if seed % 2 else None,
            seed=seed,
            valid=image_job(n=20).train,
            stopping=Stopping(1, 0.0),
            lr=0.1,
            max_epochs=6,
            mixup=0.3 * (seed % 3),
            input_noise=0.1,
        )
        for seed, n in enumerate([50, 49, 63, 50, 51])
    ]
    for job, one in zip(jobs, train(jobs), strict=True):
        [alone] = train([job])
        assert same(alone.net, one.net)


def test_augmented_training_repeats_and_seeds_differ(image_job, same):
    first, again, other = (train([image_job(augment=SOME, seed=s)])[0].net for s in (0, 0, 1))
    assert same(first, again)
    assert not same(first, other)
    [plain] = train([image_job(seed=0)])
    assert not same(first, plain.net)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_workers_change_nothing(seen, image_job, same, n_workers):
    transforms = [*SOME.transforms, Albumentation("Rotate", limit=30, p=0.7)]
    settings = {"of_bytes": True, "cutmix": 0.5, "mixup": 0.5}
    job = image_job(augment=Augment(transforms), **settings)
    [without] = train([outside_of_stacks(job)])
    before = seen.copy()
    seen.clear()
    with_workers = replace(job, augment=Augment(transforms, n_workers=n_workers))
    [trained] = train([outside_of_stacks(with_workers)])
    assert same(without.net, trained.net)
    assert len(before) == len(seen) == 3
    for steps, others in zip(before, seen, strict=True):
        for one, other in zip(steps, others, strict=True):
            assert torch.equal(one[1], other[1])
    assert same(train([job])[0].net, train([with_workers])[0].net)  # a stack has no use for them


def test_what_is_validated_is_not_augmented(image_job):
    rows = image_job(n=20).train
    job = image_job(augment=Augment(Black()), valid=rows, max_epochs=1)
    for each in (job, outside_of_stacks(job)):
        net = train([each])[0].net
        outputs = net.module_(rows.x)
        loss = job.task.loss(outputs, rows.target, None).item()
        assert net.history[-1]["valid_loss"] == pytest.approx(loss, abs=1e-6)
        # In training all images were black: outputs were those of the biases alone.
        black = net.module_(torch.zeros_like(rows.x))
        assert not torch.allclose(black, outputs)


@pytest.mark.parametrize("averaging", [None, "swa"])
@pytest.mark.parametrize("init", ["auto", "lsuv"])
def test_init_and_averages_see_the_rows_as_they_are(image_job, averaging, init):
    """With all images black, first weights get no gradient; what looks at data saw others."""
    settings = {"spec": MLP(hidden=(8,), batch_norm=True), "init": init, "max_epochs": 4}
    job = image_job(
        augment=Augment(Black()), averaging=make_averaging(averaging), weight_decay=0.0, **settings
    )
    net = train([job])[0].net
    plain = train([replace(job, augment=None, max_epochs=1, averaging=None, lr=1e-12)])[0].net
    first, before = (dict(each.module_.named_parameters()) for each in (net, plain))
    name = next(name for name in first if name.endswith("weight"))
    torch.testing.assert_close(first[name], before[name])  # drawn from the same rows
    [norm] = [part for part in net.module_ if isinstance(part, torch.nn.BatchNorm1d)]
    assert (len(norm.running_var.unique()) == 1) == (averaging is None)


def test_continued_training_has_other_augmentations(seen, image_job):
    [first] = train([image_job(augment=SOME)])
    train([image_job(augment=SOME, start=first.net)])
    before, after = (
        torch.cat([x[0, :, :42][index[0].argsort()] for index, x, _ in seen[epoch]])
        for epoch in (0, 3)
    )
    assert not torch.equal(before.sort(0).values, after.sort(0).values)


def test_images_out_of_range_fail_alone(image_job):
    job = image_job(augment=Augment(ColorJitter()))
    bright = replace(job, train=replace(job.train, x=job.train.x * 255), seed=1)
    fine, failed = train([job, bright])
    assert fine.error is None
    assert "ColorJitter is for images in [0, 1]" in str(failed.error)
