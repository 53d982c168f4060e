import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.sparse import coo_array, csc_array, csr_array

from sknn_tricks import OnDisk
from sknn_tricks.on_disk import _on_disk
from sknn_tricks.tracking.artifacts import _digest
from sknn_tricks.tracking.artifacts._digest import digest_of, digest_of_splits

_TYPES = ["bool", "int8", "uint16", "int64", "float32", "float64", "U3", "M8[s]"]


@given(st.data(), st.sampled_from(_TYPES))
@settings(deadline=None)
def test_any_other_value_is_another_digest(data, dtype):
    X = data.draw(arrays(dtype, array_shapes(min_dims=1, max_dims=3, max_side=4)))
    other = X.copy()
    place = data.draw(st.integers(0, X.size - 1))
    bits = other.view(f"V{X.itemsize}").ravel()
    changed = bytearray(bits[place].tobytes())
    changed[0] ^= 1
    bits[place] = np.void(bytes(changed))
    assert digest_of(other) != digest_of(X)
    assert digest_of(X.copy(order="F")) == digest_of(X)


@given(arrays("float32", st.tuples(st.integers(2, 6), st.integers(1, 3))), st.randoms())
@settings(deadline=None)
def test_folds_are_told_by_their_rows_and_their_order(X, random):
    rows = list(range(len(X)))
    random.shuffle(rows)
    fold = (rows[:1], rows[1:])
    mask = np.isin(np.arange(len(X)), rows[:1])
    sorted_fold = (sorted(fold[0]), sorted(fold[1]))
    assert digest_of_splits([(mask, ~mask)]) == digest_of_splits([sorted_fold])
    assert digest_of_splits([fold, fold[::-1]]) != digest_of_splits([fold[::-1], fold])
    assert digest_of_splits([(fold[0], fold[1][::-1])]) != digest_of_splits([fold]) or len(X) == 2


def test_a_row_that_moves_to_the_next_fold_is_seen():
    assert digest_of_splits([([0], [1, 2])]) != digest_of_splits([([0, 1], [2])])


def test_the_same_rows_however_they_are_held(mapped, sliceable, monkeypatch):
    monkeypatch.setattr(_digest, "_AT_ONCE", 100)  # in several pieces
    monkeypatch.setattr(_digest, "_AT_ONCE_FROM_DISK", 250)
    X = np.random.default_rng(0).normal(size=(50, 3))
    held = [X.tolist(), X[::-1][::-1], torch.tensor(X), mapped(X), OnDisk(mapped(X)), sliceable(X)]
    assert {digest_of(each) for each in held} == {digest_of(X)}
    assert digest_of(OnDisk(mapped(X))[::2]) == digest_of(X[::2])


def test_type_shape_and_order_count():
    X = np.arange(12.0).reshape(4, 3)
    others = [X, X.astype("float32"), X.reshape(3, 4), X[::-1], X[:, ::-1], X[:3], -X]
    assert len({digest_of(each).sha256 for each in others}) == len(others)


def test_sparse_rows_in_any_format():
    X = np.eye(5, 3)
    twice = coo_array((np.r_[0.5, np.ones(2), 0.5], ([0, 1, 2, 0], [0, 1, 2, 0])), (5, 3))
    found = {digest_of(kind(X)) for kind in (csr_array, csc_array, coo_array)}
    assert found == {digest_of(twice)}
    assert digest_of(csr_array(2 * X)) not in found
    assert digest_of(csr_array(X[::-1])) not in found


def _table(**changed):
    columns = {
        "size": [1.5, np.nan, 2.0],
        "n": pd.array([1, None, 3], dtype="Int64"),
        "day": pd.to_datetime(["2020-01-01", "2020-01-02", None]),
        "kind": pd.Categorical(["a", "b", "a"]),
        "note": ["x", None, "é"],
    }
    return pd.DataFrame({**columns, **changed})


def test_tables():
    table = _table()
    others = [
        table,
        _table(size=[1.5, np.nan, 2.5]),
        _table(n=pd.array([1, 2, 3], dtype="Int64")),
        _table(day=pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"])),
        _table(kind=pd.Categorical(["b", "a", "b"])),
        _table(note=["x", None, "e"]),
        table.rename(columns={"size": "Size"}),
        table[["n", "size", "day", "kind", "note"]],
        table.iloc[::-1],
    ]
    assert len({digest_of(each).sha256 for each in others}) == len(others)
    assert digest_of(table.set_index(pd.Index([7, 8, 9]))) == digest_of(table.copy())
    assert digest_of(table["size"]) == digest_of(table[["size"]])


def test_other_processes_found_the_same():
    found = digest_of([["ab", 1.5, None], ["c", 2, True]]).sha256
    assert found == "1c764854f2e39eb2b1b101d35298728f0172ead9067de46ebbee3f8566b70aa7"


def test_objects_are_not_told_by_where_they_lie():
    class Thing:
        pass

    assert digest_of([Thing()]) == digest_of([Thing()])


def test_large_data_are_told_by_some_rows(monkeypatch, sliceable, mapped):
    monkeypatch.setattr(_on_disk, "READ_ALONG", 0)
    monkeypatch.setattr(_digest, "READ_WHOLE", 1000)
    monkeypatch.setattr(_digest, "ROWS", 5)
    monkeypatch.setattr(_digest, "ROWS_TO_UNPACK", 3)
    X = np.random.default_rng(0).normal(size=(101, 2))
    found = digest_of(X)
    assert found.rows == "5 at equal distances"
    changed = X.copy()
    changed[[0, 25, 50, 75, 100]] += 1
    assert digest_of(changed) != found
    changed = X.copy()
    changed[30] += 1
    assert digest_of(changed) == found  # which is why it says so
    assert digest_of(X[:-1]) != found
    assert digest_of(mapped(X)) == found
    rows = sliceable(X)
    assert digest_of(rows).rows == "3 at equal distances"
    assert sum(stop - start for start, stop in rows.reads) == 3
    assert digest_of(pd.DataFrame(X)).rows == "5 at equal distances"
    assert digest_of(csr_array(X)).rows == "5 at equal distances"


def test_objects_count_for_more_than_their_addresses(monkeypatch):
    monkeypatch.setattr(_digest, "READ_WHOLE", 10_000)
    numbers = np.zeros((100, 10))
    for rows in (numbers, pd.DataFrame(numbers), numbers[:5].astype(object)):
        assert digest_of(rows).rows == "all"
    texts = pd.DataFrame({"a": ["x"] * 100})
    for rows in (numbers.astype(object), texts, texts.astype("category")):
        assert digest_of(rows).rows.endswith("at equal distances")


def test_few_large_rows_are_bearable_too(monkeypatch):
    monkeypatch.setattr(_digest, "READ_WHOLE", 8000)
    assert digest_of(np.zeros((40, 1000))).rows == "2 at equal distances"


@pytest.mark.parametrize("X", [np.zeros((0, 3)), np.zeros((3, 0)), [], pd.DataFrame()])
def test_nothing_has_a_digest_too(X):
    assert digest_of(X).rows == "all"


def test_rows_of_several_lengths_are_refused():
    with pytest.raises(ValueError, match=r"^The rows cannot be compared"):
        digest_of([[1], [1, 2]])
