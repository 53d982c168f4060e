"""New rows by a function of the user's."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_digits

from sknn_tricks import ImageFolder, OnDisk
from sknn_tricks.augment import Augment, Flip
from sknn_tricks.resampling import AugmentedOverSampler, RandomOverSampler


def shift(images, random_state):
    """Move images by up to one pixel."""
    by = random_state.integers(-1, 2, size=(len(images), 2))
    return np.stack([np.roll(x, tuple(s), (0, 1)) for x, s in zip(images, by, strict=True)])


@pytest.fixture
def digits():
    """Images (N, 8, 8) of the digits 0 and 1, few ones."""
    data = load_digits(n_class=2)
    rows = np.concatenate([np.flatnonzero(data.target == 0), np.flatnonzero(data.target == 1)[:20]])
    return data.images[rows].astype("float32"), data.target[rows]


def test_new_rows_are_those_the_function_made(digits):
    X, y = digits
    given = []

    def negative(images, random_state):
        given.append(images.copy())
        return -images

    sampler = AugmentedOverSampler(negative, random_state=0)
    X_new, y_new = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(X_new[: len(X)], X)
    np.testing.assert_array_equal(X_new[len(X) :], -X[sampler.sample_indices_[len(X) :]])
    np.testing.assert_array_equal(y_new, y[sampler.sample_indices_])
    assert len(given) == 1
    assert np.bincount(y_new).tolist() == [178, 178]


def test_it_draws_the_rows_that_the_plain_sampler_does(digits):
    augmented = AugmentedOverSampler(shift, random_state=3).fit(*digits)
    plain = RandomOverSampler(random_state=3).fit(*digits)
    np.testing.assert_array_equal(augmented.sample_indices_, plain.sample_indices_)


def test_random_state_decides(digits):
    sampler = AugmentedOverSampler(shift, random_state=0)
    first, again = (clone(sampler).fit_resample(*digits)[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = sampler.set_params(random_state=1).fit_resample(*digits)[0]
    assert not np.array_equal(first, other)


def test_a_random_state_goes_on(digits):
    sampler = AugmentedOverSampler(shift, random_state=np.random.RandomState(0))
    first, second = (sampler.fit_resample(*digits)[0] for _ in range(2))
    assert not np.array_equal(first, second)


def test_a_function_that_works_in_place_leaves_the_old_rows(digits):
    X, y = digits
    before = X.copy()

    def blank(images, random_state):
        images[:] = 0
        return images

    X_new, _ = AugmentedOverSampler(blank, random_state=0).fit_resample(X, y)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(X_new[: len(X)], before)
    assert not X_new[len(X) :].any()


def test_weights_are_those_of_the_rows_they_were_made_from(digits):
    X, y = digits
    sampler = AugmentedOverSampler(shift, random_state=0)
    weights = np.arange(len(y), dtype=float)
    _, _, new = sampler.fit_resample(X, y, sample_weight=weights)
    np.testing.assert_array_equal(new, weights[sampler.sample_indices_])


def test_nothing_is_asked_of_the_function_where_classes_are_balanced(digits):
    X, y = digits
    rows = np.concatenate([np.flatnonzero(y == 0)[:20], np.flatnonzero(y == 1)])
    X_new, _ = AugmentedOverSampler(pytest.fail, random_state=0).fit_resample(X[rows], y[rows])
    np.testing.assert_array_equal(X_new, X[rows])


def test_floats_are_cast_to_those_of_the_data(digits):
    X, y = digits
    sampler = AugmentedOverSampler(lambda X, rng: X + rng.normal(size=X.shape), random_state=0)
    assert sampler.fit_resample(X, y)[0].dtype == np.float32


@pytest.mark.parametrize("kind", ["tensor", "table", "sparse", "list", "disk"])
def test_the_function_gets_the_container_of_the_data(digits, kind, tmp_path):
    X, y = digits
    flat = X.reshape(len(X), -1)
    if kind == "disk":
        np.save(tmp_path / "X.npy", X)
    made = {
        "tensor": lambda: torch.as_tensor(X),
        "table": lambda: pd.DataFrame(flat).rename(columns=str),
        "sparse": lambda: scipy.sparse.csr_array(flat),
        "list": lambda: flat.tolist(),
        "disk": lambda: OnDisk(np.load(tmp_path / "X.npy", mmap_mode="r")),
    }[kind]()
    seen = []

    def same(rows, random_state):
        seen.append(type(rows))
        return rows

    X_new, _ = AugmentedOverSampler(same, random_state=0).fit_resample(made, y)
    expected = np.ndarray if kind == "disk" else type(made)
    assert seen == [expected]
    assert type(X_new) is expected
    assert len(y) < np.shape(X_new)[0] == 2 * 178


@pytest.mark.parametrize(
    "element", [np.asarray, np.ndarray.tolist, torch.from_numpy], ids=["array", "list", "tensor"]
)
def test_a_list_of_images_comes_back_as_one(digits, element):
    X, y = digits
    images = (X * 15).astype(np.uint8)
    given = [element(image) for image in images]
    sampler = AugmentedOverSampler(Augment(Flip(p=1.0)), random_state=0)
    more, labels = sampler.fit_resample(given, y)
    array, _ = clone(sampler).fit_resample(images, y)
    assert type(more) is list
    assert {type(each) for each in more} == {type(given[0])}
    assert len({getattr(each, "dtype", None) for each in more}) == 1
    assert np.array_equal(np.stack([np.asarray(each) for each in more]), array)
    assert len(more) == len(labels) == 2 * 178


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("kind", ["disk", "folder"])
def test_rows_on_the_disk_come_back_in_memory(digits, kind, balanced, tmp_path):
    X, y = digits
    rows = np.concatenate(
        [np.flatnonzero(y == 0)[:20], np.flatnonzero(y == 1)[: 20 if balanced else 9]]
    )
    images, labels = (X[rows] * 15).astype(np.uint8), y[rows]
    if kind == "folder":
        paths = [tmp_path / f"{i}.png" for i in range(len(rows))]
        for path, image in zip(paths, images, strict=True):
            Image.fromarray(image).save(path)
        given = ImageFolder(paths, mode="L")
    else:
        np.save(tmp_path / "X.npy", images)
        given = OnDisk(np.load(tmp_path / "X.npy", mmap_mode="r"))
    sampler = AugmentedOverSampler(Augment(Flip()), random_state=0)
    more, _ = sampler.fit_resample(given, labels)
    assert type(more) is np.ndarray
    assert np.array_equal(more, clone(sampler).fit_resample(images, labels)[0])
    assert len(more) == 40


def wrong(digits, returned):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the text is returned
        AugmentedOverSampler(lambda X, rng: returned(X), random_state=0).fit_resample(*digits)
    return str(raised.value)


TODO = "Let it return as many rows as it gets, of the same kind."


def test_errors_tell_what_came_back(digits):
    assert wrong(digits, lambda X: X[:-1]) == (
        "augment returned rows of another shape. Expected (158, 8, 8); got (157, 8, 8). " + TODO
    )
    assert wrong(digits, lambda X: X[:, :4]) == (
        "augment returned rows of another shape. Expected (158, 8, 8); got (158, 4, 8). " + TODO
    )
    assert wrong(digits, lambda X: None) == (
        "augment returned rows of another shape. Expected (158, 8, 8); got (). " + TODO
    )
    X, y = digits
    assert wrong((X.astype("uint8"), y), lambda X: X * 0.5) == (
        "augment returned rows of another dtype. Expected uint8; got float64. " + TODO
    )
    assert wrong((torch.as_tensor(X), y), lambda X: X.numpy()) == (
        "augment returned rows of another type. Expected Tensor; got ndarray. " + TODO
    )
    assert wrong((list(X.astype("uint8")), y), lambda X: np.asarray(X) * 0.5) == (
        "augment returned rows of another dtype. Expected uint8; got float64. " + TODO
    )
    table = pd.DataFrame({"a": X[:, 0, 2], "b": X[:, 0, 3]})
    assert wrong((table, y), lambda X: X[["b", "a"]]) == (
        "augment returned rows of other columns. Expected a float32, b float32; "
        "got b float32, a float32. " + TODO
    )


def test_a_failing_function_leaves_no_trace(digits):
    sampler = AugmentedOverSampler(shift, random_state=0)
    sampler.fit_resample(*digits)
    before = dict(vars(sampler))
    X, y = digits
    with pytest.raises(ValueError, match="another shape"):
        sampler.set_params(augment=lambda X, rng: X[1:]).fit_resample(X[:, :4], y)
    assert vars(sampler) == {**before, "augment": sampler.augment}
