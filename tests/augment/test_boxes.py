"""Cutout and RandomErasing: which pixels, and what is put there."""

import pytest
import torch

from sknn_tricks.augment import Cutout, RandomErasing


def boxes_of(after):
    """Return height and width of what is 0 in each image (N, C, H, W), or fail if it is no box."""
    lengths = []
    for image in after:
        blank = (image == 0).all(0)
        lines, columns = blank.any(1), blank.any(0)
        assert torch.equal(blank, lines[:, None] & columns)
        assert torch.equal((image == 0).any(0), blank)
        lengths.append([lines.sum().item(), columns.sum().item()])
    return torch.tensor(lengths)


def test_a_square_around_any_pixel_is_cut(images, changed):
    x = images(3000, 2, 9, 12) + 1
    after = changed(Cutout(4), x)
    lengths = boxes_of(after)
    assert lengths.max() == 4
    assert lengths.min() == 2  # at a corner, half a side is inside
    # A centre for which the square is inside: all but two lines above and one below.
    whole = (lengths == 4).all(1).double().mean().item()
    assert whole == pytest.approx((9 - 3) / 9 * (12 - 3) / 12, abs=0.04)
    assert torch.equal(after[after != 0], x[after != 0])


def test_sizes_as_a_share_are_of_the_shorter_side(images, changed):
    assert boxes_of(changed(Cutout(0.5), images(300, 1, 8, 20) + 1)).max() == 4


def test_several_squares(images, changed):
    n_blank = (changed(Cutout(2, n=3), images(500, 1, 20, 20) + 1) == 0).sum((1, 2, 3))
    assert n_blank.max() == 12  # three squares that do not touch
    assert n_blank.double().mean() > 10


@pytest.mark.parametrize(
    "make", [lambda fill: Cutout(6, fill=fill), lambda fill: RandomErasing(fill=fill, p=1.0)]
)
@pytest.mark.parametrize("fill", [0.25, -3.0, "mean"])
def test_what_is_put_there(images, changed, make, fill):
    x = images(50, 3, 12, 12, dtype=torch.float64)
    after = changed(make(fill), x)
    wanted = (
        x.mean((2, 3), keepdim=True).expand_as(x) if fill == "mean" else torch.full_like(x, fill)
    )
    other = after != x
    torch.testing.assert_close(after[other], wanted[other])
    assert other.any(dim=1).sum() > 50
    assert torch.equal(other.any(1), other.all(1))


def test_noise_is_between_the_extremes_of_the_image(images, changed):
    x = images(200, 3, 16, 16) * 2 - 5
    after = changed(RandomErasing(area=(0.2, 0.3), p=1.0), x)
    other = after != x
    assert (after >= x.amin((1, 2, 3), keepdim=True)).all()
    assert (after <= x.amax((1, 2, 3), keepdim=True)).all()
    assert after[other].mean().item() == pytest.approx(-4, abs=0.05)
    assert after[other].std().item() == pytest.approx(2 / 12**0.5, abs=0.05)


def test_rectangles_have_the_area_and_shape_that_was_asked_for(images, changed):
    x = images(1000, 1, 60, 80) + 1
    lengths = boxes_of(changed(RandomErasing(area=(0.1, 0.4), aspect=(0.5, 2.0), fill=0, p=1.0), x))
    tall, wide = lengths.double().T
    area, aspect = tall * wide / 4800, wide / tall
    assert (area.min().item(), area.max().item()) == pytest.approx((0.1, 0.4), abs=0.02)
    assert (aspect.min().item(), aspect.max().item()) == pytest.approx((0.5, 2.0), abs=0.1)
    assert aspect.log().mean().item() == pytest.approx(0, abs=0.05)


def test_a_shape_that_does_not_fit_becomes_one_that_does(images, changed):
    x = images(50, 1, 10, 10) + 1
    lengths = boxes_of(changed(RandomErasing((0.5, 0.5), aspect=(9, 10), fill=0, p=1.0), x))
    assert set(map(tuple, lengths.tolist())) == {(5, 10)}


def test_a_share_of_the_images_is_changed(images, changed):
    x = images(1000, 1, 8, 8)
    for transform in (Cutout(p=0.3), RandomErasing(p=0.3, fill=2.0)):
        same = (changed(transform, x) == x).all(dim=(1, 2, 3)).double().mean().item()
        assert same == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        (
            Cutout(-1),
            "size of Cutout is out of range. Expected a whole number of pixels, or a share",
        ),
        (Cutout(n=0), "n of Cutout is out of range. Expected a whole number from 1 up; got n=0."),
        (Cutout(fill="noise"), "Expected a number, \"mean\"; got fill='noise'. Try fill=0.0."),
        (
            RandomErasing(area=0.5),
            "area of RandomErasing is out of range. Expected the smallest and",
        ),
        (RandomErasing(aspect=(-1, 1)), "aspect of RandomErasing is out of range"),
    ],
    ids=str,
)
def test_wrong_settings(images, changed, transform, text):
    with pytest.raises(ValueError, match=text):
        changed(transform, images())
