"""Settings of the steps: momentum, betas, label smoothing, clipping."""

import re

import numpy as np
import pytest

from sknn_tricks import NetClassifier
from sknn_tricks.nets import MLP


def net(**settings):
    usual = {
        "max_epochs": 5,
        "lr": 0.02,
        "weight_decay": 0.0,
        "random_state": 0,
        "optimizer": "sgd",
    }
    return NetClassifier(MLP(hidden=(8,)), **{**usual, **settings})


def test_smooth_labels_make_a_net_less_sure(class_data):
    sure, smooth = (
        net(optimizer="adam", max_epochs=40, label_smoothing=share).fit(*class_data)
        for share in (0.0, 0.3)
    )
    certainty = [each.predict_proba(class_data[0]).max(axis=1).mean() for each in (sure, smooth)]
    assert certainty[1] < certainty[0] - 0.1
    assert smooth.score(*class_data) > 0.8


def test_label_smoothing_is_for_training_not_for_validation(class_data):
    fits = [
        net(lr=1e-30, label_smoothing=share).fit(*class_data, validation_data=class_data)
        for share in (0.0, 0.5)
    ]
    valid, train = (
        [each.history_[-1][name] for each in fits] for name in ("valid_loss", "train_loss")
    )
    assert valid[0] == valid[1]
    assert train[0] != train[1]


def test_a_clipped_step_is_no_longer_than_the_bound(class_data, weights):
    start, clipped, free = (
        weights(net(**settings).fit(*class_data))
        for settings in (
            {"lr": 1e-30},
            {"lr": 1.0, "clip_norm": 0.01, "max_epochs": 1, "batch_size": 1000},
            {"lr": 1.0, "max_epochs": 1, "batch_size": 1000},
        )
    )
    assert np.linalg.norm(clipped - start) == pytest.approx(0.01, rel=0.05)
    assert np.linalg.norm(free - start) > 0.05


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov"])
def test_momentum_is_for_the_optimizers_named_after_it(optimizer, class_data, weights):
    low, high = (
        weights(net(optimizer=optimizer, momentum=momentum).fit(*class_data))
        for momentum in (0.1, 0.9)
    )
    assert not np.array_equal(low, high)
    plain = [weights(net(momentum=momentum).fit(*class_data)) for momentum in (0.1, 0.9)]
    np.testing.assert_array_equal(*plain)


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_betas_are_adams(optimizer, class_data, weights):
    first, second = (
        weights(net(optimizer=optimizer, betas=betas).fit(*class_data))
        for betas in ((0.9, 0.999), (0.5, 0.9))
    )
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("betas", [(0.9,), (0.9, 1.0), (-0.1, 0.9), ("a", 0.9), (0.9, 0.9, 0.9)])
def test_betas_that_are_none_are_refused(betas, class_data):
    text = (
        f"betas are no rates of decay. Expected two numbers in [0, 1), such as (0.9, 0.999); got "
        f"betas={betas!r}. Give one for the mean of the gradients and one for that of their "
        "squares."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        net(betas=betas).fit(*class_data)


@pytest.mark.parametrize(
    ("name", "value"),
    [("clip_norm", 0.0), ("label_smoothing", 1.0), ("label_smoothing", -0.1), ("momentum", 1.0)],
)
def test_numbers_out_of_range_are_refused(name, value, class_data):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of NetClassifier must be"):
        net(**{name: value}).fit(*class_data)
