import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sknn_tricks.regularisation import cutmix
from sknn_tricks.regularisation._cutmix import draw_box


@given(
    seed=st.integers(0, 10**6),
    alpha=st.floats(1e-2, 100.0),
    shape=st.tuples(*[st.integers(1, 9)] * 4),
)
def test_pixels_come_from_one_other_image_and_the_share_is_the_area(seed, alpha, shape):
    n = shape[0]
    x = torch.arange(float(n))[:, None, None, None].expand(shape)
    target = torch.arange(n)
    mixed, own, other, share = cutmix(x, target, alpha, np.random.default_rng(seed))
    assert torch.equal(own, target)
    assert torch.equal(other.sort().values, target)
    is_own = mixed == x
    assert torch.equal(mixed[~is_own], other[:, None, None, None].expand(shape)[~is_own].float())
    moved = other != target
    shares = is_own[moved].double().mean((1, 2, 3))
    assert shares.tolist() == pytest.approx([share] * len(shares))


def test_boxes_have_the_shape_of_the_image_and_are_centred_anywhere():
    generator = np.random.default_rng(0)
    boxes = [draw_box(500, 1000, 1.0, generator) for _ in range(3000)]
    for lines, columns in boxes:
        assert 0 <= lines.start <= lines.stop <= 500
        assert 0 <= columns.start <= columns.stop <= 1000
    inside = [
        (lines, columns)
        for lines, columns in boxes
        if lines.start > 0 and columns.start > 0 and lines.stop < 500 and columns.stop < 1000
    ]
    ratios = [
        (lines.stop - lines.start) / (c.stop - c.start)
        for lines, c in inside
        if c.stop > c.start + 50
    ]
    assert ratios == pytest.approx([0.5] * len(ratios), rel=0.05)
    # With alpha = 1, shares are uniform; where the middle of the image is in a box, it is larger.
    sides = [
        (lines.stop - lines.start) / 500 for lines, _ in boxes if lines.start < 250 < lines.stop
    ]
    assert 0.3 < len(sides) / 3000 < 0.8


def test_alpha_is_above_0():
    with pytest.raises(ValueError, match="alpha is no parameter of a Beta distribution"):
        cutmix(torch.zeros(2, 1, 3, 3), torch.zeros(2), 0.0, np.random.default_rng(0))
