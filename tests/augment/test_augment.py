"""Augment: images of any kind, strengths, parameters, and what does not depend on company."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from sknn_tricks._image_layout import image_layout
from sknn_tricks.augment import (
    RECIPES,
    Augment,
    ColorJitter,
    ColorNoise,
    Crop,
    Cutout,
    Flip,
    Noise,
    RandomErasing,
    RandomResizedCrop,
    Rotate,
    Scale,
    Shear,
    Shift,
    Stretch,
    Transform,
    as_augment,
)
from sknn_tricks.augment._checks import pixels
from sknn_tricks.augment._draws import Draws

ALL = [
    Flip(vertical=True),
    Shift(2, p=0.7),
    Shift(0.2, fill="edge"),
    Crop(2, fill="reflect"),
    Rotate(30),
    Rotate(30, fill="edge", p=0.5),
    Scale(fill=0.3),
    Stretch(),
    Shear(),
    RandomResizedCrop(),
    ColorJitter(),
    ColorNoise(),
    Noise(),
    Cutout(3, n=2, fill="mean"),
    RandomErasing(),
]
CHAINS = [[transform] for transform in ALL] + [[Rotate(), Scale(p=0.5), Shear()], ALL]
SHAPES = [(9, 13), (8, 8, 3), (3, 9, 7), (17, 5, 1)]


@given(
    chain=st.sampled_from(CHAINS),
    shape=st.sampled_from(SHAPES),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    pick=st.lists(st.integers(0, 14), min_size=1, max_size=20),
)
@settings(max_examples=80, deadline=None)
def test_an_image_becomes_the_same_to_the_bit_in_any_batch(chain, shape, dtype, pick):
    x = torch.rand(15, *shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
    before, rows = x.clone(), np.arange(100, 115)
    augment = Augment(chain)
    whole = augment.apply(x, seed=7, epoch=3, rows=rows)
    assert torch.equal(x, before)
    assert (whole.shape, whole.dtype) == (x.shape, dtype)
    some = augment.apply(x[pick], seed=7, epoch=3, rows=rows[pick])
    assert torch.equal(some, whole[pick])


@pytest.mark.parametrize("transform", [Noise(), Shift(3), RandomErasing(p=1.0)])
def test_epochs_rows_and_seeds_differ(transform):
    x, augment = torch.rand(1, 8, 8).expand(50, -1, -1), Augment(transform)
    first = augment.apply(x, 0, 0, np.arange(50))
    others = [
        augment.apply(x, 1, 0, np.arange(50)),
        augment.apply(x, 0, 1, np.arange(50)),
        augment.apply(x, 0, 0, np.arange(50, 100)),
    ]
    assert all((first != other).any(dim=(1, 2)).double().mean() > 0.8 for other in others)
    assert len(torch.unique(first, dim=0)) > 20


def test_the_same_transform_twice_has_other_draws():
    x = torch.zeros(20, 6, 6)
    once, twice = (Augment([Noise(1.0)] * n).apply(x, 0, 0, np.arange(20)) for n in (1, 2))
    assert abs(torch.corrcoef(torch.stack([once.flatten(), (twice - once).flatten()]))[0, 1]) < 0.2


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "float16", "int32", "bool"])
def test_images_come_back_as_they_were_given(shape, dtype, as_tensor):
    images = (np.random.default_rng(0).random((6, *shape)) > 0.5).astype(dtype)
    images = images * 200 if dtype == "uint8" else images
    given_ = torch.from_numpy(images) if as_tensor else images
    augment = Augment([Flip(), Shift(2), Rotate()])
    after = augment(given_, random_state=0)
    assert type(after) is type(given_)
    assert (after.dtype, tuple(after.shape)) == (given_.dtype, images.shape)
    assert not np.array_equal(np.asarray(after), images)
    again = augment(given_, random_state=0)
    assert np.array_equal(np.asarray(after), np.asarray(again))


TYPES = ["int8", "uint16", "uint32", "uint64", ">i4", "int64", "longdouble", "bool"]
TORCH_TYPES = [torch.int8, torch.uint16, torch.uint32, torch.uint64, torch.bool, torch.bfloat16]


@pytest.mark.parametrize("dtype", [*TYPES, *TORCH_TYPES], ids=str)
def test_numbers_of_any_type_end_where_it_does(dtype):
    def as_given(numbers):
        if isinstance(dtype, torch.dtype):
            return torch.from_numpy(numbers).to(dtype)
        return numbers.astype(dtype)

    numbers = np.full((20, 8, 8), 1.0 if "bool" in str(dtype) else 100.0)
    flipped = Augment(Flip(p=1.0))(as_given(numbers * np.eye(8)), random_state=0)
    assert flipped.dtype == as_given(numbers).dtype
    assert bool((flipped == as_given(numbers * np.eye(8)[:, ::-1])).all())

    noise = Noise(60.0)
    after = Augment(noise)(as_given(numbers), random_state=0)
    floats = Augment(noise)(numbers, random_state=0)
    after = after.to(torch.float64) if isinstance(after, torch.Tensor) else after
    assert np.abs(np.asarray(after, np.float64) - floats.clip(*bounds(dtype))).max() <= 1  # rounded


def bounds(dtype):
    if "bool" in str(dtype):
        return 0, 1
    try:
        info = torch.iinfo(dtype) if isinstance(dtype, torch.dtype) else np.iinfo(dtype)
    except (TypeError, ValueError):
        return -np.inf, np.inf
    return float(info.min), float(info.max)


@pytest.mark.parametrize("dtype", ["int64", "uint64", "int32"])
def test_the_largest_numbers_do_not_wrap(dtype):
    most = np.iinfo(dtype).max
    after = Augment(Noise(1e25))(np.full((2, 8, 8), most, dtype), random_state=0)
    assert set(np.unique(after)) == {np.iinfo(dtype).min, min(most, int(after.max()))}
    assert after.max() >= most - 2048


def test_bytes_are_shares_of_255_and_rounded():
    images = np.random.default_rng(0).integers(0, 256, (40, 10, 10, 3), dtype=np.uint8)
    augment = Augment([ColorJitter(), Noise(0.3), Rotate()])
    as_floats = augment(images.astype(np.float32) / 255, random_state=3)
    wanted = (as_floats * 255).clip(0, 255).round()
    assert np.array_equal(augment(images, random_state=3), wanted.astype(np.uint8))
    assert np.array_equal(Augment(Flip(p=1.0))(images, 0), images[:, :, ::-1])


def test_many_images_are_as_few(monkeypatch):
    images, augment = np.random.default_rng(0).random((50, 8, 8)), Augment([Shift(2), Noise()])
    at_once = augment(images, random_state=0)
    monkeypatch.setattr("sknn_tricks.augment._augment.NUMBERS", 7 * 64)
    assert np.array_equal(augment(images, random_state=0), at_once)
    assert np.array_equal(augment(images[:10], random_state=0), at_once[:10])
    assert augment(images[:0], random_state=0).shape == (0, 8, 8)


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_generators(make):
    images, augment = np.random.default_rng(0).random((5, 8, 8)), Augment(Noise())
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    one, other = make(0), make(0)
    first = augment(images, one)
    assert np.array_equal(first, augment(images, other))
    assert not np.array_equal(first, augment(images, one))
    assert not np.array_equal(augment(images), augment(images))
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("transform", ALL, ids=str)
def test_strength(transform):
    images = np.random.default_rng(0).random((60, 12, 12))
    images[:] = images[:1]

    def change(strength):
        after = Augment(transform, strength=strength)(images, random_state=0)
        return np.abs(after - images).mean()

    assert change(1.0) > 0
    if isinstance(transform, Flip):
        assert change(0.0) == change(1.0)
    else:
        assert change(0.0) == pytest.approx(0, abs=1e-12)
        assert change(0.5) < change(1.0)


@pytest.mark.parametrize("shape", [(12, 12), (12, 7), (3, 9, 20)], ids=str)
@pytest.mark.parametrize("strength", [2.5, 40])
@pytest.mark.parametrize(
    "transform",
    [
        *ALL,
        Shift(0.3, fill="reflect"),
        Shift(5, fill="reflect"),
        Crop(0.6),
        Crop(0.3, fill="reflect"),
        Rotate((100, 170)),
        Shear(45),
        Shear((-80, 10)),
        Cutout(),
        Cutout(0.6),
        Cutout(6),
        RandomErasing(area=(0.5, 1)),
    ],
    ids=str,
)
def test_no_strength_drives_a_transform_out_of_its_range(transform, strength, shape):
    images = np.random.default_rng(0).random((3, *shape))
    Augment(transform)(images)
    assert np.isfinite(Augment(transform, strength=strength)(images, random_state=0)).all()


def test_ranges_end_at_their_bounds():
    layout = image_layout((8, 20))

    def scaled(transform, strength):
        return transform.times(strength, layout)

    assert scaled(Rotate(100), 2.0).degrees == (-180, 180)
    assert scaled(Shear((10, 60)), 2.0).degrees == (20, 89)
    assert scaled(Cutout(0.6), 2.0).size == 1.0
    assert [scaled(Cutout(6), by).size for by in (0.5, 1.2, 2.0)] == [3, 7, 8]
    assert [scaled(Cutout(11), by).size for by in (0.5, 2.0)] == [6, 11]  # never less than it was
    assert [scaled(Shift(8), by).distance for by in (2.0, 3.0)] == [16, 20]
    assert scaled(Shift(5, fill="reflect"), 2.0).distance == 7
    assert pixels(scaled(Crop(0.3, fill="reflect"), 3.0).padding, 20) == 7
    assert scaled(Crop(0.5), 3.0).padding == 1.0


def test_images_that_a_scaler_rounded_beyond_an_end():
    images = np.random.default_rng(0).random((5, 8, 8), np.float32)
    images[:2, 0, 0] = [np.nextafter(np.float32(1), np.float32(2)), -1e-7]
    inverted = Augment(Invert())(images)
    np.testing.assert_array_equal(inverted, 1 - images.clip(0, 1))
    text = r"got numbers from -9\.99999997e-07 to 1\.00000203\."
    images[:2, 0, 0] = [1.000002, -1e-6]
    with pytest.raises(ValueError, match=text):
        Augment(Invert())(images)


class Invert(Transform):
    """A transform of a user's own that complains of what it should not be given."""

    unit_range = True

    def __init__(self, p=1.0):
        self.p = p

    def change(self, x, draws):
        assert (x.min() >= 0) & (x.max() <= 1)
        return 1 - x


def test_images_out_of_range_for_colours():
    bright = np.random.default_rng(0).random((5, 8, 8)) * 300
    text = (
        r"ColorJitter is for images in \[0, 1\]. Expected bytes \(uint8\), or floats from 0 to 1; "
        "got numbers from .* to 29.*. Give the images as bytes, and leave their scaling to the net."
    )
    with pytest.raises(ValueError, match=text):
        Augment([Flip(), ColorJitter()])(bright, random_state=0)
    assert Augment([Flip(), Noise()])(bright, random_state=0).max() > 200
    # What our own noise drives out of range is no fault of the images.
    after = Augment([Noise(0.5), ColorJitter()])(bright / 300, random_state=0)
    assert (after.min(), after.max()) == (0, 1)


def test_parameters():
    augment = Augment([Flip(p=0.3), Cutout(8)], strength=0.5)
    assert clone(augment).get_params()["transforms"][1].size == 8
    assert augment.set_params(strength=2.0).strength == 2.0
    params = [transform.get_params() for transform in augment.transforms]
    assert json.loads(json.dumps(params)) == params
    assert repr(augment) == "Augment(strength=2.0, transforms=[Flip(p=0.3), Cutout(size=8)])"
    before = repr(augment)
    augment(np.zeros((2, 8, 8)), random_state=0)
    assert repr(augment) == before  # strength is not written into the transforms
    with pytest.raises(TypeError, match="unexpected keyword argument 'degree'"):
        Rotate(degree=10)


@pytest.mark.parametrize("name", RECIPES)
def test_what_stands_for_an_augmentation(name):
    assert [type(each).__name__.lower() for each in as_augment(name).transforms] == name.split("_")
    assert as_augment(None) is None
    augment = Augment(Flip())
    assert as_augment(augment) is augment
    assert as_augment([Flip(p=0.1)]).transforms[0].p == 0.1
    assert as_augment(Shift(1)).transforms[0].distance == 1


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: as_augment("flipshift"), ValueError, "Did you mean 'flip_shift'?"),
        (lambda: as_augment(3), TypeError, "augment has something that is no transform. Expected "),
        (lambda: as_augment([Flip]), TypeError, r"got the class Flip. Write them as a list, such "),
        (lambda: Augment([Flip(), "shift"]), TypeError, "got 'shift'"),
        (lambda: Augment(Flip(), strength=-1), ValueError, "strength of Augment is out of range"),
        (
            lambda: Augment(Flip(), strength=np.inf),
            ValueError,
            "strength of Augment is out of range",
        ),
        (lambda: Augment(Flip(), n_workers=-1), ValueError, "n_workers of Augment is out of range"),
        (lambda: Augment(Flip(), channels="both"), ValueError, "channels is no axis of images"),
        (lambda: Augment(RandomErasing(p=2)), ValueError, "p of RandomErasing is out of range"),
    ],
)
def test_wrong_settings(make, error, text):
    with pytest.raises(error, match=text):
        make()(np.zeros((2, 8, 8)))


def test_wrong_images():
    augment = Augment(Flip())
    with pytest.raises(ValueError, match="These rows are no images"):
        augment(np.zeros((3, 64)))
    with pytest.raises(ValueError, match="It is not clear which axis of the images"):
        augment(np.zeros((3, 8, 8, 8)))
    with pytest.raises(ValueError, match="These images are no numbers"):
        augment(np.array([[["a"]]]))
    with pytest.raises(ValueError, match=r"These images are no numbers.*torch\.complex64"):
        augment(torch.zeros(2, 8, 8, dtype=torch.complex64))
    assert Augment(Flip(p=1.0), channels="first")(np.eye(8)[None, None].repeat(8, 1)).shape[1] == 8


class Brightest(Transform):
    """A transform of a user's own."""

    unit_range = True

    def __init__(self, p=1.0):
        self.p = p

    def change(self, x, draws):
        return x.amax((1, 2, 3), keepdim=True).expand_as(x)


def test_a_transform_of_ones_own():
    images = np.random.default_rng(0).random((4, 8, 8))
    after = Augment([Brightest(), Flip()])(images, random_state=0)
    assert np.array_equal(after, images.max((1, 2), keepdims=True).repeat(8, 1).repeat(8, 2))
    assert Draws.of(0, 0, np.arange(3)).uniform().shape == (3,)
