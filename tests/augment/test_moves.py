"""Flips, shifts and crops move pixels exactly."""

import pytest
import torch

from sknn_tricks.augment import Crop, Flip, Shift


def moved(image, down, right, fill):
    """Move an image (C, H, W) pixel by pixel."""
    _, height, width = image.shape
    result = torch.full_like(image, 0.0 if isinstance(fill, str) else fill)
    for i in range(height):
        for j in range(width):
            y, x = i - down, j - right
            if fill == "edge":
                y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
            if fill == "reflect":
                y, x = (
                    side - 1 - abs(side - 1 - abs(at)) for at, side in ((y, height), (x, width))
                )
            if 0 <= y < height and 0 <= x < width:
                result[:, i, j] = image[:, y, x]
    return result


def where_to(before, after, farthest, fill):
    """Return by how much an image was moved, found by trying all."""
    span = range(-farthest, farthest + 1)
    return [
        (down, right)
        for down in span
        for right in span
        if torch.equal(moved(before, down, right, fill), after)
    ]


@pytest.mark.parametrize("fill", [0.0, 0.5, "edge", "reflect"])
@pytest.mark.parametrize("make", [Shift, Crop])
def test_images_are_moved_by_whole_pixels(images, changed, make, fill):
    x = images(30, 2, 5, 6)
    found = [
        where_to(a, b, 2, fill) for a, b in zip(x, changed(make(2, fill=fill), x), strict=True)
    ]
    assert all(len(each) == 1 for each in found)
    distances = {each[0] for each in found}
    assert {down for down, _ in distances} == {right for _, right in distances} == set(range(-2, 3))


def test_all_distances_are_as_likely(draws, images):
    x = torch.zeros(5000, 1, 7, 7)
    x[:, :, 3, 3] = 1
    places = Shift(1)(x, draws(5000)).sum(0)[0]
    assert places[2:5, 2:5].sum() == 5000
    assert places[2:5, 2:5].flatten().tolist() == pytest.approx([5000 / 9] * 9, abs=100)


def test_a_share_is_of_each_side(draws):
    x = torch.zeros(200, 1, 10, 20)
    x[:, :, 5, 10] = 1
    places = Shift(0.1)(x, draws(200)).sum(0)[0].nonzero()
    assert (places.amin(0).tolist(), places.amax(0).tolist()) == ([4, 8], [6, 12])


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_flips(images, changed, p):
    x = images(1000, 1, 3, 4)
    after = changed(Flip(vertical=True, p=p), x)
    known = {(): x, (3,): x.flip(3), (2,): x.flip(2), (2, 3): x.flip(2, 3)}
    shares = [(after == each).all(dim=(1, 2, 3)).double().mean().item() for each in known.values()]
    assert sum(shares) == pytest.approx(1)
    wanted = [(1 - p) ** 2, p * (1 - p), p * (1 - p), p**2]
    assert shares == pytest.approx(wanted, abs=0.05)


def test_only_what_is_asked_for_is_flipped(images, changed):
    x = images()
    assert torch.equal(changed(Flip(p=1.0), x), x.flip(3))
    assert torch.equal(changed(Flip(horizontal=False, vertical=True, p=1.0), x), x.flip(2))
    assert torch.equal(changed(Flip(horizontal=False), x), x)


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        (Shift(-1), "distance of Shift is out of range. Expected a whole number of pixels, or a "),
        (Shift(1.5), r"got distance=1.5. Try distance=2 or distance=0.1."),
        (Shift(True), "got distance=True"),
        (Shift(fill="edgy"), 'Expected a number, "edge", "reflect"; got fill=\'edgy\''),
        (Shift(12, fill="reflect"), "distance of Shift is too large for these images. Expected le"),
        (Crop("4"), "padding of Crop is out of range"),
        (Crop(p=1.1), "p of Crop is out of range. Expected a probability from 0 to 1; got p=1.1."),
        (Flip(horizontal="yes"), "horizontal of Flip is out of range. Expected True or False"),
    ],
    ids=str,
)
def test_wrong_settings(images, changed, transform, text):
    with pytest.raises(ValueError, match=text):
        changed(transform, images())
