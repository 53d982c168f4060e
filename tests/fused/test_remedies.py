"""Remedies against overfitting in training: by definition, and in stacks as in skorch's loop."""

import math

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn
from torch.nn import functional as F

from sknn_tricks import losses
from sknn_tricks.fused import Report, Rows, Task, train
from sknn_tricks.fused._balance import Balance, Orders
from sknn_tricks.fused._make import make_net
from sknn_tricks.fused._random import stream_seed
from sknn_tricks.nets import MLP
from sknn_tricks.optim import OPTIMIZERS

TINY = 1e-30
REMEDIES = {
    "clip_value": {"clip_value": 0.01},
    "max_norm": {"max_norm": 0.5},
    "input_noise": {"input_noise": 0.3},
    "mixup": {"mixup": 0.5},
    "mixup and noise": {"mixup": 0.5, "input_noise": 0.1},
    "decay_biases": {"decay_biases": True, "weight_decay": 0.3, "l1": 0.1},
}
TASKS = {
    "classes": (losses.cross_entropy, 3),
    "focal": (losses.focal(1.5), 3),
    "logit_adjusted": (losses.logit_adjusted(shares=(0.2, 0.3, 0.5)), 3),
    "labels": (losses.binary_cross_entropy, 4),
    "focal labels": (losses.binary_focal(1.5), 4),
    "numbers": (losses.squared_error, 2),
}


def rows(kind, n_outputs, n_rows=50, weighted=False, input_shape=(5,)):
    source = torch.Generator().manual_seed(1)
    x = torch.randn(n_rows, *input_shape, generator=source, dtype=torch.float64)
    target = torch.randn(n_rows, n_outputs, generator=source, dtype=torch.float64)
    if "labels" in kind:
        target = (target > 0).double()
    elif kind != "numbers":
        target = target.argmax(dim=1)
    weight = torch.rand(n_rows, generator=source, dtype=torch.float64) if weighted else None
    return Rows(x, target, weight)


@pytest.fixture
def make(make_job):
    """Return a function that makes a job in float64."""

    def made(kind="classes", weighted=False, input_shape=(5,), **settings):
        loss, n_outputs = TASKS[kind]
        usual = {
            "spec": MLP(hidden=(8,), activation="tanh"),
            "input_shape": input_shape,
            "n_outputs": n_outputs,
            "task": Task(loss, lambda *_: 0.0, torch.Tensor.clone, 1.0),
            "train": rows(kind, n_outputs, weighted=weighted, input_shape=input_shape),
            "dtype": torch.float64,
            "optimizer": "sgd",
            "lr": 0.1,
        }
        return make_job(**{**usual, **settings})

    return made


def trained(job):
    [one] = train([job])
    assert one.error is None, one.error
    return one.net


def assert_stack_is_plain(make, **settings):
    report = Report()
    nets = train([make(**settings), make(**settings, callbacks=[Callback()])], report=report)
    assert {batch.alone for batch in report.batches} == {None, "it has skorch callbacks"}
    assert [one.error for one in nets] == [None, None]
    stacked, plain = (one.net for one in nets)
    np.testing.assert_allclose(
        stacked.history[:, "train_loss"], plain.history[:, "train_loss"], rtol=1e-9
    )
    wanted = plain.module_.state_dict()
    for name, tensor in stacked.module_.state_dict().items():
        torch.testing.assert_close(tensor, wanted[name], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("settings", REMEDIES.values(), ids=REMEDIES)
def test_a_stack_does_what_skorchs_loop_does(make, settings, kind):
    assert_stack_is_plain(make, kind=kind, **settings)


@pytest.mark.parametrize("kind", ["classes", "focal", "logit_adjusted"])
def test_mixup_blends_weights_class_factors_and_smooth_labels(make, kind):
    balance = Balance(factors=(0.5, 1.0, 2.0))
    blended = {"mixup": 0.5, "label_smoothing": 0.1, "balance": balance, "weighted": True}
    assert_stack_is_plain(make, kind=kind, **blended)


def test_rows_of_several_axes_have_the_same_noise(make):
    assert_stack_is_plain(make, input_shape=(3, 4), input_noise=0.3, mixup=0.2)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
def test_penalties_on_a_bias_in_front_of_a_norm_do_not_add_up(make, optimizer):
    spec = MLP(hidden=(8,), batch_norm=True, activation="tanh")
    penalties = {"decay_biases": True, "weight_decay": 0.01, "l1": 0.01, "bias_init": 1.0}
    assert_stack_is_plain(make, spec=spec, optimizer=optimizer, **penalties)


# --- by definition --------------------------------------------------------------------------


def one_step(make, **settings):
    """Return weight and bias of a linear net before, their gradient, and after one step."""
    job = make(spec=MLP(hidden=()), max_epochs=1, batch_size=1000, bias_init=0.3, **settings)
    module = make_net(job).module_
    job.task.loss(module(job.train.x), job.train.target, None).backward()
    before, grads = zip(*((p.detach(), p.grad) for p in module.parameters()), strict=True)
    return before, grads, list(trained(job).module_.parameters())


@pytest.mark.parametrize("decay_biases", [False, True])
def test_an_elastic_net_of_sgd_adds_both_penalties_to_the_gradient(make, decay_biases):
    before, grads, after = one_step(make, weight_decay=0.3, l1=0.1, decay_biases=decay_biases)
    for i, (was, grad, now) in enumerate(zip(before, grads, after, strict=True)):
        penalty = 0.3 * was + 0.1 * was.sign() if i == 0 or decay_biases else 0.0
        torch.testing.assert_close(now.detach(), was - 0.1 * (grad + penalty))


@pytest.mark.parametrize(("optimizer", "decoupled"), [("adamw", True), ("adam", False)])
def test_an_elastic_net_of_adamw_shrinks_apart_from_the_gradient(make, optimizer, decoupled):
    before, grads, after = one_step(make, optimizer=optimizer, weight_decay=0.3, l1=0.1)
    weight, grad = before[0], grads[0] + 0.1 * before[0].sign()
    if not decoupled:
        grad = grad + 0.3 * weight
    # Adam's first step is one of lr along the sign of the gradient.
    wanted = weight * (1 - 0.1 * 0.3 * decoupled) - 0.1 * grad / (grad.abs() + 1e-8)
    torch.testing.assert_close(after[0].detach(), wanted)


def test_no_entry_of_the_gradient_is_above_the_bound(make):
    before, grads, after = one_step(make, clip_value=0.01)
    assert max(grad.abs().max() for grad in grads) > 0.02
    for was, grad, now in zip(before, grads, after, strict=True):
        torch.testing.assert_close(now.detach(), was - 0.1 * grad.clamp(-0.01, 0.01))


def test_entries_are_clipped_before_the_norm_is(make):
    before, grads, after = one_step(make, clip_value=0.01, clip_norm=0.005)
    clipped = [grad.clamp(-0.01, 0.01) for grad in grads]
    norm = math.sqrt(sum(grad.square().sum() for grad in clipped))
    for was, grad, now in zip(before, clipped, after, strict=True):
        torch.testing.assert_close(now.detach(), was - 0.1 * grad * 0.005 / norm, rtol=1e-3, atol=0)


@pytest.mark.parametrize("callbacks", [(), [Callback()]], ids=["stack", "skorch"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_unit_has_longer_weights_than_max_norm(make, optimizer, callbacks):
    net = trained(make(max_norm=0.4, optimizer=optimizer, callbacks=callbacks))
    free = trained(make(optimizer=optimizer))
    for bound, free_ones in zip(linear(net), linear(free), strict=True):
        assert (bound.norm(dim=1) <= 0.4 * (1 + 1e-9)).all()
        assert (free_ones.norm(dim=1) > 0.4).any()


def linear(net):
    return [part.weight.detach() for part in net.module_ if isinstance(part, nn.Linear)]


def first_epoch(job):
    """Return the net as it begins, and the rows of its only step in their order."""
    generator = torch.Generator().manual_seed(stream_seed(job.seed, "shuffle", 0))
    order = Orders(job.train, job.balance, generator).draw(0)
    return make_net(job).module_, job.train.x[order], job.train.target[order]


def test_mixup_blends_each_row_with_its_neighbour(make):
    job = make(mixup=0.7, lr=TINY, max_epochs=1, batch_size=1000)
    module, x, target = first_epoch(job)
    seed = stream_seed(job.seed, "mixup", 0)
    share = np.random.Generator(np.random.SFC64(seed)).beta(0.7, 0.7)
    outputs = module(share * x + (1 - share) * x.roll(1, dims=0))
    own, other = (F.one_hot(each, 3).double() for each in (target, target.roll(1)))
    soft = share * own + (1 - share) * other
    [loss] = trained(job).history[:, "train_loss"]
    assert loss == pytest.approx(F.cross_entropy(outputs, soft).item(), rel=1e-9)


def test_noise_is_new_in_each_step_and_normal(make):
    job = make(kind="numbers", input_noise=0.5, lr=TINY, max_epochs=200, batch_size=1000)
    linear_job = make(kind="numbers", spec=MLP(hidden=()), input_noise=0.5, lr=TINY, max_epochs=200)
    assert len(set(trained(job).history[:, "train_loss"])) == 200
    # Of a linear net, the expected loss is larger by the noise that its weights pass on.
    module, x, target = first_epoch(linear_job)
    clean = F.mse_loss(module(x), target)
    passed = 0.25 * module[0].weight.square().sum() / 2
    mean = np.mean(trained(linear_job).history[:, "train_loss"])
    assert mean == pytest.approx((clean + passed).item(), rel=0.03)


@pytest.mark.parametrize("settings", [{"mixup": 0.5}, {"input_noise": 0.3}], ids=["mixup", "noise"])
def test_validation_rows_stay_as_they_are(make, settings):
    usual = {"lr": TINY, "valid": rows("classes", 3, n_rows=20), "max_epochs": 2}
    changed, plain = (trained(make(**usual, **each)) for each in (settings, {}))
    assert changed.history[:, "valid_loss"] == plain.history[:, "valid_loss"]
    assert changed.history[:, "train_loss"] != plain.history[:, "train_loss"]


def test_data_are_left_alone(make):
    job = make(input_noise=0.3, mixup=0.5)
    before = job.train.x.clone(), job.train.target.clone()
    trained(job)
    assert torch.equal(before[0], job.train.x)
    assert torch.equal(before[1], job.train.target)
