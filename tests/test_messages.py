import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sknn_tricks._messages import lookup, message
from sknn_tricks.exceptions import DivergenceError

TABLE = {"relu": 1, "tanh": 2, "elu": 3}


def exactly(text):
    return f"^{re.escape(text)}$"


def test_message_says_what_is_wrong_expected_got_and_to_do():
    text = message("lr is negative", expected="a rate above 0", got="-1", todo="Try lr=1e-3")
    assert text == "lr is negative. Expected a rate above 0; got -1. Try lr=1e-3."


@pytest.mark.parametrize("name", TABLE)
def test_lookup_returns_the_entry_of_a_known_name(name):
    assert lookup(name, TABLE, "activation") == TABLE[name]


def test_lookup_returns_an_entry_that_is_none():
    assert lookup("auto", {"auto": None}, "init") is None


def test_lookup_of_a_misspelt_name_suggests_the_nearest():
    text = (
        "activation='rleu' is not known. Expected one of 'elu', 'relu', 'tanh'; got 'rleu'. "
        "Did you mean 'relu'?"
    )
    with pytest.raises(ValueError, match=exactly(text)):
        lookup("rleu", TABLE, "activation")


def test_lookup_of_a_name_near_to_none_suggests_none():
    text = (
        "optimizer='xyz' is not known. Expected one of 'elu', 'relu', 'tanh'; got 'xyz'. "
        "Choose one of these names."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        lookup("xyz", TABLE, "optimizer")


@pytest.mark.parametrize("name", [None, 3, ["relu"], {"relu": 1}])
def test_lookup_of_something_that_is_no_name_is_refused_alike(name):
    start = f"init={name!r} is not known. Expected one of 'elu', 'relu', 'tanh'; got {name!r}. "
    with pytest.raises(ValueError, match=f"^{re.escape(start)}"):
        lookup(name, TABLE, "init")


@given(st.text().filter(lambda name: name not in TABLE))
def test_lookup_refuses_every_other_text_and_repeats_it(name):
    with pytest.raises(ValueError, match=re.escape(f"got {name!r}. ")):
        lookup(name, TABLE, "activation")


def test_divergence_is_a_value_error_that_survives_pickling():
    error = pickle.loads(pickle.dumps(DivergenceError("it diverged")))
    assert isinstance(error, DivergenceError)
    assert isinstance(error, ValueError)
    assert str(error) == "it diverged"


@pytest.mark.parametrize("name", ["ReLU", "Relu", "RELU", "rleu"])
def test_a_name_in_other_letters_is_guessed(name):
    with pytest.raises(ValueError, match=r"Did you mean 'relu'\?$"):
        lookup(name, {"elu": 1, "relu": 2, "selu": 3}, "activation")
