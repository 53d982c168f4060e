import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sknn_tricks.diagnostics import search_report
from sknn_tricks.diagnostics.searches._factors import number_equals, shown


def by_name(search):
    return {factor.name: factor for factor in search_report(search).factors}


def flat(p, fold):
    return 0.1 * fold


def test_only_what_varies_is_a_factor(run_search):
    factors = by_name(run_search({"lr": [0.1], "init": ["a", "b"], "dropout": [0.0, 0.0]}, flat))
    assert list(factors) == ["init"]
    assert factors["init"].values == ("a", "b")


def test_names_are_short_where_they_mean_one(found_search):
    names = {"white__method": [1, 2], "net__method": [1, 2], "net__module__dropout": [1, 2]}
    params = [{name: values[i] for name, values in names.items()} for i in range(2)]
    factors = by_name(found_search(params, [[1, 2], [3, 4]]))
    assert {f.param: f.name for f in factors.values()} == {
        "white__method": "white__method",
        "net__method": "net__method",
        "net__module__dropout": "dropout",
    }


def test_numbers_are_in_order_and_others_as_they_came(run_search):
    factors = by_name(run_search({"clip": [None, 10, 0.5, np.float32(2)]}, flat))
    assert factors["clip"].values == ("0.5", "2", "10", "None")
    assert not factors["clip"].is_numeric
    assert factors["clip"].texts == ("None", "10", "0.5", "2")


def test_true_is_not_one(run_search):
    clip = by_name(run_search({"clip": [1, 1.0, True, "1"]}, flat))["clip"]
    assert len(clip.values) == 3
    assert list(clip.codes[:2]) == [0, 0]


def test_values_that_read_the_same_are_numbered(run_search):
    grid = {"clip": [lambda: 1, lambda: 2], "lr": [0.10000001, 0.10000002]}
    factors = by_name(run_search(grid, flat))
    assert [text.rpartition(" ")[2] for text in factors["clip"].values] == ["(1)", "(2)"]
    assert factors["lr"].values == ("0.10000001", "0.10000002")


def test_a_parameter_that_only_some_candidates_have(run_search):
    grid = [{"init": ["a"]}, {"init": ["b"], "lr": [0.1, 0.2]}]
    lr = by_name(run_search(grid, flat))["lr"]
    assert lr.values == ("0.1", "0.2", "(not set)")
    assert lr.texts[0] == "(not set)"


def test_many_numbers_beside_others(run_search):
    values = [None, "auto", *(i / 7 for i in range(20))]
    clip = by_name(run_search({"clip": values}, flat))["clip"]
    assert clip.is_binned
    assert not clip.is_numeric
    assert clip.levels[-2:] == ("None", "auto")
    assert clip.levels[clip.codes[0]] == "None"
    assert clip.levels[clip.codes[1]] == "auto"
    assert len(clip.levels) == 4 + 2
    assert len(set(clip.codes)) == len(clip.levels)


def test_arrays_are_what_they_are_and_not_what_they_read_like(run_search):
    first, second = np.zeros(5000), np.zeros(5000)
    second[2500] = 1
    assert len(by_name(run_search({"clip": [first, second]}, flat))["clip"].values) == 2


@given(st.lists(st.one_of(st.integers(-5, 5), st.text(max_size=2), st.none(), st.booleans())))
def test_equals_have_the_same_number(values):
    firsts, numbers = number_equals(values)
    for i, value in enumerate(values):
        first = values[firsts[numbers[i]]]
        assert first == value
        assert isinstance(first, bool) == isinstance(value, bool)
    assert len(set(numbers)) == len(firsts)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-5, "1e-05"), (0.1 + 0.2, "0.3"), (123456.0, "123456"), (np.float32(0.1), "0.1"), (3, "3")],
)
def test_shown(value, text):
    assert shown(value) == text
