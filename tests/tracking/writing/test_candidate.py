import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sknn_tricks.tracking.writing._candidate import (
    Candidate,
    Curve,
    FitRecord,
    mean_curves,
    mean_facts,
)
from sknn_tricks.tracking.writing._scores import Point

ROWS = [
    {"epoch": n, "dur": 0.5, "train_loss": 1.0 / n, "valid_loss": abs(n - 2.0)} for n in (1, 2, 3)
]


def _values(points):
    return {(p.name, p.step): p.value for p in points}


def test_epochs_end_where_the_fit_ended():
    times = {p.step: p.time for p in Curve("net", ROWS, ended=100.0).points()}
    assert times == {1: 99.0, 2: 99.5, 3: 100.0}


@pytest.mark.parametrize(
    ("rows", "kept", "best"),
    [
        (ROWS, None, 2),
        (ROWS, 3, 3),
        ([{"epoch": 7, "train_loss": 1.0}, {"epoch": 8, "train_loss": 2.0}], None, 8),
        ([{"valid_loss": math.nan}, {"valid_loss": 3.0}, {"valid_loss": 4.0}], None, 2),
        ([{"valid_loss": math.inf}], None, 1),
    ],
)
def test_the_best_epoch_is_the_one_kept_else_of_the_least_loss_else_the_last(rows, kept, best):
    assert Curve("net", rows, 0.0, best_epoch=kept).facts() == {"best_epoch": best}


def test_a_fit_without_epochs_has_no_facts():
    assert Curve("net", [], 0.0).facts() == {}
    assert FitRecord().facts() == {}


def test_facts_are_those_of_the_last_step():
    first, last = Curve("embed", ROWS, 0.0, n_parameters=5), Curve("net", ROWS, 0.0, n_parameters=7)
    assert FitRecord(curves=[first, last]).facts() == {"best_epoch": 2, "n_parameters": 7}


def test_all_that_a_candidate_shows():
    candidate = Candidate(0)
    for index, factor in enumerate((1.0, 3.0)):
        rows = [{"epoch": n, "train_loss": factor * n} for n in range(1, 3 + index)]
        curves = [Curve("net", rows, 10.0 + index, best_epoch=1 + index, n_parameters=9)]
        candidate.folds[index] = FitRecord(0.0, 10.0, curves)
    assert _values(candidate.points()) == {
        ("fold_0/train_loss", 1): 1.0,
        ("fold_0/train_loss", 2): 2.0,
        ("fold_1/train_loss", 1): 3.0,
        ("fold_1/train_loss", 2): 6.0,
        ("fold_1/train_loss", 3): 9.0,
        ("curve/train_loss", 1): 2.0,
        ("curve/train_loss_std", 1): 1.0,
        ("curve/train_loss", 2): 4.0,
        ("curve/train_loss_std", 2): 2.0,
        ("curve/train_loss", 3): 9.0,  # the first fold had stopped
        ("curve/train_loss_std", 3): 0.0,
        ("best_epoch", 0): 1.5,
        ("n_parameters", 0): 9.0,
    }
    assert [len(rows) for rows in candidate.curves] == [2, 3]
    assert candidate.curves[1][2] == {"epoch": 3, "train_loss": 9.0}


def test_a_net_before_the_last_step_has_mean_curves_of_its_own():
    record = FitRecord(curves=[Curve("embed", ROWS[:1], 0.0), Curve("net", ROWS[:1], 0.0)])
    names = {p.name for p in Candidate(0, folds={0: record}).points()}
    assert {"fold_0/embed/train_loss", "curve/embed/train_loss", "curve/train_loss"} <= names


def test_curves_of_folds_without_a_history_are_empty():
    assert Candidate(0, folds={1: FitRecord(), 0: FitRecord()}).curves == [[], []]


losses = st.lists(st.floats(-1e9, 1e9) | st.just(math.nan) | st.just(math.inf), max_size=6)


@given(st.lists(losses, min_size=1, max_size=5))
def test_means_lie_between_the_folds_and_leave_out_what_is_not_finite(folds):
    points = [Point("loss", v, step) for fold in folds for step, v in enumerate(fold)]
    found = _values(mean_curves(points))
    for step in range(6):
        there = [f[step] for f in folds if step < len(f) and math.isfinite(f[step])]
        assert (("curve/loss", step) in found) == bool(there)
        if there:
            slack = 1e-9 * max(map(abs, there))
            assert min(there) - slack <= found["curve/loss", step] <= max(there) + slack
            assert 0 <= found["curve/loss_std", step] <= max(there) - min(there) + slack


def test_the_mean_of_facts_is_over_those_that_have_them():
    assert _values(mean_facts([{"best_epoch": 2.0}, {}, {"best_epoch": 5.0, "n": 1.0}])) == {
        ("best_epoch", 0): 3.5,
        ("n", 0): 1.0,
    }
