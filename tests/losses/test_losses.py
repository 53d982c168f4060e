import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_expit, log_softmax

from sknn_tricks.losses import (
    LOSSES,
    REGRESSION_LOSSES,
    absolute_error,
    binary_cross_entropy,
    binary_focal,
    binary_logit_adjusted,
    cross_entropy,
    effective_number,
    focal,
    huber,
    logit_adjusted,
    make_loss,
    make_regression_loss,
    squared_error,
)
from sknn_tricks.losses._focal import pull

every = pytest.mark.parametrize(
    "loss",
    [cross_entropy, binary_cross_entropy, absolute_error, huber(0.7), squared_error],
    ids=lambda loss: getattr(loss, "__name__", repr(loss)),
)


def per_row(loss, outputs, target):
    """Return the loss of each row, in numpy, from the formula."""
    if loss is cross_entropy:
        return -log_softmax(outputs, axis=1)[np.arange(len(target)), target]
    if loss is binary_cross_entropy:
        return -(target * log_expit(outputs) + (1 - target) * log_expit(-outputs)).mean(axis=1)
    error = np.abs(outputs - target)
    if loss is absolute_error:
        return error.mean(axis=1)
    if loss is squared_error:
        return (error**2).mean(axis=1)
    far = loss.delta * error - loss.delta**2 / 2
    return np.where(error < loss.delta, error**2 / 2, far).mean(axis=1)


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


# --- classes of different sizes -------------------------------------------------------------


def some_logits(n_rows=6, n_outputs=4, seed=0):
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.normal(scale=2, size=(n_rows, n_outputs)))
    return logits, torch.from_numpy(rng.integers(n_outputs, size=n_rows))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 3.0])
def test_focal_is_its_formula(gamma, smoothing):
    logits, target = some_logits()
    p = logits.softmax(dim=1).numpy()
    share = np.full(p.shape, smoothing / 4)
    share[np.arange(6), target] += 1 - smoothing
    wanted = -(share * (1 - p) ** gamma * np.log(p)).sum(axis=1)
    weight = torch.linspace(0.5, 1.5, 6, dtype=torch.float64)
    assert focal(gamma)(logits, target, None, smoothing).item() == pytest.approx(wanted.mean())
    weighted = focal(gamma)(logits, target, weight, smoothing).item()
    assert weighted == pytest.approx((weight.numpy() * wanted).mean())


@pytest.mark.parametrize("gamma", [0.0, 0.5, 3.0])
def test_binary_focal_is_focal_of_two_classes(gamma):
    logits, _ = some_logits(n_outputs=1)
    target = torch.tensor([0, 1, 1, 0, 1, 0])
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    wanted = focal(gamma)(two, target).item()
    assert binary_focal(gamma)(logits, target[:, None].double()).item() == pytest.approx(wanted)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_a_net_that_minimises_focal_loss_tells_the_probabilities_by_its_pull(gamma):
    logits, _ = some_logits(n_rows=1)
    p = logits.softmax(dim=1)
    truth = (p / pull(p, p.log(), gamma))[0]
    truth /= truth.sum()
    logits.requires_grad_()
    each = torch.stack([focal(gamma)(logits, torch.tensor([c])) for c in range(4)])
    [grad] = torch.autograd.grad((truth * each).sum(), logits)
    np.testing.assert_allclose(grad, 0, atol=1e-12)


def test_a_net_that_is_very_sure_still_has_a_focal_gradient_that_is_a_number():
    logits = torch.tensor([[1e3, -1e3], [-1e3, 1e3]], requires_grad=True)
    focal(0.5)(logits, torch.tensor([0, 0])).backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[1].abs().max() > 0.4


def test_logit_adjusted_is_cross_entropy_of_shifted_logits():
    logits, target = some_logits()
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    shifted = logits + 1.5 * torch.from_numpy(np.log(shares))
    loss = logit_adjusted(tau=1.5, shares=tuple(shares))
    assert loss(logits, target) == pytest.approx(cross_entropy(shifted, target).item())


def test_binary_logit_adjusted_is_that_of_two_classes():
    logits, _ = some_logits(n_outputs=1)
    target = torch.tensor([0, 1, 1, 0, 1, 0])
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    wanted = logit_adjusted(shares=(0.8, 0.2))(two, target).item()
    loss = binary_logit_adjusted(shares=(0.2,))(logits, target[:, None].double())
    assert loss.item() == pytest.approx(wanted)


@pytest.mark.parametrize("loss", [logit_adjusted(), binary_logit_adjusted()])
def test_an_adjusted_loss_wants_to_know_the_shares(loss):
    with pytest.raises(ValueError, match="shares of the classes are not known") as caught:
        loss(torch.zeros(1, 2), torch.tensor([0]))
    assert str(caught.value) == (
        "The shares of the classes are not known. Expected one number in (0, 1) for each class; "
        f"got {loss!r}. Give shares=, or let NetClassifier take them from its data."
    )


def test_shares_of_ones_own_stay():
    own = logit_adjusted(shares=(0.9, 0.1))
    assert make_loss(own, [0.5, 0.5]) is own


@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_has_a_form_for_several_labels(name):
    loss = make_loss(name, [0.2, 0.7], multilabel=True)
    target = torch.tensor([[1.0, 0.0]])
    assert loss(torch.zeros(1, 2), target).isfinite()


@given(
    counts=st.lists(st.integers(1, 10**6), min_size=2, max_size=8),
    beta=st.floats(0, 0.99999),
)
def test_effective_weights_lie_between_none_and_balanced(counts, beta):
    weights, counts = effective_number(beta)(counts), np.array(counts)
    assert (weights > 0).all()
    ratio, balanced = weights / weights[0], counts[0] / counts
    low, high = np.minimum(1, balanced), np.maximum(1, balanced)
    assert (ratio >= low * (1 - 1e-6)).all()
    assert (ratio <= high * (1 + 1e-6)).all()


@pytest.mark.parametrize("make", [focal, binary_focal])
def test_a_negative_gamma(make):
    with pytest.raises(ValueError, match="gamma is negative") as caught:
        make(gamma=-1)
    assert str(caught.value) == (
        "gamma is negative. Expected a number of 0 or more; got gamma=-1. Try gamma=2.0."
    )


@pytest.mark.parametrize("beta", [-0.1, 1.0])
def test_a_beta_out_of_range(beta):
    with pytest.raises(ValueError, match="beta is out of its range") as caught:
        effective_number(beta=beta)
    assert str(caught.value) == (
        f"beta is out of its range. Expected a number in [0, 1); got beta={beta}. Try beta=0.999."
    )


# --- numbers --------------------------------------------------------------------------------


def best_constant(loss, target):
    """Return the constant that costs least, on a fine grid."""
    grid = torch.linspace(-1, 12, 2601, dtype=torch.float64)
    costs = [loss(constant.expand(len(target), 1), target).item() for constant in grid]
    return grid[int(np.argmin(costs))].item()


def test_an_outlier_draws_the_best_constant_less_the_more_robust_the_loss():
    target = torch.tensor([[0.0], [1.0], [2.0], [3.0], [50.0]], dtype=torch.float64)
    assert best_constant(squared_error, target) == pytest.approx(11.2, abs=0.01)
    assert best_constant(absolute_error, target) == pytest.approx(2.0, abs=0.01)  # the median
    assert best_constant(huber(1.0), target) == pytest.approx(2.0, abs=0.5)


def test_huber_is_half_the_square_where_no_error_is_large():
    outputs, target, weight = tensors(*draw(squared_error))
    wanted = squared_error(outputs, target, weight) / 2
    torch.testing.assert_close(huber(1e3)(outputs, target, weight), wanted)


def test_huber_of_a_small_delta_is_in_proportion_to_the_absolute_error():
    outputs, target, weight = tensors(*draw(squared_error))
    wanted = absolute_error(outputs, target, weight)
    torch.testing.assert_close(huber(1e-8)(outputs, target, weight) / 1e-8, wanted)


@pytest.mark.parametrize("delta", [0, -1.0, float("nan")])
def test_a_delta_out_of_range_is_refused(delta):
    text = f"delta is out of its range. Expected a number above 0; got delta={delta!r}. Try"
    with pytest.raises(ValueError, match=re.escape(text)):
        huber(delta)


@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_losses_of_numbers_have_names(name):
    assert make_regression_loss(name) is REGRESSION_LOSSES[name]
    assert make_regression_loss(huber(0.1)) == huber(0.1)


def test_a_wrong_name_of_a_loss_of_numbers():
    with pytest.raises(ValueError, match="Did you mean 'absolute_error'"):
        make_regression_loss("absolut_error")
