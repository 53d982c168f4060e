import pytest
import torch

from sknn_tricks import losses
from sknn_tricks.fused.stacks import _losses
from sknn_tricks.fused.stacks._batches import StackBatch
from sknn_tricks.fused.stacks._layers import pad_last
from sknn_tricks.fused.stacks._stack_net import StackedCriterion, per_member

N_MEMBERS, N_ROWS = 3, 7
N_OUTPUTS = [1, 2, 5, 32, 33]
SMOOTHING = [0.0, 0.1, 0.5]
CASES = [
    (losses.cross_entropy, _losses.cross_entropy),
    (losses.binary_cross_entropy, _losses.binary_cross_entropy),
    (losses.squared_error, _losses.squared_error),
]
NAMES = [plain.__name__ for plain, _ in CASES]


def some_targets(plain, n_outputs):
    if plain is losses.cross_entropy:
        return torch.randint(n_outputs, (N_MEMBERS, N_ROWS))
    target = torch.randn(N_MEMBERS, N_ROWS, n_outputs, dtype=torch.float64)
    return target if plain is losses.squared_error else (target > 0).double()


def some_outputs(n_outputs):
    return 3 * torch.randn(N_MEMBERS, N_ROWS, n_outputs, dtype=torch.float64)


def as_stacked(target):
    return target if target.dtype == torch.int64 else pad_last(target)


def run(stacked, outputs, target, n_outputs, smoothing=None):
    """Return each row's loss and its gradient, from a stacked loss."""
    outputs = pad_last(outputs.clone())
    memory = torch.full_like(outputs, torch.nan)
    return stacked(outputs, as_stacked(target), n_outputs, smoothing, memory)


def plain_rows(plain, outputs, target, **settings):
    """Return each row's loss and its gradient, by autograd."""
    outputs = outputs.clone().requires_grad_()
    rows = [plain(outputs[i : i + 1], target[i : i + 1], **settings) for i in range(len(outputs))]
    loss = torch.stack(rows)
    [grad] = torch.autograd.grad(loss.sum(), outputs)
    return loss.detach(), grad


@pytest.mark.parametrize("n_outputs", N_OUTPUTS)
@pytest.mark.parametrize(
    ("plain", "stacked", "smoothing"),
    [*((*case, None) for case in CASES), *((*case, SMOOTHING) for case in CASES[:2])],
    ids=[*NAMES, *(f"{name} smoothed" for name in NAMES[:2])],
)
def test_each_rows_loss_and_gradient_are_the_plain_ones(plain, stacked, smoothing, n_outputs):
    torch.manual_seed(0)
    outputs, target = some_outputs(n_outputs), some_targets(plain, n_outputs)
    shares = None if smoothing is None else per_member(smoothing, torch.float64)
    loss, grad = run(stacked, outputs, target, n_outputs, shares)
    for k in range(N_MEMBERS):
        settings = {} if smoothing is None else {"label_smoothing": smoothing[k]}
        wanted_loss, wanted_grad = plain_rows(plain, outputs[k], target[k], **settings)
        torch.testing.assert_close(loss[k], wanted_loss, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(grad[k, :, :n_outputs], wanted_grad, rtol=1e-9, atol=1e-12)
    assert not grad[..., n_outputs:].any()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("plain", "stacked"), CASES, ids=NAMES)
def test_the_criterion_is_each_members_weighted_mean(make_job, plain, stacked, weighted):
    torch.manual_seed(1)
    outputs, target = some_outputs(5), some_targets(plain, 5)
    weight = torch.rand(N_MEMBERS, N_ROWS, dtype=torch.float64) if weighted else None
    task = make_job().task
    task = type(task)(plain, task.score, task.to_prediction, 1.0)
    jobs = [make_job(task=task, n_outputs=5, dtype=torch.float64) for _ in range(N_MEMBERS)]
    batch = StackBatch(torch.empty(0), as_stacked(target), weight, slice(0, N_MEMBERS), 0)
    loss, grad = StackedCriterion(jobs).forward(pad_last(outputs.clone()), batch)
    for k in range(N_MEMBERS):
        mine = outputs[k].clone().requires_grad_()
        wanted = plain(mine, target[k], None if weight is None else weight[k])
        wanted.backward()
        torch.testing.assert_close(loss[k].mean(), wanted.detach(), rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(grad[k, :, :5], mine.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("plain", "stacked"), CASES[:2], ids=NAMES[:2])
def test_large_logits_are_no_trouble(plain, stacked, dtype):
    outputs = torch.tensor([[[1e4, -1e4, 0.0]]], dtype=dtype)
    is_index = plain is losses.cross_entropy
    target = torch.tensor([[1]]) if is_index else torch.tensor([[[0.0, 1.0, 1.0]]], dtype=dtype)
    loss, grad = run(stacked, outputs, target, 3)
    wanted_loss, wanted_grad = plain_rows(plain, outputs[0], target[0])
    torch.testing.assert_close(loss[0], wanted_loss)
    torch.testing.assert_close(grad[0, :, :3], wanted_grad)


@pytest.mark.parametrize(("plain", "stacked"), CASES, ids=NAMES)
def test_a_member_that_is_no_number_leaves_the_others_alone(plain, stacked):
    torch.manual_seed(2)
    outputs, target = some_outputs(5), some_targets(plain, 5)
    healthy = run(stacked, outputs, target, 5)
    outputs[1] = torch.nan
    sick = run(stacked, outputs, target, 5)
    for a, b in zip(healthy, sick, strict=True):
        assert torch.equal(a[[0, 2]], b[[0, 2]])


def test_every_loss_of_ours_has_a_stacked_form():
    assert set(_losses.STACKED) == {getattr(losses, name) for name in losses.__all__}
