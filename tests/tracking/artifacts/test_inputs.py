import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.sparse import coo_array, csr_array

from sknn_tricks.tracking.artifacts._inputs import Inputs, first_rows

_NUMBERS = st.sampled_from(["int8", "uint8", "int64", "float32", "float64"])


@given(st.data(), _NUMBERS, _NUMBERS)
def test_whole_numbers_are_never_changed(data, trained, given_type):
    shape = data.draw(array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=4))
    X = data.draw(arrays(given_type, shape))
    found = Inputs(shape[1:], trained).prepare(X)
    if np.dtype(trained).kind == "f":
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(found, X.astype(trained))
        assert found.dtype == trained
    else:
        np.testing.assert_array_equal(found, X)
        assert found.dtype in (np.dtype(trained), X.dtype)


@given(arrays("int64", (3, 2), elements=st.integers(0, 255)))
def test_small_whole_numbers_become_the_bytes_they_were(X):
    assert Inputs((2,), "uint8").prepare(X.tolist()).dtype == np.uint8


def test_what_does_not_fit_stays():
    inputs = Inputs((2,), "uint8")
    assert inputs.prepare([[1, 256]]).dtype == np.int64
    assert inputs.prepare([[1.0, np.nan]]).dtype == np.float64
    assert inputs.prepare(csr_array([[1, 300]])).dtype == np.int64
    assert inputs.prepare(csr_array([[1, 30]])).dtype == np.uint8


@pytest.mark.parametrize(
    "X",
    [
        np.arange(12.0).reshape(6, 2),
        pd.DataFrame({"a": range(6), "b": list("uvwxyz")}),
        pd.DataFrame({0: range(6), 1: range(6)}),
        torch.arange(12).reshape(6, 2),
        np.array([["u", "v"]] * 6),
    ],
    ids=["array", "table", "numbered", "tensor", "texts"],
)
def test_the_form_survives_the_file(X):
    inputs = Inputs.of(first_rows(X))
    assert Inputs.from_dict(inputs.to_dict()) == inputs
    assert inputs.row_shape == (2,)


@pytest.mark.parametrize("kind", [list, tuple, coo_array, csr_array, torch.tensor, np.asarray])
def test_the_first_rows_of_anything(kind):
    X = np.arange(12).reshape(6, 2)
    np.testing.assert_array_equal(first_rows(kind(X.tolist())), X[:3])


def test_the_first_rows_are_a_copy():
    X = np.zeros((3, 2))
    first_rows(X)[0] = 1
    assert not X.any()


def test_a_series_and_brain_floats():
    pd.testing.assert_frame_equal(
        first_rows(pd.Series(range(5), name="a")), pd.DataFrame({"a": [0, 1, 2]})
    )
    assert first_rows(torch.zeros(5, 2, dtype=torch.bfloat16)).dtype == np.float32


def test_the_form_in_words():
    assert str(Inputs((3, 8, 8), "uint8")) == "arrays of shape (N, 3, 8, 8), uint8"
    assert str(Inputs((2,), columns=("a", "b"))) == "tables with the columns a, b"
    many = str(Inputs((30,), columns=tuple(range(30))))
    assert many.endswith("18, 19, and 10 more")
