import math
import re

import numpy as np
import pytest

from sknn_tricks.schedules import Course, Moment, constant, cosine, factor_at, plateau, step


def epochs(course, n):
    seen = []
    for _ in range(n):
        course.begin_epoch()
        seen.append(course.factors)
    return seen


def test_it_gives_the_factors_epoch_by_epoch():
    seen = epochs(Course("lr_schedule", "cosine", 4, 3, warmup=0.25), 4)
    wanted = [factor_at(cosine(), at, 12, 3, 0.25) for at in range(12)]
    assert [factor for epoch in seen for factor in epoch] == wanted
    assert {len(epoch) for epoch in seen} == {3}


@pytest.mark.parametrize("schedule", ["constant", constant()])
def test_nothing_is_asked_for_by_a_constant(schedule):
    assert epochs(Course("lr_schedule", schedule, 4, 3), 4) == [None] * 4


def test_a_constant_with_a_warm_up_is_none():
    first, *_, last = epochs(Course("lr_schedule", "constant", 4, 3, warmup=0.25), 4)
    assert first == (0.25, 0.5, 0.75)
    assert last == (1.0, 1.0, 1.0)


def test_a_plateau_hears_of_the_losses():
    course = Course("lr_schedule", plateau(factor=0.5, patience=1), 4, 2)
    seen = []
    for loss in (1.0, 1.0, 0.5, 0.5):
        seen += epochs(course, 1)
        course.end_epoch(loss)
    assert seen == [(1.0, 1.0), (1.0, 1.0), (0.5, 0.5), (0.5, 0.5)]


def test_equal_schedules_are_asked_once():
    seen = []

    def schedule(moment):
        seen.append(moment)
        return 1.0

    for _ in range(3):
        epochs(Course("lr_schedule", schedule, 2, 2), 2)
    assert seen == [Moment(at, 4, 2) for at in range(4)]


class Unhashable:
    __hash__ = None

    def __call__(self, moment):
        return 0.5


def test_a_schedule_of_the_users_own_need_not_be_hashable():
    assert epochs(Course("lr_schedule", Unhashable(), 1, 2), 1) == [(0.5, 0.5)]


def test_numbers_of_any_kind_are_factors():
    [seen] = epochs(Course("lr_schedule", lambda moment: np.float32(0.5), 1, 2), 1)
    assert [type(factor) for factor in seen] == [float, float]


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, None, "1", 1j])
def test_what_is_no_factor_is_refused(value):
    course = Course("lr_schedule", lambda moment: value, 4, 3)
    text = (
        "lr_schedule gives something that is no factor. Expected numbers from 0 on; "
        f"got {value!r}. Let the schedule return such a number for each Moment."
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        course.begin_epoch()
    assert course.factors is None


def test_a_bound_on_the_factors():
    course = Course("dropout_schedule", lambda moment: 1.5, 4, 3, highest=1.0)
    with pytest.raises(ValueError, match=re.escape("Expected numbers from 0 to 1; got 1.5.")):
        course.begin_epoch()


def test_a_schedule_longer_than_the_training_is_refused():
    with pytest.raises(ValueError, match="is longer than the training"):
        Course("lr_schedule", step(every=4), 4, 3)
