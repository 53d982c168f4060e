"""Rotations, scales, stretches and shears: by definition, and resampled once."""

import pytest
import torch

from sknn_tricks.augment import (
    Augment,
    Flip,
    RandomResizedCrop,
    Rotate,
    Scale,
    Shear,
    Stretch,
)

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
ALL = [Rotate(), Scale(), Stretch(), Shear()]


def disc(height=41, width=41, radius=8.0):
    y, x = torch.meshgrid(
        torch.arange(height) - (height - 1) / 2,
        torch.arange(width) - (width - 1) / 2,
        indexing="ij",
    )
    return (x**2 + y**2 < radius**2).float()[None, None]


def extent(x):
    """Return how far bright pixels reach in each direction (N, C, H, W): height and width."""
    return [(x[0, 0].sum(axis) > 1).sum().item() for axis in (1, 0)]


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, 3), (0, 0)])
def test_right_angles_are_rot90(images, changed, degrees, turns):
    x = images(4, 3, 9, 9)
    wanted = torch.rot90(x, turns, dims=(2, 3))
    torch.testing.assert_close(changed(Rotate((degrees, degrees)), x), wanted, **CLOSE)


def test_angles_are_drawn_from_the_whole_range(draws):
    x = torch.zeros(500, 1, 21, 21)
    x[:, :, 10, 18] = 1  # to the right of the centre
    after = Rotate(30)(x, draws(500))[:, 0]
    y, along = torch.meshgrid(torch.arange(21.0) - 10, torch.arange(21.0) - 10, indexing="ij")
    mass = after.sum((1, 2))
    angles = torch.atan2(-(after * y).sum((1, 2)) / mass, (after * along).sum((1, 2)) / mass)
    degrees = angles.rad2deg()
    assert degrees.min() < -27
    assert degrees.max() > 27
    assert degrees.abs().max() < 31
    assert abs(degrees.mean()) < 3


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_scale(changed, factor):
    height, width = extent(changed(Scale((factor, factor)), disc()))
    assert height == width == pytest.approx(15 * factor, abs=2)


def test_stretch_keeps_the_area(changed):
    before, after = disc(), changed(Stretch((4, 4)), disc())
    assert after.sum().item() == pytest.approx(before.sum().item(), rel=0.05)
    height, width = extent(after)
    assert width / height == pytest.approx(4, rel=0.2)


def test_shear_moves_lines_by_their_height(changed):
    x = torch.zeros(1, 1, 9, 9)
    x[..., 4] = 1  # a vertical line
    after = changed(Shear((45, 45)), x)
    torch.testing.assert_close(after[0, 0], torch.eye(9).flip(0), **CLOSE)


def ramps(n, height, width):
    """Images whose two channels say where a pixel is: bilinear interpolation leaves that exact."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([y, x]).double().expand(n, -1, -1, -1).contiguous()


def test_resized_crops_are_pieces_of_the_area_and_shape_that_was_asked_for(changed):
    height, width = 30, 40
    crop = RandomResizedCrop(area=(0.2, 0.6), aspect=(0.5, 2.0))
    after = changed(crop, ramps(500, height, width))
    inside = after[:, :, 8:-8, 8:-8]  # away from the edge, where the piece may end between pixels
    tall = inside[:, 0].diff(dim=1).mean((1, 2)) * height
    wide = inside[:, 1].diff(dim=2).mean((1, 2)) * width
    area, aspect = tall * wide / (height * width), wide / tall
    assert (area.min().item(), area.max().item()) == pytest.approx((0.2, 0.6), abs=0.02)
    assert (aspect.min().item(), aspect.max().item()) == pytest.approx((0.5, 2.0), abs=0.1)
    for axis, side, length in ((0, height, tall), (1, width, wide)):
        middle = after[:, axis].mean((1, 2)) + 0.5
        assert (middle - length / 2).min() > -0.5
        assert (middle + length / 2).max() < side + 0.5
        assert middle.std() > 1


@pytest.mark.parametrize(
    "several",
    [[Rotate(20), Scale()], [Shear(), Stretch(), Rotate((30, 60))], [Scale(), RandomResizedCrop()]],
    ids=str,
)
def test_neighbours_are_the_maps_one_after_the_other(draws, several):
    """On ramps, which no resampling blurs, once for all is as each by itself."""
    fill = "edge"
    several = [
        each if isinstance(each, RandomResizedCrop) else each.set_params(fill=fill)
        for each in several
    ]
    x = ramps(20, 64, 64)
    chain = Augment(several).prepare((2, 64, 64))
    assert len(chain.steps) == 1
    apart = x
    for place, transform in enumerate(several):
        apart = transform(apart, draws(20).at(place))
    middle = (..., slice(28, 36), slice(28, 36))  # what is outside has no part in it
    torch.testing.assert_close(chain(x, draws(20))[middle], apart[middle], rtol=1e-9, atol=1e-9)


def test_neighbours_blur_once(images, draws):
    x = images(10, 1, 32, 32)
    several = [Rotate((10, 10)), Rotate((-10, -10))]
    once = Augment(several).prepare((1, 32, 32))(x, draws(10))
    torch.testing.assert_close(once, x, **CLOSE)
    twice = several[1](several[0](x, draws(10)), draws(10))
    assert (twice - x).abs().max() > 0.1


def test_others_between_them_and_other_fills_keep_them_apart():
    def n_steps(*transforms):
        return len(Augment(list(transforms)).prepare((1, 8, 8)).steps)

    assert n_steps(Rotate(), Scale(), Shear(), Stretch()) == 1
    assert n_steps(Rotate(), Flip(), Scale()) == 3
    assert n_steps(Rotate(), Scale(fill=1.0)) == 2


@pytest.mark.parametrize("transform", ALL, ids=str)
def test_images_that_are_not_drawn_stay_to_the_bit(images, changed, draws, transform):
    x = images(200, 1, 8, 8)
    same = (changed(transform.set_params(p=0.25), x) == x).all(dim=(1, 2, 3))
    assert same.double().mean().item() == pytest.approx(0.75, abs=0.1)
    [both] = Augment([Scale(p=0.0), transform.set_params(fill=0.0)]).prepare((1, 8, 8)).steps
    same = (both(x, draws(200)) == x).all(dim=(1, 2, 3))
    assert same.double().mean().item() == pytest.approx(0.75, abs=0.1)


def test_what_comes_in(changed):
    x = torch.ones(1, 1, 9, 9)
    turned = (45, 45)
    assert changed(Rotate(turned), x)[0, 0, 0, 0] == 0
    assert changed(Rotate(turned, fill=0.25), x)[0, 0, 0, 0] == 0.25
    for fill in ("edge", "reflect"):
        torch.testing.assert_close(changed(Rotate(turned, fill=fill), x), x, **CLOSE)


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        (
            Rotate(200),
            "degrees of Rotate is out of range. Expected an angle from 0 to 180, or the ",
        ),
        (Rotate((20, 10)), r"got degrees=\(20, 10\). Try degrees=15."),
        (Shear(90), "degrees of Shear is out of range. Expected an angle from 0 to 89"),
        (
            Scale((0, 1)),
            "factors of Scale is out of range. Expected the smallest and the largest f",
        ),
        (Stretch(2), "factors of Stretch is out of range"),
        (RandomResizedCrop(area=(0.5, 1.5)), "area of RandomResizedCrop is out of range"),
        (RandomResizedCrop(aspect=(2, 1)), "aspect of RandomResizedCrop is out of range"),
    ],
    ids=str,
)
def test_wrong_settings(images, changed, transform, text):
    with pytest.raises(ValueError, match=text):
        changed(transform, images())
