"""CutMix in training: pixels, shares, losses, turns with mixup, and stacks."""

from dataclasses import replace

import pytest
import torch

from sknn_tricks.augment import Augment, Flip
from sknn_tricks.fused import train

SHAPES = [(6, 7), (6, 7, 3), (3, 6, 7)]


def outside_of_stacks(job):
    return replace(job, optimizer=lambda params, lr: torch.optim.SGD(params, lr))


def pixels(x, shape):
    """Return images (N, H, W, C) of rows as a net gets them."""
    images = x[..., : torch.Size(shape).numel()].unflatten(-1, shape)
    if len(shape) == 2:
        return images[..., None]
    return images if shape[-1] == 3 else images.movedim(-3, -1)


def batches(seen, x, shape):
    """Yield what each step had, and where each pixel was the row's own and the other's."""
    for steps in seen:
        for index, images, blend in steps:
            index, images = index.view(-1), images.flatten(0, -2)
            before = pixels(x.flatten(1)[index], shape)
            after = pixels(images, shape)
            own, other = ((after == each).all(-1) for each in (before, before.roll(1, 0)))
            yield own, other, blend


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("alone", [False, True])
def test_a_box_is_that_of_the_row_before_and_the_share_is_its_area(seen, image_job, shape, alone):
    job = image_job(shape, cutmix=1.0, max_epochs=5)
    [trained] = train([outside_of_stacks(job) if alone else job])
    assert trained.error is None
    shares = []
    for own, other, blend in batches(seen, job.train.x, shape):
        assert (own | other).all()
        box = ~own.all(0)  # where any row is another one
        lines, columns = box.any(1), box.any(0)
        assert torch.equal(box, lines[:, None] & columns)
        for edge in (lines, columns):
            assert edge.int().diff().ne(0).sum() <= 2  # one run
        share = torch.as_tensor(blend.share).item()
        assert share == pytest.approx(1 - box.sum().item() / 42)
        shares.append(share)
    assert len(set(shares)) > 8
    assert 0 <= min(shares) < 0.6 < max(shares) <= 1


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_are_blended_by_the_share(seen, image_job, alone, weighted):
    job = image_job(cutmix=1.0, max_epochs=1, batch_size=50, lr=1e-12)
    weight = torch.rand(50, generator=torch.Generator().manual_seed(0)) if weighted else None
    job = replace(job, train=replace(job.train, weight=weight))
    [trained] = train([outside_of_stacks(job) if alone else job])
    [[(index, images, blend)]] = seen
    index, images = index.view(-1), images.flatten(0, -2)[:, :42]
    outputs = trained.net.module_(images.view(-1, 6, 7))
    share = torch.as_tensor(blend.share).item()
    assert 0.05 < share < 0.95
    target = job.train.target[index]
    weights = None if weight is None else weight[index]
    own = job.task.loss(outputs, target, weights)
    other = job.task.loss(outputs, target.roll(1), None if weights is None else weights.roll(1))
    wanted = share * own.item() + (1 - share) * other.item()
    assert trained.net.history[-1]["train_loss"] == pytest.approx(wanted, rel=1e-5)


def test_with_mixup_they_take_turns(seen, image_job):
    job = image_job(cutmix=1.0, mixup=1.0, max_epochs=60)
    train([outside_of_stacks(job)])
    cut, blended = 0, 0
    for own, other, _ in batches(seen, job.train.x, (6, 7)):
        is_cut = (own | other).all().item()
        cut, blended = cut + is_cut, blended + (not is_cut)
    assert cut + blended == 60 * 4
    assert 85 < cut < 155


def test_members_with_and_without_share_a_stack(seen, image_job, same):
    augment = Augment(Flip())
    settings = [
        {},
        {"cutmix": 1.0},
        {"mixup": 0.5},
        {"cutmix": 0.3, "mixup": 1.0},
        {"cutmix": 1.0, "augment": augment},
        {"cutmix": 1.0, "mixup": 1.0, "augment": augment, "max_epochs": 1},
        {"augment": augment, "input_noise": 0.1},
    ]
    jobs = [image_job(seed=seed, **each) for seed, each in enumerate(settings)]
    together = train(jobs)
    assert len(seen[0][0][1]) == 7
    for job, one in zip(jobs, together, strict=True):
        [alone] = train([job])
        assert same(alone.net, one.net)
        assert [row["train_loss"] for row in alone.net.history] == [
            row["train_loss"] for row in one.net.history
        ]
