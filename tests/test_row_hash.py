import re

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.sparse import csr_array

from sknn_tricks import OnDisk, _row_hash
from sknn_tricks._row_hash import joint_row_codes, row_codes

# Few values, so that rows come twice.
VALUES = {
    "float64": st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e300, np.nan, np.inf]),
    "float32": st.sampled_from([0.0, -0.0, 1.0, 2.0, np.nan]),
    "float16": st.sampled_from([0.0, -0.0, 1.0, np.nan]),
    "int64": st.sampled_from([0, 1, -1, 2**62]),
    "uint8": st.integers(0, 2),
    "bool": st.booleans(),
    "<U3": st.sampled_from(["", "a", "ab"]),
    "datetime64[s]": st.sampled_from([np.datetime64("NaT"), np.datetime64(0, "s")]),
}


@st.composite
def arrays(draw):
    dtype = draw(st.sampled_from(sorted(VALUES)))
    shape = draw(npst.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5))
    return draw(npst.arrays(dtype, shape, elements=VALUES[dtype]))


def first_equal(X):
    """Compare all rows with all, as row_codes must not."""
    rows = [np.ravel(row) for row in X]
    equal_nan = np.asarray(X).dtype.kind in "fcmM"
    return [
        next(j for j, other in enumerate(rows) if np.array_equal(row, other, equal_nan=equal_nan))
        for row in rows
    ]


def exactly(text):
    return "^" + re.escape(text) + "$"


# --- arrays ---------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(X=arrays())
def test_each_row_has_the_number_of_the_first_row_equal_to_it(X):
    codes = row_codes(X)
    assert codes.dtype == np.int64
    assert codes.tolist() == first_equal(X)


@settings(max_examples=50, deadline=None)
@given(X=npst.arrays("int8", npst.array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 1)))
def test_codes_part_the_rows_as_numpy_unique_does(X):
    _, inverse = np.unique(X, axis=0, return_inverse=True)
    _, ours = np.unique(row_codes(X), return_inverse=True)
    assert len(set(zip(inverse, ours, strict=True))) == len(set(inverse)) == len(set(ours))


@settings(max_examples=50, deadline=None)
@given(X=arrays())
def test_rows_that_share_a_hash_are_told_apart(X):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_row_hash, "_hashes", lambda words: np.zeros(len(words), np.uint64))
        assert row_codes(X).tolist() == first_equal(X)


def test_rows_of_many_blocks(monkeypatch):
    monkeypatch.setattr(_row_hash, "BLOCK_WORDS", 7)
    X = np.random.default_rng(0).integers(0, 3, size=(100, 3))
    assert row_codes(X).tolist() == first_equal(X)


def test_few_rows_share_a_hash():
    X = np.arange(200_000.0)[:, None]  # floats whose low bits all are zero
    hashes = _row_hash._hashes(_row_hash.row_words([X])[0])
    assert len(np.unique(hashes)) > 199_990


@pytest.mark.parametrize("dtype", [np.complex128, np.longdouble])
def test_numbers_of_more_than_64_bits(dtype):
    small = np.finfo(dtype).eps
    X = np.array([1, 1 + small, -0.0, np.nan, 0.0, 1 + small, np.nan], dtype)[:, None]
    assert row_codes(X).tolist() == [0, 1, 2, 3, 2, 1, 3]


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda X: X[::-1], lambda X: X[:, ::2]])
def test_any_layout(layout):
    X = layout(np.random.default_rng(0).integers(0, 2, size=(30, 6)).astype(np.float32))
    assert row_codes(X).tolist() == first_equal(X)


def test_rows_without_entries_are_equal():
    assert row_codes(np.zeros((3, 0))).tolist() == [0, 0, 0]


def test_objects_are_compared_as_python_does():
    X = np.array([[1, "a"], [1.0, "a"], ["1", "a"], [None, "a"], [np.nan, "a"]], object)
    assert row_codes(X).tolist() == [0, 0, 2, 3, 3]


def test_a_number_in_a_list_is_no_text():
    assert row_codes([[1, "a"], ["1", "a"], [1, "a"]]).tolist() == [0, 1, 0]


def test_input_is_left_alone():
    X = np.array([[-0.0], [np.nan]])
    before = X.tobytes()
    row_codes(X)
    assert X.tobytes() == before


# --- other kinds of data --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.uint8])
def test_tensors(dtype):
    X = torch.tensor([[1, 2], [3, 4], [1, 2]], dtype=dtype)
    assert row_codes(X).tolist() == [0, 1, 0]
    assert row_codes(torch.zeros(2, 3, requires_grad=True)).tolist() == [0, 0]


def test_sparse_rows():
    X = csr_array(np.array([[0, 1.0], [0, 0], [0, 1]]))
    X.data[1] = 1
    assert row_codes(X).tolist() == [0, 1, 0]


def test_rows_on_the_disk_are_read_by_blocks(mapped, sliceable, monkeypatch):
    monkeypatch.setattr(_row_hash, "BLOCK_WORDS", 50)
    X = np.random.default_rng(0).integers(0, 3, size=(100, 2, 2))
    expected = first_equal(X)
    for rows in (mapped(X), OnDisk(mapped(X)), (source := sliceable(X))):
        assert row_codes(rows).tolist() == expected
    assert max(stop - start for start, stop in source.reads) < 100


def test_tables_of_many_kinds_of_columns():
    table = pd.DataFrame(
        {
            "number": [0.0, -0.0, 1, np.nan, np.nan],
            "long": np.array([2**60, 2**60, 2**60 + 1, 0, 0]),
            "nullable": pd.array([1, 1, 2, None, None], dtype="Int64"),
            "category": pd.Categorical(["a", "a", "b", None, None]),
            "text": ["x", "x", "y", None, np.nan],
            "object": pd.Series([1, 1.0, "1", None, pd.NA], dtype=object),
            "date": pd.to_datetime(["2020-01-01", "2020-01-01", "2020-01-02", None, None]),
            "zoned": pd.to_datetime(["2020-01-01"] * 2 + ["2020-01-02"] + [None] * 2, utc=True),
            "duration": pd.to_timedelta([1, 1, 2, None, None], unit="s"),
            "flag": [True, True, False, False, False],
        }
    )
    table.index = [5, 5, 3, 2, 1]
    assert row_codes(table).tolist() == [0, 0, 2, 3, 3]
    for name in table:
        found = row_codes(table[[name]]).tolist()
        assert found in ([0, 0, 2, 3, 3], [0, 0, 2, 2, 2]), name  # False comes three times
    assert row_codes(table["text"]).tolist() == [0, 0, 2, 3, 3]


def test_long_ids_beside_floats_are_not_rounded():
    table = pd.DataFrame({"id": [2**60, 2**60 + 1], "x": [0.5, 0.5]})
    assert row_codes(table).tolist() == [0, 1]


# --- several sets ---------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(X=arrays(), cut=st.floats(0, 1))
def test_sets_are_numbered_like_one(X, cut):
    at = min(max(int(cut * len(X)), 1), len(X) - 1)
    if at > 0:
        first, second = joint_row_codes(X[:at], X[at:])
        assert [*first, *second] == first_equal(X)


def test_sets_of_different_types_are_compared_by_value():
    first, second = joint_row_codes(np.array([[1], [2]], np.uint8), torch.tensor([[2.0], [0.5]]))
    assert (first.tolist(), second.tolist()) == ([0, 1], [1, 3])
    texts, numbers = joint_row_codes(np.array([["1"], ["2"]]), np.array([[1], [2]]))
    assert [*texts, *numbers] == [0, 1, 2, 3]


def test_tables_are_compared_by_the_names_of_their_columns():
    first = pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["u", "v"])})
    second = pd.DataFrame({"b": pd.Categorical(["w", "v"]), "a": [1.0, 2.0]})
    assert joint_row_codes(first, second)[1].tolist() == [2, 1]


def test_three_sets():
    assert [codes.tolist() for codes in joint_row_codes([1, 2], [2, 3], [3, 1])] == [
        [0, 1],
        [1, 3],
        [3, 0],
    ]


# --- what is said when something is wrong ---------------------------------------------------


def not_alike(expected, got):
    return exactly(
        f"The rows cannot be compared. Expected {expected}; got {got}. "
        "Bring the data into one form."
    )


@pytest.mark.parametrize(
    ("sets", "expected", "got"),
    [
        (([[1, 2]], [[1]]), "rows of one shape", "(1,) and (2,)"),
        ((3,), "an array with rows", "a single value"),
        ((pd.DataFrame({"a": [1]}), [[1]]), "all sets as tables, or none", "some of each"),
        (
            (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
            "the same columns in all tables",
            "['a', 'b'] in some",
        ),
        (
            (pd.DataFrame({"a": [[1], [2]]}),),
            "entries that can be hashed",
            "unhashable type: 'list'",
        ),
    ],
)
def test_what_cannot_be_compared(sets, expected, got):
    with pytest.raises(ValueError, match=not_alike(expected, got)):
        joint_row_codes(*sets)


def test_ragged_lists():
    with pytest.raises(ValueError, match="Expected rows of one length; got setting an array"):
        row_codes([[1, 2], [3]])


@pytest.mark.parametrize("X", [np.zeros((0, 3)), [], pd.DataFrame({"a": []})])
def test_no_rows(X):
    with pytest.raises(
        ValueError,
        match=exactly(
            "There is nothing to compare. Expected at least one row in each set; got none. "
            "Check how the data were loaded."
        ),
    ):
        row_codes(X)
