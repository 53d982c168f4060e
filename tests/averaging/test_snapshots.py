import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sknn_tricks.averaging import snapshots
from sknn_tricks.schedules import constant, cosine, factor_at


def exactly(text):
    return f"^{re.escape(text)}$"


@given(st.integers(1, 9), st.integers(0, 60))
def test_cycles_share_the_epochs(n, more):
    ends = snapshots(n).epochs(n + more)
    lengths = [end - start for start, end in zip((0, *ends), ends, strict=False)]
    assert len(ends) == n
    assert ends[-1] == n + more
    assert max(lengths) - min(lengths) <= 1


def test_a_training_that_is_too_short_has_one_each_epoch():
    assert snapshots(5).epochs(2) == (1, 2)
    assert snapshots(5).epochs(1) == (1,)


@given(st.integers(1, 5), st.integers(0, 20), st.integers(1, 7), st.sampled_from([0.0, 0.1, 0.4]))
@settings(max_examples=50)
def test_the_rate_is_highest_after_a_snapshot_and_lowest_before(n, more, pace, warmup):
    rule, n_epochs = snapshots(n), n + more
    schedule = rule.over("constant")
    n_steps = n_epochs * pace
    factors = [factor_at(schedule, step, n_steps, pace, warmup) for step in range(n_steps)]
    n_warm = min(round(warmup * n_steps), n_steps - 1)
    start = n_warm
    for end in rule.epochs(n_epochs):
        cycle = factors[start : end * pace]
        if start <= end * pace - 1:
            assert cycle[0] == 1 or start < n_warm
            assert cycle == sorted(cycle, reverse=True)
            last = (1 + math.cos(math.pi * (1 - 1 / len(cycle)))) / 2
            assert cycle[-1] == pytest.approx(last)
        start = max(end * pace, n_warm)


def test_only_a_constant_schedule_makes_way():
    rule = snapshots(3)
    assert rule.over("constant") == rule.over(constant()) != "constant"
    assert rule.over("cosine") == "cosine"
    assert rule.over(cosine()) == cosine()


def test_more_snapshots_than_epochs():
    text = (
        "There are more snapshots than epochs. Expected max_epochs=5 or more; got max_epochs=4 "
        "with snapshots(n=5). Train longer, or take fewer snapshots."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        snapshots().check(4, early_stopping=False)


def test_early_stopping():
    text = (
        "Snapshots and early stopping exclude each other. Expected a training of all its cycles; "
        'got early_stopping=True with snapshots(n=5). Choose one of the two, or averaging="ema".'
    )
    with pytest.raises(ValueError, match=exactly(text)):
        snapshots().check(80, early_stopping=True)
