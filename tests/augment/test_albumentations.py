"""Transforms of albumentations: by name and as objects, image by image, with our draws."""

import json
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sknn_tricks.augment import Albumentation, Augment, Flip, Noise, as_augment
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._import import albumentations

A = albumentations()
SHAPES = [(10, 12), (10, 12, 3), (3, 10, 12)]


def photos(n=12, shape=(10, 12, 3), dtype="uint8"):
    numbers = np.random.default_rng(0).integers(0, 256, (n, *shape), dtype=np.uint8)
    return numbers if dtype == "uint8" else (numbers / 255).astype(dtype)


def mixed():
    rotate = A.Affine(rotate=(-20, 20), p=0.7)
    one_of = A.OneOf([A.GaussNoise(p=1), A.CoarseDropout(p=1)], p=0.8)
    return Augment([rotate, Flip(), one_of, A.RandomBrightnessContrast()])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_an_image_becomes_the_same_in_any_batch(shape, dtype):
    images, augment = photos(shape=shape, dtype=dtype), mixed()
    after = augment(images, random_state=0)
    assert (after.dtype, after.shape) == (images.dtype, images.shape)
    assert (after != images).any(axis=(1, 2) if len(shape) == 2 else (1, 2, 3)).mean() > 0.8
    assert np.array_equal(augment(images[:5], random_state=0), after[:5])
    assert not np.array_equal(augment(images, random_state=1), after)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_definitions(dtype):
    images = photos(dtype=dtype)
    flipped = Augment(A.HorizontalFlip(p=1.0))(images)
    assert np.array_equal(flipped, images[:, :, ::-1])
    inverted = Augment(A.InvertImg(p=1.0))(images)
    np.testing.assert_allclose(inverted, (255 if dtype == "uint8" else 1) - images, atol=1e-6)


def test_each_share_is_as_the_transform_says():
    images = photos(600, (4, 4))
    same = (Augment(A.InvertImg(p=0.3))(images, random_state=0) == images).all((1, 2)).mean()
    assert same == pytest.approx(0.7, abs=0.06)


def test_by_name_and_as_an_object_are_the_same():
    images = photos()
    by_name = Augment([Albumentation("Affine", rotate=(-20, 20), p=0.7), Flip()])
    as_object = Augment([A.Affine(rotate=(-20, 20), p=0.7), Flip()])
    after = by_name(images, random_state=0)
    assert np.array_equal(as_object(images, random_state=0), after)
    assert as_object.transforms[0].transform == "Affine"
    assert as_object.transforms[0].get_params()["rotate"] == (-20, 20)


@pytest.mark.parametrize("copy", [clone, lambda each: pickle.loads(pickle.dumps(each))])
@pytest.mark.parametrize("used", [False, True])
def test_copies_do_the_same(copy, used):
    images, augment = photos(), mixed()
    if used:
        augment(images, random_state=5)
    again = copy(augment)
    assert np.array_equal(again(images, random_state=0), augment(images, random_state=0))
    params = [each.get_params() for each in augment.transforms]
    assert [each.get_params() for each in again.transforms] == params
    assert "Compose" in json.dumps([Albumentation(A.Compose([A.HorizontalFlip()])).get_params()])


def test_parameters_are_searchable():
    transform = Albumentation("HorizontalFlip", p=0.5)
    assert clone(transform).set_params(p=1.0).get_params() == {
        "transform": "HorizontalFlip",
        "p": 1.0,
    }
    assert repr(transform) == "Albumentation('HorizontalFlip', p=0.5)"
    with pytest.raises(ValueError, match="argument of HorizontalFlip='q' is not known"):
        transform.set_params(q=1)


def test_threads_do_not_disturb_each_other():
    images, rows = torch.from_numpy(photos(40)) / 255, np.arange(40)
    chain = mixed().prepare((10, 12, 3), of_bytes=True)
    alone = chain(images, Draws.of(0, 0, rows))
    begin = threading.Barrier(4)

    def change(_):
        begin.wait()
        return [chain(images, Draws.of(0, 0, rows)) for _ in range(3)]

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(change, range(4)))
    assert all(torch.equal(each, alone) for some in results for each in some)


def test_our_noise_before_it_is_clipped_for_it():
    after = Augment([Noise(3.0), A.InvertImg(p=1.0)])(photos(dtype="float64"), random_state=0)
    assert (after.min(), after.max()) == (0, 1)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Albumentation("Rotat"), "no such transform .* Did you mean one of .'Rotate'"),
        (lambda: Albumentation("Rotate", limt=3), "argument of Rotate='limt' .* mean 'limit'?"),
        (lambda: Albumentation("Rotate", p=3), "cannot be made.* got 'Rotate': 1 validation error"),
        (lambda: A.RandomCrop(8, 8), r"RandomCrop .* not suit these images.*shape \(8, 8, 3\)"),
        (lambda: A.Normalize(), r"Normalize of albumentations.* got one of .* dtype float32"),
        (lambda: A.Lambda(name="f", image=np.sin), "cannot be written down.*it has functions"),
    ],
)
def test_wrong_transforms(make, text):
    with pytest.raises(ValueError, match=text):
        Augment([make()])(photos())


def test_what_it_cannot_do_to_images_is_said_before_anything_is_done():
    with pytest.raises(ValueError, match=r"ToGray of albumentations .* 3-channel images"):
        Augment(A.ToGray(p=1.0)).prepare((10, 12, 2))
    with pytest.raises(ValueError, match=r"HorizontalFlip is for images in \[0, 1\]"):
        Augment(A.HorizontalFlip())(photos().astype(float))


def test_bare_ones_are_refused_as_scikit_learn_cannot_clone_them():
    with pytest.raises(TypeError, match=r"bare transform of albumentations.*Write augment=Augment"):
        as_augment([A.HorizontalFlip()])


ROTATE = {"transform": {"__class_fullname__": "Rotate", "limit": (-9, 9), "p": 1.0}}


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Albumentation(ROTATE, p=0.0), "got p=0.0 for a dict. Give the transform by its "),
        (lambda: Albumentation(A.Rotate(), p=0.0), "got p=0.0 for Rotate"),
        (lambda: Albumentation(A.Compose([A.Rotate()])).set_params(q=5), "got q=5 for a dict"),
        (lambda: Albumentation("Blur").set_params(transform=ROTATE, p=0.1), "got p=0.1 for a dict"),
    ],
)
def test_arguments_are_for_names(make, text):
    with pytest.raises(ValueError, match=f"^Arguments are for a transform .* by name.*{text}"):
        make()


@pytest.mark.parametrize("what", [3, None, {"limit": 3}, {"transform": 3}, A.Rotate], ids=str)
def test_what_is_no_transform_of_albumentations(what):
    with pytest.raises((TypeError, ValueError), match=r"no transform of albumentations|be written"):
        Albumentation(what)


def test_the_transform_itself_is_a_parameter():
    transform = Albumentation("Rotate", limit=10)
    transform.set_params(transform=A.Blur(p=0.3))
    assert (transform.transform, transform.get_params()["p"]) == ("Blur", 0.3)
    transform.set_params(transform=ROTATE)
    assert transform.get_params() == {"transform": ROTATE}
    assert clone(transform).make().limit == (-9, 9)


@pytest.mark.slow
def test_it_is_imported_without_a_call_to_the_network_and_only_if_needed():
    code = """
import os, sys
from sknn_tricks.augment import Albumentation, Augment, Flip
import numpy as np
images = np.zeros((2, 8, 8), np.uint8)
Augment([Flip()])(images)
assert "albumentations" not in sys.modules
import urllib.request
def refuse(*args, **kwargs): raise AssertionError("network")
urllib.request.OpenerDirector.open = refuse
urllib.request.urlopen = refuse
assert Albumentation("HorizontalFlip").name == "HorizontalFlip"
assert "albumentations" not in sys.modules
Augment([Albumentation("HorizontalFlip")])(images)
print(os.environ.get("NO_ALBUMENTATIONS_UPDATE"), "albumentations" in sys.modules)
"""
    before = {k: v for k, v in os.environ.items() if k != "NO_ALBUMENTATIONS_UPDATE"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=before, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None", "True"]
    assert done.stderr == ""
