import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_expit, log_softmax

from sknn_tricks.losses import binary_cross_entropy, cross_entropy, squared_error

LOSSES = [cross_entropy, binary_cross_entropy, squared_error]
every = pytest.mark.parametrize("loss", LOSSES)


def per_row(loss, outputs, target):
    """Return the loss of each row, in numpy, from the formula."""
    if loss is cross_entropy:
        return -log_softmax(outputs, axis=1)[np.arange(len(target)), target]
    if loss is binary_cross_entropy:
        return -(target * log_expit(outputs) + (1 - target) * log_expit(-outputs)).mean(axis=1)
    return ((outputs - target) ** 2).mean(axis=1)


def draw(loss, n_rows=7, n_outputs=3, seed=0):
    """Return outputs, targets and weights of mean 1, in float64."""
    rng = np.random.default_rng(seed)
    outputs = rng.normal(scale=3, size=(n_rows, n_outputs))
    if loss is cross_entropy:
        target = rng.integers(n_outputs, size=n_rows)
    elif loss is binary_cross_entropy:
        target = rng.integers(2, size=outputs.shape).astype(float)
    else:
        target = rng.normal(size=outputs.shape)
    weight = rng.exponential(size=n_rows)
    return outputs, target, weight / weight.mean()


def tensors(*arrays):
    return [torch.from_numpy(np.asarray(array)) for array in arrays]


@every
@settings(max_examples=30, deadline=None)
@given(n_rows=st.integers(1, 20), n_outputs=st.integers(1, 5), seed=st.integers(0, 999))
def test_without_weights_it_is_the_mean_of_the_formula(loss, n_rows, n_outputs, seed):
    outputs, target, _ = draw(loss, n_rows, n_outputs, seed)
    value = loss(*tensors(outputs, target))
    assert value.shape == ()
    assert value.item() == pytest.approx(per_row(loss, outputs, target).mean())


@every
@settings(max_examples=30, deadline=None)
@given(n_rows=st.integers(1, 20), n_outputs=st.integers(1, 5), seed=st.integers(0, 999))
def test_with_weights_it_is_the_mean_of_weight_times_the_formula(loss, n_rows, n_outputs, seed):
    outputs, target, weight = draw(loss, n_rows, n_outputs, seed)
    value = loss(*tensors(outputs, target, weight))
    assert value.shape == ()
    assert value.item() == pytest.approx((weight * per_row(loss, outputs, target)).mean())


@every
def test_weights_of_1_change_nothing(loss):
    outputs, target, _ = tensors(*draw(loss))
    ones = torch.ones(len(target), dtype=torch.float64)
    torch.testing.assert_close(loss(outputs, target, ones), loss(outputs, target))


@every
@settings(max_examples=30, deadline=None)
@given(times=st.lists(st.integers(0, 4), min_size=1, max_size=8).filter(any))
def test_weights_are_repeated_rows_in_a_full_batch(loss, times):
    outputs, target, _ = tensors(*draw(loss, n_rows=len(times)))
    times = torch.tensor(times)
    weight = times / times.double().mean()
    repeated = loss(outputs.repeat_interleave(times, 0), target.repeat_interleave(times, 0))
    torch.testing.assert_close(loss(outputs, target, weight), repeated)


@every
def test_the_gradient_is_the_losses_own(loss):
    outputs, target, weight = tensors(*draw(loss))
    outputs.requires_grad_()
    assert torch.autograd.gradcheck(lambda o: loss(o, target), outputs)
    assert torch.autograd.gradcheck(lambda o: loss(o, target, weight), outputs)


@every
def test_a_row_of_weight_0_has_no_gradient(loss):
    outputs, target, weight = tensors(*draw(loss))
    weight[2] = 0
    loss(outputs.requires_grad_(), target, weight).backward()
    has_gradient = outputs.grad.ne(0).any(dim=1).tolist()
    assert has_gradient == [True, True, False, True, True, True, True]


@every
def test_float32_stays_float32(loss):
    outputs, target, weight = tensors(*draw(loss))
    target = target if loss is cross_entropy else target.float()
    assert loss(outputs.float(), target).dtype == torch.float32
    assert loss(outputs.float(), target, weight.float()).dtype == torch.float32


@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropies_of_extreme_logits_are_finite(weighted):
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4]])
    weight = torch.ones(2) if weighted else None
    assert cross_entropy(logits, torch.tensor([0, 0]), weight).item() == pytest.approx(1e4)
    labels = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert binary_cross_entropy(logits, labels, weight).item() == pytest.approx(5e3)
