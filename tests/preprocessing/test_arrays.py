import re

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator

from sknn_tricks import OnDisk
from sknn_tricks.preprocessing import _arrays
from sknn_tricks.preprocessing._arrays import ArrayRows, DiskRows, TensorRows, check_rows


class Doubled:
    """A step whose output has another shape; it notes what it is given."""

    def __init__(self):
        self.seen = []

    def __call__(self, block):
        self.seen.append(len(block))
        return 2.0 * block.reshape(len(block), -1)

    def identity(self):
        return ["doubled"]


def data(dtype="float32", shape=(50, 4, 3)):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


def kinds(X, mapped, sliceable):
    return {
        "array": X,
        "list": X.tolist(),
        "tensor": torch.from_numpy(X),
        "memmap": mapped(X),
        "OnDisk": OnDisk(mapped(X)),
        "sliceable": sliceable(X),
    }


KINDS = ("array", "list", "tensor", "memmap", "OnDisk", "sliceable")
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_blocks_are_all_rows_in_order(kind, mapped, sliceable, monkeypatch):
    monkeypatch.setattr(_arrays, "BLOCK", 7 * 12)
    X = data()
    rows = check_rows(kinds(X, mapped, sliceable)[kind])
    assert (rows.shape, rows.row_shape, len(rows)) == ((50, 4, 3), (4, 3), 50)
    for n_rows, size in ((None, 7), (13, 13)):
        parts, blocks = zip(*rows.blocks(np.float64, n_rows), strict=True)
        assert [part.start for part in parts] == list(range(0, 50, size))
        assert {block.dtype for block in blocks} == {np.dtype("float64")}
        np.testing.assert_array_equal(np.concatenate(blocks), X)


@every_kind
def test_a_step_gives_the_kind_that_came_in(kind, mapped, sliceable, monkeypatch):
    monkeypatch.setattr(_arrays, "BLOCK", 7 * 12)
    X = data()
    rows = check_rows(kinds(X, mapped, sliceable)[kind])
    out = rows.map(step := Doubled(), (12,), "float32")
    expected = {"tensor": torch.Tensor, "OnDisk": OnDisk}.get(kind, np.ndarray)
    assert type(out) is expected
    assert step.seen == ([] if kind == "OnDisk" else [7] * 7 + [1])
    np.testing.assert_array_equal(np.asarray(out), 2 * X.reshape(50, -1))
    assert np.asarray(out).dtype == np.float32
    assert tuple(out.shape) == (50, 12)


def test_which_kinds_are_in_memory(mapped, sliceable):
    found = {kind: check_rows(X) for kind, X in kinds(data(), mapped, sliceable).items()}
    assert isinstance(found["array"], ArrayRows)
    assert isinstance(found["tensor"], TensorRows)
    assert isinstance(found["memmap"], DiskRows)
    assert [kind for kind, rows in found.items() if not rows.in_memory] == [
        "memmap",
        "OnDisk",
        "sliceable",
    ]


@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_what_is_in_memory_is_not_copied(kind, mapped, sliceable):
    X = data()
    rows = check_rows(kinds(X, mapped, sliceable)[kind])
    assert np.shares_memory(rows.read(3, 9), X)


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        ("uint8", "uint8"),
        ("bool", "bool"),
        ("int16", "int16"),
        ("int32", "float64"),
        ("float16", "float16"),
        ("float32", "float32"),
        ("object", "float64"),
    ],
)
def test_types(dtype, kept):
    assert check_rows(data("uint8").astype(dtype)).dtype == kept


def test_an_estimator_learns_and_checks_the_number_of_features(mapped, sliceable):
    for X in kinds(data(shape=(50, 4)), mapped, sliceable).values():
        estimator = BaseEstimator()
        check_rows(X, estimator=estimator, reset=True)
        assert estimator.n_features_in_ == 4
        with pytest.raises(ValueError, match="X has 3 features, but BaseEstimator is expecting 4"):
            check_rows(np.zeros((5, 3)), estimator=estimator)


@every_kind
def test_rows_of_another_shape(kind, mapped, sliceable):
    X = kinds(data(), mapped, sliceable)[kind]
    check_rows(X, row_shape=(4, 3))
    text = (
        "The rows of X have another shape than those of fit. Expected (12,); got (4, 3). "
        "Reshape X, or fit again."
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        check_rows(X, row_shape=(12,))


@every_kind
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("allow_nan", [True, False])
def test_numbers_that_are_not_finite(kind, value, allow_nan, mapped, sliceable):
    X = data()
    X[20, 1, 1] = value
    X = kinds(X, mapped, sliceable)[kind]
    if allow_nan and np.isnan(value):
        assert len(list(check_rows(X, allow_nan=True).blocks())) == 1
        return
    with pytest.raises(ValueError, match=r"Input X contains|Row 20 of X holds a number"):
        list(check_rows(X, allow_nan=allow_nan).blocks())


def test_a_sum_that_overflows_is_no_infinity():
    X = torch.full((3, 2), 1e308, dtype=torch.float64)
    np.testing.assert_array_equal(check_rows(X).read(0, 3), X)


@pytest.mark.parametrize(
    "X",
    [
        torch.zeros(3, 2, requires_grad=True),
        torch.zeros(3),
        torch.zeros(3, 0),
        torch.zeros(3, 2, dtype=torch.complex64),
        torch.zeros(3, 2).to_sparse(),
    ],
    ids=["gradient", "one axis", "no features", "complex", "sparse"],
)
def test_tensors_that_are_no_rows_of_numbers(X):
    with pytest.raises(
        ValueError, match=r"^X is a tensor that cannot be transformed\. Expected dense"
    ):
        check_rows(X)


def test_the_text_for_a_tensor_with_a_gradient():
    text = (
        "X is a tensor that cannot be transformed. Expected dense rows of numbers, (N, D) or "
        "(N, ...), without gradient; got torch.float32, shape (3, 2), requires_grad=True. "
        "Reshape it, or use X.detach() or X.to_dense()."
    )
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        check_rows(torch.zeros(3, 2, requires_grad=True))


def test_too_few_rows(mapped):
    text = "X has too few rows. Expected at least 2; got 1. Give it more data."
    for X in (torch.zeros(1, 2), mapped(np.ones((1, 2)))):
        with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
            check_rows(X, min_rows=2)
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        check_rows(np.ones((1, 2)), min_rows=2)


def test_rows_on_the_disk_that_are_no_numbers(mapped):
    with pytest.raises(ValueError, match="X on the disk does not hold numbers"):
        check_rows(mapped(np.array([["a", "b"]])))
    with pytest.raises(ValueError, match="X on the disk has the wrong shape"):
        check_rows(mapped(np.ones(3)))


def test_what_is_too_large_for_float32_is_infinite_without_a_warning(mapped):
    class Huge(Doubled):
        def __call__(self, block):
            return block * np.float64(1e300)

    for X in (data(), OnDisk(mapped(data()))):
        out = np.asarray(check_rows(X).map(Huge(), (4, 3), "float32"))
        assert np.isinf(out).any()
