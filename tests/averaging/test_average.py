import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sknn_tricks.averaging import AVERAGES, Average, ema, make_averaging, snapshots, swa

DECAYS = st.floats(0, 1)
ETAS = st.floats(0, 50)


def exactly(text):
    return f"^{re.escape(text)}$"


def run_of(values, rule):
    """Return the average of one weight that has these values in turn."""
    layer = nn.Linear(1, 1, bias=False)
    average = Average(layer)
    for n, value in enumerate(values, start=1):
        nn.init.constant_(layer.weight, value)
        average.update(rule.share(n))
    average.exchange()
    return layer.weight.item()


# --- the rule -------------------------------------------------------------------------------


def test_without_decay_and_eta_it_is_the_mean_of_all():
    assert run_of([1.0, 2.0, 6.0], ema(decay=1.0, eta=0.0)) == pytest.approx(3.0)


def test_with_decay_0_it_is_the_last():
    assert run_of([1.0, 2.0, 6.0], ema(decay=0.0)) == 6.0


def test_after_a_while_it_is_the_exponential_average():
    values = [math.sin(n) for n in range(300)]
    expected = 0.0
    for value in values:
        expected = 0.9 * expected + 0.1 * value
    assert run_of(values, ema(decay=0.9)) == pytest.approx(expected, abs=1e-6)


@given(DECAYS, ETAS, st.integers(1, 10**6))
def test_shares_are_shares_and_the_first_is_all(decay, eta, n):
    rule = ema(decay, eta)
    assert rule.share(1) == 1
    assert 0 <= rule.share(n + 1) <= rule.share(n) <= 1
    assert rule.share(n) >= 1 - decay


@given(DECAYS, ETAS, st.lists(st.floats(-10, 10), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_an_average_lies_among_its_values(decay, eta, values):
    average = run_of(values, ema(decay, eta))
    assert min(values) - 1e-5 <= average <= max(values) + 1e-5


# --- of a module ----------------------------------------------------------------------------


def test_running_statistics_are_averaged_and_counts_copied():
    norm = nn.BatchNorm1d(2)
    average = Average(norm)
    norm.running_mean.fill_(4.0)
    norm.num_batches_tracked.fill_(7)
    average.update(0.25)
    average.exchange()
    assert norm.running_mean.tolist() == [1.0, 1.0]
    assert norm.num_batches_tracked.item() == 7


def test_an_exchange_is_undone_by_another():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = Average(net)
    nn.init.ones_(net[0].weight)
    average.update(0.5)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    average.exchange()
    assert not net[0].weight.equal(before["0.weight"])
    assert all(average.state()[name].equal(tensor) for name, tensor in before.items())
    average.exchange()
    assert all(net.state_dict()[name].equal(tensor) for name, tensor in before.items())


def test_shared_weights_are_averaged_once():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    average = Average(net)
    start = layer.weight.detach().clone()
    nn.init.zeros_(layer.weight)
    average.update(0.5)
    average.exchange()
    torch.testing.assert_close(layer.weight.detach(), start / 2)
    assert average.state().keys() == net.state_dict().keys()


# --- names ----------------------------------------------------------------------------------


def test_names():
    assert AVERAGES.keys() == {"ema", "swa", "snapshots"}
    assert make_averaging(None) is None
    assert make_averaging("swa") == swa()
    assert make_averaging(snapshots(3)) == snapshots(n=3)


def test_a_wrong_name():
    text = (
        "averaging='emma' is not known. Expected one of 'ema', 'snapshots', 'swa'; got 'emma'. "
        "Did you mean 'ema'?"
    )
    with pytest.raises(ValueError, match=exactly(text)):
        make_averaging("emma")


@pytest.mark.parametrize(("given", "got"), [(0.99, "0.99"), (ema, "ema"), (True, "True")])
def test_what_is_no_average(given, got):
    text = (
        'averaging is no average. Expected "ema", "snapshots", "swa", None, or one such as '
        f"ema(decay=0.99); got averaging={got}. See sknn_tricks.averaging."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        make_averaging(given)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: ema(decay=1.1),
            "decay is out of range. Expected a number from 0 to 1; got decay=1.1. Try decay=0.999.",
        ),
        (
            lambda: ema(eta=-1),
            "eta is out of range. Expected a number from 0 up; got eta=-1. Try eta=8.0.",
        ),
        (
            lambda: ema(decay="0.9"),
            "decay is out of range. Expected a number from 0 to 1; got decay='0.9'. "
            "Try decay=0.999.",
        ),
        (
            lambda: swa(start=1),
            "start is out of range. Expected a share in [0, 1); got start=1. Try start=0.75.",
        ),
        (
            lambda: swa(every=0.5),
            "every is out of range. Expected a whole number from 1 up; got every=0.5. Try every=1.",
        ),
        (
            lambda: snapshots(n=0),
            "n is out of range. Expected a whole number from 1 up; got n=0. Try n=5.",
        ),
        (
            lambda: snapshots(n=True),
            "n is out of range. Expected a whole number from 1 up; got n=True. Try n=5.",
        ),
    ],
)
def test_settings_out_of_range(make, text):
    with pytest.raises(ValueError, match=exactly(text)):
        make()
