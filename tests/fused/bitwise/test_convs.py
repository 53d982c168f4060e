"""Convolutional nets: alone and together the same, bit by bit."""

import dataclasses
import math
from functools import partial

import pytest
from torch import nn

from sknn_tricks._image_layout import image_layout
from sknn_tricks.fused import Rows, train
from sknn_tricks.fused.stacks import _convs
from sknn_tricks.nets import Residual
from sknn_tricks.nets._channel_dropout import ChannelDropout
from sknn_tricks.nets._drop_connect import DropConnect2d
from sknn_tricks.nets._image_input import ImageInput
from sknn_tricks.nets._residual import ProjectedResidual


class Images:
    """A spec of the net of images whose layers a function makes, of the channels and outputs."""

    foreign = False

    def __init__(self, make):
        self.make = make

    def build(self, input_shape, n_outputs):
        layout = image_layout(input_shape)
        return nn.Sequential(ImageInput(layout), *self.make(layout.n_channels, n_outputs))


def head(width, n_outputs):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, n_outputs)]


def normed(n_channels, n_outputs, channels=(8, 24)):
    layers = []
    for width in channels:
        conv = nn.Conv2d(n_channels, width, 3, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
        n_channels = width
    return [*layers, *head(n_channels, n_outputs)]


def bare(n_channels, n_outputs):
    first = nn.Conv2d(n_channels, 5, 5, stride=2, padding=2)
    second = nn.Conv2d(5, 40, 3, stride=2, padding=1)
    return [first, nn.Sigmoid(), second, nn.PReLU(40), nn.Conv2d(40, 7, 1), *head(7, n_outputs)]


def residual(n_channels, n_outputs):
    def convs(before, after, stride=1):
        first = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        return [first, nn.BatchNorm2d(after), nn.ReLU(), second, nn.BatchNorm2d(after)]

    shortcut = nn.Sequential(nn.Conv2d(8, 16, 1, stride=2, bias=False), nn.BatchNorm2d(16))
    return [
        nn.Conv2d(n_channels, 8, 3, padding=1),
        Residual(*convs(8, 8)),
        nn.ReLU(),
        ProjectedResidual(nn.Sequential(*convs(8, 16, 2)), shortcut),
        nn.ReLU(),
        *head(16, n_outputs),
    ]


def dropping(n_channels, n_outputs, rate):
    return [
        DropConnect2d(n_channels, 12, 3, padding=1, p=rate),
        nn.GroupNorm(3, 12),
        nn.GELU(),
        ChannelDropout(rate),
        nn.AvgPool2d(2, ceil_mode=True),
        nn.Conv2d(12, 8, 3, padding=1),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(8, n_outputs),
    ]


def of_images(job, shape):
    """Return the job with its rows as images."""

    def shaped(rows):
        return Rows(rows.x.unflatten(1, shape), rows.target, rows.weight)

    rows = {"train": shaped(job.train), "valid": shaped(job.valid)}
    return dataclasses.replace(job, input_shape=shape, **rows)


@pytest.fixture
def make_images(make_crowd):
    """Return a function that makes jobs on images; `make` makes layers, perhaps of a rate."""

    def make_jobs(make, shape=(6, 6), **settings):
        def spec(rate):
            return Images(partial(make, rate=rate) if make is dropping else make)

        jobs = make_crowd(7, spec, n_features=math.prod(shape), **settings)
        return [of_images(job, shape) for job in jobs]

    return make_jobs


@pytest.mark.parametrize(
    ("make", "shape"),
    [(normed, (5, 7)), (bare, (6, 6)), (residual, (8, 8, 2)), (dropping, (3, 4, 5))],
    ids=["normed", "bare", "residual", "dropping"],
)
def test_layers_and_shapes(make_images, assert_alone_is_together, make, shape):
    assert_alone_is_together(make_images(make, shape))


@pytest.mark.parametrize("channels", [(1,), (33, 5)], ids=str)
def test_channels(make_images, assert_alone_is_together, channels):
    assert_alone_is_together(make_images(partial(normed, channels=channels), (8, 8)))


def test_columns_that_do_not_fit_the_cache(make_images, assert_alone_is_together, monkeypatch):
    monkeypatch.setattr(_convs, "COLUMNS", 20_000)  # a part of a member's, or of a few members
    assert_alone_is_together(make_images(residual, (8, 8)))


@pytest.mark.parametrize("optimizer", ["nesterov", "adamw"])
def test_optimizers_penalties_and_bounds(make_images, assert_alone_is_together, optimizer):
    bounds = {"clip_norm": [None, 0.5], "max_norm": [None, 1.0], "l1": [0.0, 1e-3]}
    assert_alone_is_together(make_images(normed, optimizer=optimizer, **bounds))


def test_training_that_goes_on(make_images, assert_alone_is_together):
    first = make_images(dropping, max_epochs=[1, 2], init="lsuv")
    pairs = zip(first, train(first), strict=True)
    assert_alone_is_together([dataclasses.replace(job, start=one.net) for job, one in pairs])


@pytest.mark.parametrize("init", ["lsuv", "orthogonal"])
def test_inits(make_images, assert_alone_is_together, init):
    assert_alone_is_together(make_images(normed, init=init))
