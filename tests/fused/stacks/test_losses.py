import functools
import inspect
from dataclasses import replace

import pytest
import torch

from sknn_tricks import losses
from sknn_tricks.fused.stacks import _losses
from sknn_tricks.fused.stacks._batches import StackBatch
from sknn_tricks.fused.stacks._layers import pad_last
from sknn_tricks.fused.stacks._stack_net import StackedCriterion

N_MEMBERS, N_ROWS = 3, 7
N_OUTPUTS = [1, 2, 5, 32, 33]
SMOOTHING = [0.0, 0.1, 0.5]
SHARES = [0.5, 0.02, 0.2, *30 * [0.01]]
# Of each kind the losses of three members, by their number of outputs.
CLASSES = {
    "cross_entropy": lambda _: [losses.cross_entropy] * 3,
    "logit_adjusted": lambda n: [losses.logit_adjusted(t, tuple(SHARES[:n])) for t in (0, 1, 2)],
    "focal": lambda _: [losses.focal(gamma) for gamma in (0.0, 0.5, 2.0)],
}
LABELS = {
    "binary_cross_entropy": lambda _: [losses.binary_cross_entropy] * 3,
    "binary_logit_adjusted": lambda n: [
        losses.binary_logit_adjusted(t, tuple(SHARES[:n])) for t in (0, 1, 2)
    ],
    "binary_focal": lambda _: [losses.binary_focal(gamma) for gamma in (0.0, 0.5, 2.0)],
}
NUMBERS = {
    "absolute_error": lambda _: [losses.absolute_error] * 3,
    "huber": lambda _: [losses.huber(delta) for delta in (0.5, 1.0, 3.0)],
    "squared_error": lambda _: [losses.squared_error] * 3,
}
KINDS = {**CLASSES, **LABELS, **NUMBERS}
every = pytest.mark.parametrize("kind", KINDS)


def some_targets(kind, n_outputs):
    if kind in CLASSES:
        return torch.randint(n_outputs, (N_MEMBERS, N_ROWS))
    target = torch.randn(N_MEMBERS, N_ROWS, n_outputs, dtype=torch.float64)
    return target if kind in NUMBERS else (target > 0).double()


def some_outputs(n_outputs):
    return 3 * torch.randn(N_MEMBERS, N_ROWS, n_outputs, dtype=torch.float64)


def as_stacked(target):
    return target if target.dtype == torch.int64 else pad_last(target)


def jobs_of(make_job, plain, n_outputs, dtype=torch.float64, smoothing=(0.0, 0.0, 0.0)):
    """Return a job with each of three losses."""
    task = make_job().task
    return [
        make_job(
            task=replace(task, loss=loss), n_outputs=n_outputs, dtype=dtype, label_smoothing=share
        )
        for loss, share in zip(plain, smoothing, strict=True)
    ]


def run(jobs, outputs, target):
    """Return each row's loss and its gradient, from the stacked loss."""
    n_outputs = outputs.shape[2]
    outputs = pad_last(outputs.clone())
    memory = torch.full_like(outputs, torch.nan)
    stacked = _losses.stacked_loss(jobs[0].task.loss)
    return stacked(outputs, as_stacked(target), n_outputs, _losses.terms_of(jobs), memory)


def plain_rows(plain, outputs, target, **settings):
    """Return each row's loss and its gradient, by autograd."""
    outputs = outputs.clone().requires_grad_()
    rows = [plain(outputs[i : i + 1], target[i : i + 1], **settings) for i in range(len(outputs))]
    loss = torch.stack(rows)
    [grad] = torch.autograd.grad(loss.sum(), outputs)
    return loss.detach(), grad


@pytest.mark.parametrize("n_outputs", N_OUTPUTS)
@pytest.mark.parametrize(
    ("kind", "smoothing"),
    [*((kind, None) for kind in KINDS), *((kind, SMOOTHING) for kind in {**CLASSES, **LABELS})],
)
def test_each_rows_loss_and_gradient_are_the_plain_ones(make_job, kind, smoothing, n_outputs):
    torch.manual_seed(0)
    outputs, target = some_outputs(n_outputs), some_targets(kind, n_outputs)
    plain = KINDS[kind](n_outputs)
    jobs = jobs_of(make_job, plain, n_outputs, smoothing=smoothing or [0.0] * 3)
    loss, grad = run(jobs, outputs, target)
    for k in range(N_MEMBERS):
        settings = {} if smoothing is None else {"label_smoothing": smoothing[k]}
        wanted_loss, wanted_grad = plain_rows(plain[k], outputs[k], target[k], **settings)
        torch.testing.assert_close(loss[k], wanted_loss, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(grad[k, :, :n_outputs], wanted_grad, rtol=1e-8, atol=1e-11)
    assert not grad[..., n_outputs:].any()


@pytest.mark.parametrize("weighted", [False, True])
@every
def test_the_criterion_is_each_members_weighted_mean(make_job, kind, weighted):
    torch.manual_seed(1)
    outputs, target = some_outputs(5), some_targets(kind, 5)
    weight = torch.rand(N_MEMBERS, N_ROWS, dtype=torch.float64) if weighted else None
    plain = KINDS[kind](5)
    batch = StackBatch(torch.empty(0), as_stacked(target), weight, slice(0, N_MEMBERS), 0)
    loss, grad = StackedCriterion(jobs_of(make_job, plain, 5)).forward(
        pad_last(outputs.clone()), batch
    )
    for k in range(N_MEMBERS):
        mine = outputs[k].clone().requires_grad_()
        wanted = plain[k](mine, target[k], None if weight is None else weight[k])
        wanted.backward()
        torch.testing.assert_close(loss[k].mean(), wanted.detach(), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(grad[k, :, :5], mine.grad, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", [*CLASSES, *LABELS])
def test_large_logits_are_no_trouble(make_job, kind, dtype):
    outputs = torch.tensor([[[1e4, -1e4, 0.0]]] * 3, dtype=dtype)
    label = torch.tensor([0.0, 1.0, 1.0], dtype=dtype)
    target = torch.tensor([[1]] * 3) if kind in CLASSES else label.expand(3, 1, 3)
    plain = KINDS[kind](3)
    loss, grad = run(jobs_of(make_job, plain, 3, dtype), outputs, target)
    for k in range(N_MEMBERS):
        wanted_loss, wanted_grad = plain_rows(plain[k], outputs[k], target[k])
        torch.testing.assert_close(loss[k], wanted_loss)
        torch.testing.assert_close(grad[k, :, :3], wanted_grad)


@every
def test_a_member_that_is_no_number_leaves_the_others_alone(make_job, kind):
    torch.manual_seed(2)
    outputs, target = some_outputs(5), some_targets(kind, 5)
    jobs = jobs_of(make_job, KINDS[kind](5), 5)
    healthy = run(jobs, outputs, target)
    outputs[1] = torch.nan
    sick = run(jobs, outputs, target)
    for a, b in zip(healthy, sick, strict=True):
        assert torch.equal(a[[0, 2]], b[[0, 2]])


def test_members_share_a_stack_whatever_the_settings_of_their_losses():
    kinds = [KINDS[kind](3)[0] for kind in ("cross_entropy", "logit_adjusted")]
    assert len({_losses.stacked_loss(loss) for loss in kinds}) == 1
    assert len({_losses.stacked_loss(loss) for loss in KINDS["focal"](3)}) == 1
    assert len({_losses.stacked_loss(loss) for loss in KINDS["huber"](3)}) == 1


def test_an_adjusted_loss_of_tau_0_is_cross_entropy_to_the_bit(make_job):
    torch.manual_seed(3)
    outputs, target = some_outputs(5), some_targets("cross_entropy", 5)
    mixed = [losses.cross_entropy, *KINDS["logit_adjusted"](5)[1:]]
    both = [
        run(jobs_of(make_job, plain, 5), outputs, target)
        for plain in (mixed, [losses.cross_entropy] * 3)
    ]
    for a, b in zip(*both, strict=True):
        assert torch.equal(a[0], b[0])


def test_every_loss_of_ours_has_a_stacked_form():
    functions = {loss for loss in vars(losses).values() if inspect.isfunction(loss)}
    classes = {type(make(3)[0]) for make in KINDS.values()} - {type(losses.cross_entropy)}
    makers = {losses.make_loss, losses.make_regression_loss}
    assert set(_losses.STACKED) == (functions - makers) | classes


def test_a_loss_of_the_users_own_has_none():
    assert _losses.stacked_loss(lambda *args: None) is None
    assert _losses.stacked_loss(functools.partial(losses.cross_entropy)) is None
