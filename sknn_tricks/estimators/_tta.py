"""Test-time augmentation: the predictions of several views of each image, averaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from torch import Tensor, nn

from sknn_tricks._image_layout import ImageLayout, image_layout
from sknn_tricks._messages import lookup, message
from sknn_tricks._read_once import ReadOnce
from sknn_tricks.augment import as_augment
from sknn_tricks.augment._chain import Chain
from sknn_tricks.augment._channels import layout_of
from sknn_tricks.augment._draws import Draws
from sknn_tricks.estimators._augment import with_own

# Corners that a view moves towards, as steps down and to the right.
CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))


class TTA(ReadOnce, BaseEstimator):
    r"""Views of an image whose predictions are averaged: test-time augmentation.

    As ``tta=TTA(...)`` of a `NetClassifier` or `NetRegressor` it is at work in prediction only.
    Each view costs as much as a prediction. The image as it is is always one of the views. Choose
    views such as the net has seen in training, by `augment` or by the data's nature: it is worse on
    others, and so is the mean then.

    Parameters
    ----------
    views : {"flip", "five_crop", "ten_crop"}, Augment or list, default="flip"
        "flip": the image and its mirror image, left to right. "five_crop": the image and four that
        are moved towards the corners; what leaves the image is cut off, and its edge is repeated
        on the other side, so that the net is given images of its own size. "ten_crop": these five
        and their mirror images. A `sknn_tricks.augment.Augment`, a transform, or a list of them: as
        many random changes of the image as `n_draws` says.
    margin : float, default=1 / 14
        How far crops are moved, as a share of height and width, at least one pixel: 2 pixels of
        28 or 32. The default is how far the corner crops of 224 pixels in images of 256 are from
        the central one [1]_.
    n_draws : int, default=7
        Views that an `Augment` makes beside the image itself. Each is one draw of its transforms,
        the same for all images, so that the prediction of an image does not depend on the others.
    random_state : int, default=0
        What these draws are, from 0 up. It is no generator: each prediction sees the same views.
    channels : {"auto", "first", "last"}, default="auto"
        Which axis of a row has the channels, if `views` is no `Augment` that says it: "auto" takes
        what the net's `augment` or its spec says, or else the one, last or first, that is 4 or
        less.

    References
    ----------
    .. [1] A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional
       neural networks", NeurIPS 2012: averages the probabilities of ten crops.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn_tricks import NetClassifier
    >>> digits = load_digits()
    >>> net = NetClassifier(max_epochs=2, random_state=0).fit(digits.images, digits.target)
    >>> net.set_params(tta=TTA("five_crop", margin=1 / 8)).predict_proba(digits.images).shape
    (1797, 10)
    """

    def __init__(
        self,
        views: Any = "flip",
        *,
        margin: float = 1 / 14,
        n_draws: int = 7,
        random_state: int = 0,
        channels: str = "auto",
    ) -> None:
        self.views = views
        self.margin = margin
        self.n_draws = n_draws
        self.random_state = random_state
        self.channels = channels

    def make(
        self,
        input_shape: tuple[int, ...],
        of_bytes: bool = False,
        spec: Any = None,
        augment: Any = None,
    ) -> list[View]:
        """Return the views of rows of that shape, but for the rows themselves.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one row.
        of_bytes : bool, default=False
            Whether the net was trained on bytes.
        spec : spec, default=None
            Of the net.
        augment : Augment, default=None
            Of its training.

        Raises
        ------
        ValueError
            If `views` is none of those known, a number is out of range, or rows are no images.
        TypeError
            If `views` has something that is no transform.
        """
        _check(self)
        drawn = None if isinstance(self.views, str) else as_augment(self.views, "tta")
        if drawn is None or drawn.channels == "auto":
            layout = self._layout(input_shape, spec, augment)
        if drawn is None:
            return self._moves(layout)
        if drawn.channels == "auto" and layout.channels is not None:
            drawn = clone(drawn).set_params(channels=layout.channels)
        chain = drawn.prepare(input_shape, of_bytes)  # once for all views and batches
        return [View(_Draw(chain, self.random_state, i)) for i in range(self.n_draws)]

    def _layout(self, input_shape: tuple[int, ...], spec: Any, augment: Any) -> ImageLayout:
        """Return what the rows are."""
        if self.channels == "auto":
            return layout_of(input_shape, spec, augment)
        return image_layout(input_shape, self.channels)

    def _moves(self, layout: ImageLayout) -> list[View]:
        """Return the views that are always the same."""
        corners, plain, mirrored = _corners(layout, self.margin), [False], [True]
        known = {
            "flip": product([(0, 0)], mirrored),
            "five_crop": product(corners, plain),
            "ten_crop": product([(0, 0), *corners], plain + mirrored),
        }
        moves = lookup(self.views, known, "tta")
        return [View(_Move(layout, *move)) for move in moves if move != ((0, 0), False)]


class View(nn.Module):
    """Shows a net a view of its rows.

    Parameters
    ----------
    change : callable
        Maps rows (N, ...) to a view of each, of the same shape.
    """

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._change = change

    def forward(self, x: Tensor) -> Tensor:
        """Map rows to rows of the same shape."""
        return self._change(x)

    def before(self, module: nn.Module) -> nn.Module:
        """Return a net that sees this view."""
        return nn.Sequential(self, module)


def as_tta(tta: Any) -> TTA | None:
    """Return what the parameter of an estimator stands for.

    Examples
    --------
    >>> as_tta("five_crop")
    TTA(views='five_crop')
    """
    return tta if tta is None or isinstance(tta, TTA) else TTA(tta)


def with_own_tta(params: dict[str, Any], tta: Any) -> dict[str, Any]:
    """Return parameters to set, with views of the estimator's own to set them in.

    Without views, settings of them mean nothing and are left out, as those of `augment` are.

    Parameters
    ----------
    params : dict of str to object
        Some begin with ``tta__``.
    tta : object
        What the estimator has, if `params` has no other.

    Raises
    ------
    ValueError
        If views have no parameter of that name.

    Examples
    --------
    >>> with_own_tta({"tta__margin": 0.1}, "five_crop")
    {'tta__margin': 0.1, 'tta': TTA(views='five_crop')}
    """
    return with_own(params, "tta", as_tta(params.get("tta", tta)), TTA())


def views_of(
    tta: Any,
    input_shape: tuple[int, ...],
    of_bytes: bool = False,
    spec: Any = None,
    augment: Any = None,
) -> list[View | None]:
    """Return the views that a net is to see.

    Parameters
    ----------
    tta : None, str, Augment, transform, list of transforms or TTA
        The parameter of the estimator.
    input_shape : tuple of int
        Shape of one row.
    of_bytes, spec, augment
        See `TTA.make`.

    Returns
    -------
    list of View or None
        The first is None: the images as they are.

    Raises
    ------
    ValueError
        If there are no such views, or rows of that shape are no images.

    Examples
    --------
    >>> len(views_of(None, (3,))), len(views_of("ten_crop", (8, 8)))
    (1, 10)
    """
    asked = as_tta(tta)
    if asked is None:
        return [None]
    return [None, *asked.make(tuple(input_shape), of_bytes, spec, augment)]


def seen_through(
    views: Sequence[View | None], modules: Sequence[tuple[Any, nn.Module]]
) -> list[tuple[Any, nn.Module]]:
    """Return each net with a module for each view, all nets of a view together."""
    return [
        (net, module if view is None else view.before(module))
        for view in views
        for net, module in modules
    ]


def mean_of_views(values: Tensor) -> Tensor:
    """Return the mean over the first axis; of equal views it is the first, to the bit."""
    return values[0] + (values[1:] - values[0]).sum(dim=0) / len(values)


def log_mean_of_views(logs: Tensor) -> Tensor:
    """Return the logarithm of the mean of what these are logarithms of, over the first axis."""
    top = logs.amax(dim=0)
    return top + (logs - top).exp().mean(dim=0).log()


class _Move:
    """Moves images, and may mirror them; the edge is repeated where nothing is left."""

    def __init__(self, layout: ImageLayout, steps: tuple[int, int], mirrored: bool) -> None:
        self._layout, self._steps, self._mirrored = layout, steps, mirrored

    def __call__(self, x: Tensor) -> Tensor:
        images = self._layout.to_nchw(x)
        for axis, step in zip((-2, -1), self._steps, strict=True):
            if step:
                size = images.shape[axis]
                places = torch.arange(size, device=x.device).sub(step).clamp(0, size - 1)
                images = images.index_select(axis, places)
        return self._layout.from_nchw(images.flip(-1) if self._mirrored else images)


class _Draw:
    """One draw of transforms, the same for all images."""

    def __init__(self, chain: Chain, seed: int, draw: int) -> None:
        self._chain, self._seed, self._draw = chain, seed, draw

    def __call__(self, x: Tensor) -> Tensor:
        rows = np.zeros(len(x), dtype=np.int64)
        return self._chain(x, Draws.of(self._seed, self._draw, rows))


def _corners(layout: ImageLayout, margin: float) -> list[tuple[int, int]]:
    """Return how far each corner's view is moved, in pixels down and to the right."""
    down, right = (max(round(margin * size), 1) for size in (layout.height, layout.width))
    return [(down * y, right * x) for y, x in CORNERS]


def _check(tta: TTA) -> None:
    """Raise if a number is out of range."""
    if not (_is_a(tta.margin, Real) and 0 < tta.margin < 1):
        raise ValueError(
            message(
                "margin is no share of an image",
                expected="a number above 0 and below 1",
                got=f"margin={tta.margin!r}",
                todo="Try margin=1/14, 2 pixels of 28",
            )
        )
    if not (_is_a(tta.n_draws, Integral) and tta.n_draws >= 1):
        raise ValueError(
            message(
                "n_draws is no number of views",
                expected="a whole number from 1 up",
                got=f"n_draws={tta.n_draws!r}",
                todo="Try n_draws=7",
            )
        )
    if not (_is_a(tta.random_state, Integral) and 0 <= tta.random_state < 2**64):
        raise ValueError(
            message(
                "random_state is no seed of views",
                expected="a whole number from 0 to 2**64 - 1: each prediction sees the same views",
                got=f"random_state={tta.random_state!r}",
                todo="Try random_state=0",
            )
        )


def _is_a(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
