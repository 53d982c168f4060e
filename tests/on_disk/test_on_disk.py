import io
import os
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.model_selection import KFold, StratifiedKFold, check_cv, train_test_split
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import _num_samples

from sknn_tricks import OnDisk
from sknn_tricks.on_disk._on_disk import as_on_disk
from sknn_tricks.on_disk._readers import OF_JOBLIB, FileRows, SlicedRows


def numbers(*shape, dtype="float32"):
    return np.random.default_rng(0).integers(0, 200, size=shape).astype(dtype)


# --- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "view",
    [
        np.s_[:],
        np.s_[10:],
        np.s_[3:40:7],
        np.s_[:, 2:5],
        np.s_[5:, ::3],
        np.s_[:, 4],
        np.s_[20:21],
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float32", "uint8", ">f8"])
@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_memmap_is_read_from_its_file(mapped, view, dtype, mode):
    array = numbers(60, 6, dtype=dtype)
    rows = OnDisk(mapped(array, mode)[view])
    assert isinstance(rows._rows, FileRows)
    assert rows.shape == array[view].shape
    assert rows.dtype == array.dtype
    np.testing.assert_array_equal(rows, array[view])
    np.testing.assert_array_equal(rows.read(0, 1), array[view][:1])


def test_a_view_that_is_no_memmap_any_more_is_read_from_the_file_too(mapped):
    array = numbers(60, 6)
    rows = OnDisk(np.asarray(mapped(array))[10:].reshape(-1, 3, 2))
    assert isinstance(rows._rows, FileRows)
    np.testing.assert_array_equal(rows, array[10:].reshape(-1, 3, 2))


def test_a_file_with_a_header(tmp_path):
    array = numbers(50, 3, 2, dtype="int16")
    np.save(tmp_path / "x.npy", array)
    rows = OnDisk(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert isinstance(rows._rows, FileRows)
    np.testing.assert_array_equal(rows, array)


@pytest.mark.parametrize("view", [np.s_[::-1], np.s_[:, ::-1], np.s_[:0]], ids=str)
def test_what_no_file_read_can_give_is_read_through_the_mapping(mapped, view):
    array = numbers(60, 6)
    rows = OnDisk(mapped(array)[view])
    assert isinstance(rows._rows, SlicedRows)
    np.testing.assert_array_equal(rows, array[view])


def test_columns_that_lie_one_after_the_other_are_read_through_the_mapping(mapped):
    array = numbers(6, 60)
    rows = OnDisk(mapped(array).T)
    assert isinstance(rows._rows, SlicedRows)
    np.testing.assert_array_equal(rows, array.T)


def test_what_was_written_to_a_copy_on_write_map_is_seen(mapped):
    X = mapped(numbers(60, 6), "c")
    X[5] = -1
    np.testing.assert_array_equal(OnDisk(X), X)


def test_what_was_written_to_a_map_a_moment_ago_is_seen(mapped):
    X = mapped(numbers(60, 6), "r+")
    X[5] = -1
    assert (np.asarray(OnDisk(X))[5] == -1).all()


def test_a_file_that_was_replaced_since_it_was_mapped_is_not_read(mapped, tmp_path):
    array = numbers(60, 6)
    X = mapped(array)
    (array + 1).tofile(tmp_path / "other")
    os.replace(tmp_path / "other", X.filename)
    np.testing.assert_array_equal(OnDisk(X), array)
    os.unlink(X.filename)
    np.testing.assert_array_equal(OnDisk(X), array)


def test_a_file_that_shrinks_is_told_of(mapped):
    rows = OnDisk(X := mapped(numbers(60, 6)))
    os.truncate(X.filename, 100)
    with pytest.raises(OSError, match=r"ends within the data. Expected 1440 more bytes; got 100"):
        np.asarray(rows)


def test_an_object_is_read_by_slices(sliceable):
    array = numbers(60, 2, 3)
    rows = OnDisk(sliceable(array))
    assert (rows.shape, rows.ndim, rows.dtype) == ((60, 2, 3), 3, np.dtype("float32"))
    np.testing.assert_array_equal(rows, array)


def test_an_object_may_read_from_another(sliceable):
    class Scaled:
        shape, dtype = (60, 2), np.dtype("float32")

        def __init__(self, rows):
            self.rows = rows

        def __getitem__(self, key):
            return self.rows.read(key.start, key.stop) / 2

    array = numbers(60, 2)
    np.testing.assert_array_equal(OnDisk(Scaled(OnDisk(sliceable(array)))), array / 2)


# --- indexing -----------------------------------------------------------------------------------

KEYS = [
    slice(None),
    slice(5, 20),
    slice(None, None, -2),
    slice(3, 50, 4),
    [],
    [3, 1, 1, 58],
    [-1, -60, 0],
    np.arange(60) % 3 == 0,
    np.random.default_rng(0).permutation(60),
    np.random.default_rng(0).integers(60, size=100),
    np.array([7], np.uint8),
    ([2, 5], ...),
]


@pytest.mark.parametrize("kind", ["file", "slices"])
@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_an_index_gives_the_rows_that_an_array_gives(mapped, kind, key, sliceable):
    array = numbers(60, 6)
    rows = OnDisk(mapped(array) if kind == "file" else sliceable(array))
    part = rows[key]
    assert isinstance(part, OnDisk)
    assert part.shape == array[key].shape
    np.testing.assert_array_equal(part, array[key])
    np.testing.assert_array_equal(part.read(1, 3), array[key][1:3])
    index = key[0] if isinstance(key, tuple) else key
    assert [part.number(i) for i in range(len(part))] == np.arange(60)[index].tolist()


def test_parts_of_parts(sliceable):
    array = numbers(60, 6)
    rows = OnDisk(sliceable(array))
    index = np.random.default_rng(1).permutation(20)
    np.testing.assert_array_equal(
        rows[5:45:2][index][::3][[0, -1]], array[5:45:2][index][::3][[0, -1]]
    )
    np.testing.assert_array_equal(rows[index][[3, 3]][::-1], array[index][[3, 3]][::-1])


def test_one_row(sliceable):
    array = numbers(60, 6)
    rows = OnDisk(sliceable(array))
    np.testing.assert_array_equal(rows[3], array[3])
    np.testing.assert_array_equal(rows[-1], array[-1])
    np.testing.assert_array_equal(rows[[7, 5]][1], array[5])
    assert len(list(rows)) == 60


def test_an_index_reads_nothing(sliceable):
    data = sliceable(numbers(60, 6))
    OnDisk(data)[[5, 2]][::-1][np.array([True, False])]
    assert data.reads == []


def test_a_fold_keeps_the_index_that_it_was_given(sliceable):
    index = np.arange(0, 60, 2)
    assert OnDisk(sliceable(numbers(60, 6)))[index]._numbers is index


def test_rows_that_are_not_far_apart_are_read_at_once(sliceable):
    data = sliceable(numbers(10_000, 100))
    assert OnDisk(data)[[9_000, 9_003, 40, 20, 21]].read(0, 5).shape == (5, 100)
    assert data.reads == [(20, 41), (9_000, 9_004)]


def test_far_apart_rows_do_not_bring_all_between_them_along(sliceable):
    data = sliceable(numbers(10_000, 100))
    np.asarray(OnDisk(data)[::100])
    assert max(stop - start for start, stop in data.reads) == 1


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (np.s_[:, 1], "Rows on the disk cannot be indexed so"),
        (np.s_[1, 2, 3], "Rows on the disk cannot be indexed so"),
        ([1.5], "got list"),
        ([[1, 2]], "Rows on the disk cannot be indexed so"),
        ("column", "got str"),
        (np.ones(5, bool), "The mask has another length than the rows. Expected 60; got 5"),
        ([60], "There is no such row. Expected numbers below 60; got 60 to 60"),
        ([-61], "There is no such row"),
    ],
)
def test_an_index_that_is_none(key, text, sliceable):
    with pytest.raises(IndexError, match=text):
        OnDisk(sliceable(numbers(60, 6)))[key]


def test_rows_close_to_each_other_are_not_all_read_at_once(sliceable):
    data = sliceable(array := numbers(10_000, 100))
    np.testing.assert_array_equal(OnDisk(data)[::2], array[::2])
    assert len(data.reads) == 4
    assert max(stop - start for start, stop in data.reads) <= 2**18 / 100


def test_the_order_of_the_disk(sliceable):
    rows = OnDisk(sliceable(numbers(60, 6)))
    assert rows.reading_order() is None
    assert rows[::2].reading_order() is None
    assert rows[[1, 1, 5]].reading_order() is None
    assert rows[[5, 1, 1]].reading_order().tolist() == [1, 2, 0]
    assert rows[::-1].reading_order().tolist() == list(range(59, -1, -1))


def test_an_array_of_another_type_or_a_copy():
    rows = OnDisk(array := numbers(60, 6))
    assert np.asarray(rows, dtype="float64").dtype == "float64"
    assert not np.shares_memory(np.array(rows), array)
    with pytest.raises(ValueError, match="without a copy"):
        np.array(rows, copy=False)


# --- changed when they are read -----------------------------------------------------------------


class Times:
    """A function that can be told from others."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, rows):
        return rows[:, :2] * self.factor

    def identity(self):
        return ["times", self.factor]


def test_rows_are_changed_when_they_are_read(sliceable):
    data = sliceable(array := numbers(60, 6))
    rows = OnDisk(data)[10:50]
    changed = rows.map(Times(0.5), (2,), "float64")
    assert (changed.shape, changed.dtype, changed.ndim) == ((40, 2), np.dtype("float64"), 2)
    assert (rows.shape, rows.dtype) == ((40, 6), np.dtype("float32"))
    assert data.reads == []
    expected = array[10:50, :2] / 2
    np.testing.assert_array_equal(changed, expected)
    np.testing.assert_array_equal(changed[3], expected[3])
    np.testing.assert_array_equal(changed[[30, 2, 2]].read(1, 3), expected[[2, 2]])
    twice = changed[::-1].map(Times(4), (2,), "float32")
    np.testing.assert_array_equal(twice, 4 * expected[::-1])


def test_a_function_gets_only_the_rows_that_are_wanted(sliceable):
    seen = []

    def note(rows):
        seen.append(len(rows))
        return rows

    array = numbers(10_000, 100)
    changed = OnDisk(sliceable(array)).map(note, (100,), "float32")
    np.testing.assert_array_equal(changed[::2], array[::2])
    assert sum(seen) == 5000
    assert max(seen) <= 2**16 / 100


def test_which_changed_rows_are_the_same(mapped):
    rows = OnDisk(mapped(numbers(60, 6)))
    times = Times(2)
    half = rows.map(times, (2,), "float32")
    same = [half, rows.map(times, (2,), "float32"), rows.map(Times(2), (2,), "float32")]
    others = [
        rows,
        rows.map(Times(3), (2,), "float32"),
        rows.map(times, (2,), "float64"),
        half.map(times, (2,), "float32"),
        half[1:],
    ]
    for other in same:
        assert half.is_same(other)
        assert half.identity() == other.identity()
    for other in others:
        assert not half.is_same(other)
        assert not other.is_same(half)
        assert half.identity() != other.identity()


def test_changed_rows_travel_if_the_function_can_be_told_from_others(mapped, sliceable):
    array = numbers(60, 6)
    changed = OnDisk(mapped(array)).map(Times(2), (2,), "float32")
    assert changed.can_travel
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(changed)), 2 * array[:, :2])
    assert not OnDisk(sliceable(array)).map(Times(2), (2,), "float32").can_travel
    unknown = OnDisk(mapped(array)).map(lambda rows: rows, (6,), "float32")
    assert not unknown.can_travel
    assert unknown.identity() is None
    assert unknown.is_same(unknown[:])


def test_what_a_function_gives_must_be_rows_of_the_shape_that_was_said(mapped):
    changed = OnDisk(mapped(numbers(60, 6))).map(Times(2), (3,), "float32")
    with pytest.raises(ValueError, match="could not broadcast"):
        np.asarray(changed)


# --- in scikit-learn ----------------------------------------------------------------------------


def test_scikit_learn_takes_it_for_what_can_be_indexed(sliceable):
    data = sliceable(array := numbers(60, 6))
    rows, y = OnDisk(data), np.arange(60) % 2
    assert indexable(rows, y)[0] is rows
    assert _num_samples(rows) == 60
    for index in (np.array([4, 2]), [4, 2], np.arange(60) < 5, slice(3, 9)):
        part = _safe_indexing(rows, index)
        assert isinstance(part, OnDisk)
        np.testing.assert_array_equal(part, array[index])
    data.reads.clear()
    for cv in (KFold(3), StratifiedKFold(3, shuffle=True, random_state=0), check_cv(4, y)):
        assert sum(len(test) for _, test in cv.split(rows, y)) == 60
    parts = train_test_split(rows, y, random_state=0)
    assert [len(part) for part in parts] == [45, 15, 45, 15]
    assert isinstance(parts[0], OnDisk)
    assert data.reads == []


# --- on their way, and their identity -----------------------------------------------------------


def test_a_memmap_travels_by_the_name_of_its_file(mapped):
    rows = OnDisk(mapped(array := numbers(6000, 60)))
    packed = pickle.dumps(rows)
    assert len(packed) < 1000
    assert rows.can_travel
    np.testing.assert_array_equal(pickle.loads(packed)[5:9], array[5:9])


def test_an_object_may_not_travel(sliceable):
    assert not OnDisk(sliceable(numbers(60, 6))).can_travel


def test_the_identity_changes_with_all_that_the_rows_depend_on(mapped):
    X = mapped(numbers(60, 6), "r+")
    views = [X, X[1:], X[:, 1:], X.view(np.int32), mapped(numbers(60, 6))]
    parts = [OnDisk(X)[key] for key in (slice(2, 9), slice(2, 9, 2), [2, 3], [3, 2])]
    identities = [rows.identity() for rows in (*map(OnDisk, views), *parts)]
    os.utime(X.filename, ns=(1, 1))
    identities.append(OnDisk(X).identity())
    assert len({str(identity) for identity in identities}) == len(identities)
    assert OnDisk(X).identity() == OnDisk(X).identity() == OnDisk(X)[:].identity()


def test_nothing_identifies_a_file_that_is_gone(mapped):
    rows = OnDisk(X := mapped(numbers(60, 6)))
    os.unlink(X.filename)
    assert rows.identity() is None


def test_nothing_identifies_an_object(sliceable):
    assert OnDisk(sliceable(numbers(60, 6))).identity() is None


def test_the_same_rows_are_known_again(mapped, sliceable):
    X, data = mapped(numbers(60, 6)), sliceable(numbers(60, 6))
    index = np.arange(9)
    assert OnDisk(X)[index].is_same(OnDisk(X)[index.copy()])
    assert OnDisk(data)[index].is_same(OnDisk(data)[:9])
    assert not OnDisk(X).is_same(OnDisk(X)[1:])
    assert not OnDisk(X)[[1, 2]].is_same(OnDisk(X)[[2, 1]])
    assert not OnDisk(X).is_same(OnDisk(data))
    assert not OnDisk(data).is_same(OnDisk(sliceable(numbers(60, 6))))


def test_memory_that_it_takes(mapped):
    rows = OnDisk(mapped(numbers(60, 6)))
    assert (rows.nbytes, rows[3:].nbytes, rows[[1, 2]].nbytes) == (0, 0, 16)


# --- what is on the disk ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "X",
    [
        np.ones((3, 2)),
        [[1.0]],
        pd.DataFrame({"a": [1.0]}),
        pd.Series([1.0]),
        torch.ones(3, 2),
        sparse.csr_array(np.eye(3)),
        np.float64(3),
        np.ma.masked_array(np.ones((3, 2))),
        None,
        "text",
    ],
    ids=lambda X: type(X).__name__,
)
def test_what_is_in_memory_stays_as_it_is(X):
    assert as_on_disk(X) is None


def test_what_is_not_in_memory(mapped, sliceable):
    X = mapped(numbers(60, 6))
    for each in (X, X[3:], np.asarray(X), sliceable(numbers(60, 6)), OnDisk(X)):
        assert isinstance(as_on_disk(each), OnDisk)
    assert as_on_disk(X + 1) is None
    assert as_on_disk(X.copy()) is None


def test_what_joblib_maps_for_its_processes_was_in_memory(mapped, tmp_path):
    X = mapped(numbers(60, 6))
    folder = tmp_path / f"{OF_JOBLIB}1"
    folder.mkdir()
    path = shutil.copy(X.filename, folder)
    assert as_on_disk(np.memmap(path, "float32", "r", shape=(60, 6))) is None


@pytest.mark.parametrize("data", [[[1.0]], io.BytesIO(b"1"), torch.ones(2, 2)])
def test_data_without_rows(data):
    with pytest.raises(
        TypeError, match=r"The data cannot be read by rows. Expected a numpy.memmap"
    ):
        OnDisk(data)
