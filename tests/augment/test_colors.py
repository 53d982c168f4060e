"""Colours: brightness, contrast, saturation, hue, noise; each against its definition."""

import numpy as np
import pytest
import torch

from sknn_tricks.augment import ColorJitter, ColorNoise, Noise
from sknn_tricks.augment._color_jitter import COLOR, GREY, TURNED

ONLY = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
GREY_WEIGHTS = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)


def grey(x):
    return (x * GREY_WEIGHTS[:, None, None]).sum(1, keepdim=True)


def mild(images, n=200):
    """Images that no change drives out of [0, 1]."""
    return 0.4 + 0.2 * images(n, 3, 6, 7, dtype=torch.float64)


def solved(after, before, base):
    """Return the factor f of each image in after = f * before + (1 - f) * base."""
    a, b = (after - base).flatten(1), (before - base).flatten(1)
    factor = (a * b).sum(1) / (b * b).sum(1)
    torch.testing.assert_close(a, factor[:, None] * b, rtol=1e-5, atol=1e-6)
    return factor


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_each_factor_by_its_definition(images, changed, name):
    x = mild(images)
    after = changed(ColorJitter(**{**ONLY, name: 0.3}), x)
    base = {
        "brightness": torch.zeros_like(x),
        "contrast": grey(x).mean((1, 2, 3), keepdim=True).expand_as(x),
        "saturation": grey(x).expand_as(x),
    }[name]
    factors = solved(after, x, base)
    assert (factors.min().item(), factors.max().item()) == pytest.approx((0.7, 1.3), abs=0.02)
    assert factors.mean().item() == pytest.approx(1, abs=0.04)


def test_hue_keeps_brightness_and_saturation(images, changed):
    x = mild(images)
    after = changed(ColorJitter(**{**ONLY, "hue": 0.5}), x)
    torch.testing.assert_close(grey(after), grey(x), rtol=1e-6, atol=1e-6)
    assert (after - x).abs().max() > 0.1


def test_a_whole_turn_of_the_hue_is_none_and_half_a_turn_inverts_the_colour():
    np.testing.assert_allclose(GREY + COLOR, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(TURNED @ TURNED, -COLOR, atol=1e-12)
    np.testing.assert_allclose(GREY @ np.ones(3), np.ones(3), atol=1e-3)  # YIQ has four digits


def test_all_four_are_one_after_the_other(images, draws):
    x = mild(images, 20)
    amounts = {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.2}
    at_once = ColorJitter(**amounts)(x, draws(20))

    class Numbers:
        """Draws of which all but one are in the middle."""

        def __init__(self, which):
            self._which, self._n, self._draws = which, 0, draws(20)

        def uniform(self, low=0.0, high=1.0):
            number = self._draws.uniform(low, high)
            self._n += 1
            return number if self._n - 1 == self._which else np.full(20, (low + high) / 2)

    jitter = ColorJitter(**amounts)
    self_by_self = x
    draws(20).uniform()
    for which in range(4):
        numbers = Numbers(which + 1)
        numbers.uniform()  # whether the image is changed
        self_by_self = jitter.change(self_by_self, numbers)
    torch.testing.assert_close(at_once, self_by_self, rtol=1e-4, atol=1e-4)


def test_results_stay_in_the_unit_range(images, changed):
    after = changed(ColorJitter(1.0, 1.0, 1.0, 0.5), images(100))
    assert (after.min().item(), after.max().item()) == (0.0, 1.0)


def test_grey_images_and_other_channels(images, changed):
    x = images(50, 1)
    assert torch.equal(changed(ColorJitter(**{**ONLY, "saturation": 1, "hue": 0.5}), x), x)
    with_brightness = changed(ColorJitter(**{**ONLY, "brightness": 0.2}), 0.5 * images(50, 5))
    assert with_brightness.shape[1] == 5
    with pytest.raises(ValueError, match="ColorJitter cannot change the colours of images of 5 ch"):
        changed(ColorJitter(), images(5, 5))


def covariance_of(x):
    """Return the covariance of the colours of each image (N, C, H, W)."""
    centred = x.flatten(2) - x.flatten(2).mean(2, keepdim=True)
    return centred @ centred.mT / centred.shape[2]


@pytest.mark.parametrize("n_channels", [1, 3, 5])
def test_color_noise_has_the_covariance_of_the_paper(images, draws, n_channels):
    """P (a * l) has covariance P diag(std^2 l^2) P' = std^2 C^2."""
    one = images(1, n_channels, 6, 7, dtype=torch.float64)
    x = one.expand(20_000, -1, -1, -1)
    noise = ColorNoise(std=0.5)(x, draws(20_000)) - x
    assert (noise - noise[:, :, :1, :1]).abs().max() < 1e-12  # the same at each pixel
    colors = noise[:, :, 0, 0].numpy()
    c = covariance_of(one)[0].numpy()
    found = np.cov(colors.T).reshape(n_channels, n_channels)
    np.testing.assert_allclose(found, 0.25 * c @ c, atol=0.05 * 0.25 * (c @ c).max())
    assert np.abs(colors.mean(0)).max() < 4 * (0.25 * (c @ c).max() / 20_000) ** 0.5


def test_color_noise_of_a_given_covariance(images, draws):
    c = np.array([[0.3, 0.1, 0.0], [0.1, 0.2, -0.05], [0.0, -0.05, 0.1]])
    x = images(20_000, 3, 2, 2, dtype=torch.float64)
    colors = (ColorNoise(std=0.5, covariance=c)(x, draws(20_000)) - x)[:, :, 0, 0].numpy()
    np.testing.assert_allclose(np.cov(colors.T), 0.25 * c @ c, atol=0.002)


def test_noise_is_on_each_number(images, changed):
    x = images(50, 3, 16, 16, dtype=torch.float64)
    noise = (changed(Noise(0.2), x) - x).numpy()
    assert noise.std() == pytest.approx(0.2, abs=0.002)
    assert abs(noise.mean()) < 0.004
    flat = noise.reshape(50, -1)
    assert np.abs(np.corrcoef(flat) - np.eye(50)).max() < 0.2


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        (
            ColorJitter(brightness=1.5),
            "brightness of ColorJitter is out of range. Expected a number",
        ),
        (
            ColorJitter(hue=0.6),
            r"hue .* Expected a number from 0 to 0.5; got hue=0.6. Try hue=0.1.",
        ),
        (ColorNoise(std=-1), "std of ColorNoise is out of range"),
        (
            ColorNoise(covariance=np.eye(2)),
            r"Expected a symmetric matrix of shape \(3, 3\); got one",
        ),
        (Noise(std="much"), "std of Noise is out of range. Expected a number from 0 up"),
    ],
    ids=str,
)
def test_wrong_settings(images, changed, transform, text):
    with pytest.raises(ValueError, match=text):
        changed(transform, images())
